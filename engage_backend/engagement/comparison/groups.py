"""How good the predictions are for women and men, by education and by age: figures with intervals, or none where too few.

Groups come from what learners said of themselves (`auth_userprofile`); no model reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engage_backend.engagement.comparison.bootstrap import Weights, weighted_auc, weights_of
from engage_backend.engagement.comparison.judging import MAIN, POSITIVES, Answers
from engage_backend.engagement.comparison.material import SHARES, Material
from engage_backend.engagement.dataset import NOT_JUDGED
from engage_backend.engagement.metrics import calibration_error
from engage_backend.engagement.package import Profile
from engage_backend.engagement.trees import TARGETS

REPLICATES = 300
GENDERS = {"f": "women", "m": "men", "o": "other"}
EDUCATION = {
    "p": "doctorate",
    "m": "master's or professional degree",
    "b": "bachelor's degree",
    "a": "associate degree",
    "hs": "secondary school",
    "jhs": "junior secondary school",
    "el": "elementary school",
    "none": "no formal education",
    "other": "other education",
}
AGES = (20, 30, 40, 55)  # a group ends below each
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
            for attribute, name in ordered(groups):
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


def attributes(profile: Profile | None, start: int) -> dict[str, str]:
    """The groups that somebody belongs to, by attribute; those that are not told are not there."""
    found = {}
    if profile is not None:
        if profile.gender in GENDERS:
            found["gender"] = GENDERS[profile.gender]
        if profile.education in EDUCATION:
            found["education"] = EDUCATION[profile.education]
        if profile.year_of_birth is not None:
            age = datetime.fromtimestamp(start / 1e6, UTC).year - profile.year_of_birth
            if 10 <= age <= 100:
                found["age"] = age_group(age)
    return found


def age_group(age: int) -> str:
    """The words for the group of an age in years."""
    if age < AGES[0]:
        return f"under {AGES[0]}"
    if age >= AGES[-1]:
        return f"{AGES[-1]} and older"
    at = sum(age >= limit for limit in AGES)
    return f"{AGES[at - 1]} to {AGES[at] - 1}"


def ordered(groups: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    """The groups that occur, in the order of this module."""
    there = {pair for found in groups for pair in found.items()}
    ages = [age_group(age) for age in (AGES[0] - 1, *AGES)]
    every = [("gender", name) for name in GENDERS.values()]
    every += [("education", name) for name in EDUCATION.values()] + [("age", name) for name in ages]
    return [pair for pair in every if pair in there]


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
