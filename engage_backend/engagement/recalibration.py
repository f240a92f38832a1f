"""A model made true for a site by the site's own finished runs: what was shown, against what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engage_backend.engagement.calibration import Doubles, logistic, sigmoid
from engage_backend.engagement.metrics import auc
from engage_backend.engagement.model import PARTS, Model
from engage_backend.engagement.trees import TARGETS

LEAST = 30  # learners of each outcome, below which a target stays as it is
DOUBT = 2  # runs: so many must speak for half of what they say to be believed
_EDGE = 0.5  # per mille: 0 and 1000 were shown of what lies within half of one


class Shown(NamedTuple):
    """Of `learners` who were shown `per_mille`, it came true for `happened`."""

    per_mille: float
    learners: int
    happened: int


class WeekEnd(NamedTuple):
    """What each part of a model says of n learners of a finished run at the end of a week, and what came of it."""

    logits: Mapping[str, Doubles]  # of `certify`, (n,) by part
    certified: Doubles  # (n,) 0 or 1

    @property
    def is_told(self) -> bool:
        """Whether there are enough learners of each outcome to compare ranks."""
        return LEAST <= int(self.certified.sum()) <= len(self.certified) - LEAST

    def shown(self, part: str) -> list[Shown]:
        """The same as figures that were shown, as if this part had spoken."""
        said = 1000.0 * sigmoid(self.logits[part])
        return [Shown(float(one), 1, int(came)) for one, came in zip(said, self.certified, strict=True)]


def ranks(ends: Sequence[WeekEnd]) -> dict[str, float]:
    """The mean AUC of `certify` by part, over these ends of weeks, at least one, of which each has both outcomes."""
    found = {part: [auc(end.certified, end.logits[part]) for end in ends] for part in ends[0].logits}
    return {part: float(np.mean([area for area in areas if area is not None])) for part, areas in found.items()}


def without(per_mille: float, shift: float) -> float:
    """What the model itself said, in per mille, where `shift` was added to its log-odds before it was shown."""
    if not shift:
        return per_mille
    chance = min(max(per_mille, _EDGE), 1000 - _EDGE) / 1000
    return 1000 / (1 + math.exp(shift) * (1 - chance) / chance)


class Verdict(NamedTuple):
    """What came of one target."""

    learners: int  # that were shown something, once for each week looked at
    error_before: float  # mean distance of what was shown from what came of it, by tenths
    error_after: float
    why_not: str = ""  # why it stays as it is


def recalibrate(model: Model, shown: Mapping[str, Sequence[Shown]], *, runs: int) -> tuple[Model, dict[str, Verdict]]:
    """The model with slope and intercept as finished runs ask for, and what that mends; `shown` by target.

    A logistic regression of the outcomes on the log-odds that were shown (Platt 1999), of which R / (R + 2) is believed for R
    runs: the learners of one run err together. Calibrated is the part that speaks. The ranks of learners stay as they were.
    """
    parts = {
        name: replace(part, slope=part.slope.copy(), intercept=part.intercept.copy())
        for name, part in model.parts.items()
    }
    verdicts = {}
    for target in TARGETS:
        rows = shown.get(target, ())
        chance = np.array([np.clip(row.per_mille, _EDGE, 1000 - _EDGE) / 1000 for row in rows])
        learners = np.array([row.learners for row in rows], dtype=np.float64)
        happened = np.array([row.happened for row in rows], dtype=np.float64)
        before = _error(chance, learners, happened)
        if happened.sum() < LEAST or (learners - happened).sum() < LEAST:
            why = f"fewer than {LEAST} learners of each outcome"
            verdicts[target] = Verdict(int(learners.sum()), before, before, why)
            continue
        logits = np.log(chance / (1 - chance))
        twice, labels = np.tile(logits, 2)[:, None], np.repeat([1.0, 0.0], len(rows))
        slopes, shift = logistic(twice, labels, np.concatenate((happened, learners - happened)), towards=np.ones(1))
        if slopes[0] <= 0:
            why = "what was shown ranked learners the wrong way round: another model is needed, not a calibration"
            verdicts[target] = Verdict(int(learners.sum()), before, before, why)
            continue
        sure = runs / (runs + DOUBT)
        by, shift = 1 + sure * float(slopes[0] - 1), sure * shift
        part, output = parts[model.speaker(target)], PARTS[model.speaker(target)].index(target)
        part.slope[output] *= by
        part.intercept[output] = by * part.intercept[output] + shift
        after = _error(sigmoid(by * logits + shift), learners, happened)
        verdicts[target] = Verdict(int(learners.sum()), before, after)
    return replace(model, parts=parts, identity="", calibrated=True), verdicts


def _error(chance: Doubles, learners: Doubles, happened: Doubles) -> float:
    """Expected calibration error over tenths; 0 of nothing."""
    if not learners.sum():
        return 0.0
    tenth = np.minimum((chance * 10).astype(int), 9)
    said, came = (np.bincount(tenth, weights=part, minlength=10) for part in (chance * learners, happened))
    return float(np.abs(said - came).sum() / learners.sum())
