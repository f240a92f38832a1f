"""How good probabilities are: ranking (ROC AUC, average precision) and calibration. Numpy only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engage_backend.engagement.calibration import logistic

Floats = NDArray[np.float64]
BINS = 10  # of the expected calibration error; each holds the same number of learners
FIGURES = ("auc", "average_precision", "brier", "ece", "ece_debiased", "ece_floor", "slope")


def judge(labels: Any, scores: Any, probabilities: Any | None) -> dict[str, float | int | None]:
    """The columns of a row of metrics.json for one group of learners.

    `scores` rank (any scale, higher is likelier), `probabilities` are judged as such; None where there are none.
    Ranking and the calibration's slope are None when all labels are alike; everything is None for an empty group.
    """
    y, s = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    p = None if probabilities is None or not len(y) else np.asarray(probabilities, dtype=np.float64)
    error = None if p is None else calibration_error(y, p)
    return {
        "learners": len(y),
        "positives": int(y.sum()),
        "auc": auc(y, s),
        "average_precision": average_precision(y, s),
        "brier": None if p is None else brier(y, p),
        "ece": None if error is None else error.plain,
        "ece_debiased": None if error is None else error.debiased,
        "ece_floor": None if error is None else error.floor,
        "slope": None if p is None else calibration_slope(y, p),
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


class CalibrationError(NamedTuple):
    """Expected calibration error, 0 to 1."""

    plain: float
    debiased: float
    floor: float


def calibration_error(labels: Floats, probabilities: Floats, *, bins: int = BINS) -> CalibrationError:
    """Mean distance between what was said and what came true, over bins of equal numbers of learners.

    The plain error is above zero by chance alone: `floor` is what to expect of it were every probability true. From
    `debiased` the part that chance brought is taken off (Kumar, Liang, Ma, "Verified Uncertainty Calibration", NeurIPS 2019,
    with the mean of the folded normal in place of its simulation); it may fall to 0 and no further.
    """
    said, seen, sizes, spread = _bins(labels, probabilities, bins)
    gap, weights = np.abs(said - seen), sizes / sizes.sum()
    plain = float(np.sum(weights * gap))
    noise = np.sqrt(seen * (1 - seen) / sizes)
    debiased = float(max(np.sum(weights * (2 * gap - _folded(gap, noise))), 0.0))
    return CalibrationError(plain, debiased, float(np.sum(weights * spread * np.sqrt(2 / np.pi))))


def expected_calibration_error(labels: Floats, probabilities: Floats, *, bins: int = BINS) -> float:
    """The plain error alone."""
    return calibration_error(labels, probabilities, bins=bins).plain


def calibration_slope(labels: Floats, probabilities: Floats) -> float | None:
    """The slope of the outcomes' log-odds over those said (Cox 1958): 1 is true, below 1 too sure. None for one class."""
    if not 0 < labels.sum() < len(labels):
        return None
    sure = np.clip(probabilities, 1e-6, 1 - 1e-6)
    slopes, _ = logistic(np.log(sure / (1 - sure))[:, None], labels, np.ones(len(labels)), ridge=1e-6)
    return float(slopes[0])


def reliability(labels: Floats, probabilities: Floats, *, bins: int = BINS) -> list[dict[str, float]]:
    """The bins of a reliability diagram: {said, seen, learners}, from low to high."""
    said, seen, sizes, _ = _bins(labels, probabilities, bins)
    return [
        {"said": round(float(p), 4), "seen": round(float(y), 4), "learners": int(n)}
        for p, y, n in zip(said, seen, sizes, strict=True)
    ]


def confusion(truths: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> Floats:
    """Return how often each class (row) was labelled as each class (column); classes are numbered from 0."""
    return np.bincount(truths * classes + labels, minlength=classes * classes).reshape(classes, classes).astype(float)


def f1_scores(table: Floats) -> Floats:
    """Return F1 of each class from a confusion table; 0 for a class that neither occurs nor is given."""
    both = table.sum(axis=0) + table.sum(axis=1)
    found: Floats = np.divide(2 * np.diag(table), both, out=np.zeros(len(table)), where=both > 0)
    return found


def macro_f1(table: Floats) -> float:
    """Return the mean of the classes' F1: each class counts alike."""
    return float(f1_scores(table).mean())


def weighted_f1(table: Floats) -> float:
    """Return the mean of the classes' F1, each as often as it occurs."""
    return float(np.average(f1_scores(table), weights=table.sum(axis=1)))


def quadratic_kappa(table: Floats) -> float:
    """Return Cohen's kappa with squared distances as weights: 1 is agreement, 0 chance. 0 where nothing varies."""
    place = np.arange(len(table))
    distance = (place[:, None] - place[None, :]) ** 2
    by_chance = (distance * np.outer(table.sum(axis=1), table.sum(axis=0))).sum() / max(table.sum(), 1e-12)
    return float(1 - (distance * table).sum() / by_chance) if by_chance else 0.0


def _bins(labels: Floats, probabilities: Floats, bins: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Of each bin: mean probability, share of positives, learners, and the standard error were the probabilities true.

    Learners with the same probability are never told apart: they stand with their common share of positives.
    """
    order = np.argsort(probabilities, kind="stable")
    p = probabilities[order]
    values, group = np.unique(p, return_inverse=True)
    shares = np.bincount(group, weights=labels[order]) / np.bincount(group)
    y = shares[group] if len(values) < len(p) else labels[order]
    parts = [part for part in np.array_split(np.arange(len(p)), bins) if len(part)]
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    said = np.array([p[part].mean() for part in parts])
    seen = np.array([y[part].mean() for part in parts])
    spread = np.array([np.sqrt(np.sum(p[part] * (1 - p[part]))) for part in parts]) / sizes
    return said, seen, sizes, spread


def _folded(mean: Floats, deviation: Floats) -> Floats:
    """The mean of the absolute value of a normal variable."""
    known = np.maximum(deviation, 1e-12)
    ratio = mean / known
    # Φ by its tail, without scipy: Abramowitz and Stegun 7.1.26, off by less than 1.5e-7.
    z = ratio / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    erf = 1.0 - poly * np.exp(-(z**2))
    out: Floats = known * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * erf
    return out
