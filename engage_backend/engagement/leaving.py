"""When `leave` may be shown as a percentage in a running course, and which one. Pure.

`leave` is a rank: what a model learnt elsewhere orders learners, but how many of them leave differs by course and season. What
came of earlier learners of the run can correct the figure. The correction is shown only after it has proved itself ahead of
time: fitted on what was known on a day, it has to be nearer to what came then than the figure itself, and than the share of
the last known cohort. Measured in docs/decisions/0020.

A cohort is those active in the 14 days before a week's end, with the figure that was shown of them on that day. Whoever was
not seen between two days and 14 days after it has left; this is read at 14 days and never again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engage_backend.engagement.calibration import Doubles, logistic, sigmoid
from engage_backend.engagement.recalibration import Shown

KNOWN_AFTER = timedelta(days=14)  # after its day what came of a cohort is read
OLD = timedelta(days=28)  # since it was read; a holiday and what came after it lie within
LEAST_LEARNERS, LEAST_EACH = 50, 15  # of a cohort, and of its learners who left and who did not
PROVEN = 3  # successive cohorts whose outcome is old
MOST_OFF = 0.045  # from the share that left; squared it is .002, by how much a Brier score may be worse
MOST_BETWEEN = timedelta(days=9)  # cohorts that follow each other: a week, and the two days that a pass may be late
_EDGE = 0.5  # per mille; nobody is shown a certainty


class Cohort(NamedTuple):
    """What was shown on a day, and what came of it; `shown` is (per mille, learners, how many of them left)."""

    day: date
    shown: Sequence[Shown]

    @property
    def learners(self) -> int:
        """How many were active."""
        return sum(row.learners for row in self.shown)

    @property
    def left(self) -> int:
        """How many of them left."""
        return sum(row.happened for row in self.shown)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough learners of either outcome to say anything of them."""
        return self.learners >= LEAST_LEARNERS and min(self.left, self.learners - self.left) >= LEAST_EACH


class Correction(NamedTuple):
    """From a figure to a percentage that holds in this run: on log-odds, slope * figure + intercept."""

    slope: float
    intercept: float


class Scores(NamedTuple):
    """Brier scores of one cohort, of three ways to say ahead of time who leaves."""

    corrected: float  # by what came of the cohorts that were known on its day
    raw: float  # the figure as the model gives it
    rate: float  # to everybody, the share that left of the last cohort that was known
    off: float  # how far the mean of the correction was from the share that left, beyond what chance explains

    @property
    def is_won(self) -> bool:
        """Whether the correction was nearer to what came than both others, and near enough to be said as a percentage."""
        return self.corrected < min(self.raw, self.rate) and self.off <= MOST_OFF


def known(cohorts: Sequence[Cohort], day: date) -> list[Cohort]:
    """Return the cohorts whose outcome was read by `day`, in order."""
    return sorted((one for one in cohorts if one.day + KNOWN_AFTER <= day), key=lambda one: one.day)


def scores(cohorts: Sequence[Cohort], cohort: Cohort) -> Scores | None:
    """Return how a cohort was predicted by what was known on its day; None where it, or what was known, is too small."""
    before = known(cohorts, cohort.day)
    if not before or not cohort.is_enough or not before[-1].learners:
        return None
    raw, learners, left = _arrays([cohort])
    rate = np.full(len(raw), before[-1].left / before[-1].learners)
    said = _corrected(raw, _fit(before))
    by_chance = 2 * float(np.sqrt((learners * said * (1 - said)).sum()) / cohort.learners)
    off = abs(float((learners * said).sum()) - cohort.left) / cohort.learners - by_chance
    corrected, as_it_is, constant = (_brier(one, learners, left) for one in (said, raw, rate))
    return Scores(corrected, as_it_is, constant, off)


def correction(cohorts: Sequence[Cohort], today: date) -> Correction | None:
    """Return how figures of today become percentages; None while `leave` is to be shown as a rank.

    The correction has to have won the three latest cohorts whose outcome is four weeks old, and every one since. Three weeks
    alone would have shown percentages right before and after Christmas, with a Brier score worse by up to .05.
    """
    read = known(cohorts, today)
    old = len(known(cohorts, today - OLD))
    chain = read[max(old - PROVEN, 0) :]
    if old < PROVEN or today - read[-1].day > KNOWN_AFTER + MOST_BETWEEN:
        return None
    if any(then.day - one.day > MOST_BETWEEN for one, then in pairwise(chain)):
        return None
    for cohort in reversed(chain):
        found = scores(cohorts, cohort)
        if found is None or not found.is_won:
            return None
    return _fit(read)


def _fit(cohorts: Sequence[Cohort]) -> Correction:
    """What the outcomes of all of these ask for; figures stay as they are where they ranked learners the wrong way round."""
    raw, learners, left = _arrays(cohorts)
    labels = np.repeat([1.0, 0.0], len(raw))
    weights = np.concatenate((left, learners - left))
    slopes, intercept = logistic(np.tile(_logits(raw), 2)[:, None], labels, weights, towards=np.ones(1))
    return Correction(float(slopes[0]), intercept) if slopes[0] > 0 else Correction(1.0, 0.0)


def _arrays(cohorts: Sequence[Cohort]) -> tuple[Doubles, Doubles, Doubles]:
    """What was shown (0 to 1), to how many, and how many of them left."""
    rows = np.array([row for one in cohorts for row in one.shown], dtype=np.float64).reshape(-1, 3)
    return np.clip(rows[:, 0], _EDGE, 1000 - _EDGE) / 1000, rows[:, 1], rows[:, 2]


def _logits(chance: Doubles) -> Doubles:
    return np.log(chance / (1 - chance))


def _corrected(raw: Doubles, by: Correction) -> Doubles:
    return sigmoid(by.slope * _logits(raw) + by.intercept)


def _brier(said: Doubles, learners: Doubles, left: Doubles) -> float:
    return float((left * (1 - said) ** 2 + (learners - left) * said**2).sum() / learners.sum())
