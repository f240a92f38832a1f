"""How good probabilities are: ranking (ROC AUC, average precision) and calibration (Brier score, ECE). Numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10  # of the expected calibration error; each holds the same number of learners


def judge(labels: Any, scores: Any, probabilities: Any | None) -> dict[str, float | int | None]:
    """The columns of a row of metrics.json for one group of learners.

    `scores` rank (any scale, higher is likelier), `probabilities` are judged as such; None where there are none.
    Ranking is None when all labels are alike; everything is None for an empty group.
    """
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    p = None if probabilities is None or not len(y) else np.asarray(probabilities, dtype=np.float64)
    return {
        "learners": len(y),
        "positives": int(y.sum()),
        "auc": auc(y, s),
        "average_precision": average_precision(y, s),
        "brier": None if p is None else brier(y, p),
        "ece": None if p is None else expected_calibration_error(y, p),
    }


def auc(labels: Floats, scores: Floats) -> float | None:
    """Area under the ROC curve: how often a positive ranks above a negative, ties counting half. None for one class."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]  # the mean rank of those who are level, from 1
    above = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def average_precision(labels: Floats, scores: Floats) -> float | None:
    """Mean precision over recall, at every distinct score; the level come in together. None for one class."""
    positives = labels.sum()
    if not positives or positives == len(labels):
        return None
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(labels[order]), scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    recall = hits[last] / positives
    precision = hits[last] / (last + 1)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def brier(labels: Floats, probabilities: Floats) -> float:
    """Mean squared difference between probability and outcome."""
    return float(np.mean((probabilities - labels) ** 2))


def expected_calibration_error(labels: Floats, probabilities: Floats, *, bins: int = BINS) -> float:
    """Mean distance between what was said and what came true, over bins of equal numbers of learners.

    Learners with the same probability are never told apart: they stand with their common share of positives.
    """
    order = np.argsort(probabilities, kind="stable")
    p = probabilities[order]
    values, group = np.unique(p, return_inverse=True)
    shares = np.bincount(group, weights=labels[order]) / np.bincount(group)
    y = shares[group] if len(values) < len(p) else labels[order]
    parts = [part for part in np.array_split(np.arange(len(p)), bins) if len(part)]
    return float(sum(len(part) * abs(p[part].mean() - y[part].mean()) for part in parts) / len(p))
