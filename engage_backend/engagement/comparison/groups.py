"""How good the predictions are for women and men, by education and by age: figures with intervals, or none where too few.

Groups come from what learners said of themselves (`auth_userprofile`); no model reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engage_backend.engagement.comparison.bootstrap import Weights, weighted_auc, weights_of
from engage_backend.engagement.comparison.judging import MAIN, POSITIVES, Answers
from engage_backend.engagement.comparison.material import SHARES, Material
from engage_backend.engagement.dataset import NOT_JUDGED
from engage_backend.engagement.metrics import calibration_error
from engage_backend.engagement.package import attributes, groups_in_order
from engage_backend.engagement.trees import TARGETS

REPLICATES = 300
COLUMNS = ("auc", "said_less_seen", "ece_debiased", "ece_floor")


def group_rows(runs: Sequence[Material], answers: Answers, model: str, *, seed: int) -> list[dict[str, Any]]:
    """One row for each target, share of the course, attribute and group; figures are None below ten of either outcome.

    `auc` and `said_less_seen` (mean probability less share of positives) are [value, low, high]: the middle 95 % of
    replicates over learners. `ece_debiased` and `ece_floor` are numbers: resampling would add the noise that the one takes
    off and the other tells. Of all runs together, since a group of one run is small.
    """
    said = answers[model][0] if answers.get(model) else []
    if not said:
        return []
    weights = weights_of(runs, seed=seed, replicates=REPLICATES)
    rows = []
    for number, target in enumerate(TARGETS):
        for share in SHARES:
            labels, chances, drawn, groups = [], [], [], []
            for run, part, often in zip(runs, said, weights, strict=True):
                if part is None or np.isnan(part[:, number]).any():
                    continue
                mask = (
                    (run.truths[:, number] != NOT_JUDGED) & run.among(MAIN[target]) & (run.week == run.week_at(share))
                )
                labels.append(run.truths[mask, number])
                chances.append(part[mask, number])
                drawn.append(often[:, run.who[mask]])
                groups += [attributes(run.profiles[who], run.start) for who in run.who[mask]]
            if not groups:
                continue
            y, p, w = np.concatenate(labels), np.concatenate(chances), np.concatenate(drawn, axis=1)
            for attribute, name in groups_in_order(groups):
                mine = np.array([found.get(attribute) == name for found in groups])
                key = {
                    "target": target,
                    "among": MAIN[target],
                    "at": f"{share} %",
                    "attribute": attribute,
                    "group": name,
                }
                rows.append(key | _figures(y[mine], p[mine], w[:, mine]))
    return rows


def _figures(labels: Any, chances: Any, weights: Weights) -> dict[str, Any]:
    found: dict[str, Any] = {"learners": len(labels), "positives": int(labels.sum())}
    if min(labels.sum(), len(labels) - labels.sum()) < POSITIVES:
        return found | dict.fromkeys(COLUMNS)
    y = labels.astype(np.float64)
    drawn = np.concatenate((np.ones((1, len(y)), dtype=np.uint8), weights))
    gaps = (drawn @ (chances - y)) / np.maximum(drawn.sum(axis=1), 1)
    error = calibration_error(y, chances)
    return found | {
        "auc": _interval(weighted_auc(labels, chances, drawn)),
        "said_less_seen": _interval(gaps),
        "ece_debiased": round(error.debiased, 4),
        "ece_floor": round(error.floor, 4),
    }


def _interval(values: Any) -> list[float]:
    """Of [value, replicates ...]: [value, low, high]."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return [round(float(value), 4) for value in (values[0], low, high)]
