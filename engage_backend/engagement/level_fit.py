"""Fitting the engagement level: boosted trees for each step, their calibration, and the cuts between the labels.

Learned from those enrolled, at week ends and at moments within weeks. For one learner in five the due dates are hidden, as in
a course that has none: without that, AUC on a run whose due dates are taken away fell from .789 to .768; with it, to .778.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from engage_backend.engagement.calibration import SHIFT_DOUBT, SLOPE_DOUBT, Doubles, logistic, sigmoid
from engage_backend.engagement.counters import FEATURES, OPTIONAL, UNKNOWN
from engage_backend.engagement.dataset import NOT_JUDGED, Run
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.level import FLOORS, LEVELS, PART, Integers, expected, level_of, ordered
from engage_backend.engagement.metrics import macro_f1, quadratic_kappa
from engage_backend.engagement.model import Model, Part
from engage_backend.engagement.training import MEAN_OF, folds_of, weights_of
from engage_backend.engagement.trees_fit import arrays_of, centred, cores, join

ROUNDS, DEPTH = 110, 5
HIDDEN_DATES = 0.2  # of the learners, whose due dates are hidden
# More of these never makes a lower level likelier, and less of those neither.
UP = (
    *("events", "events_per_day", "events_1d", "events_3d", "events_7d", "events_14d", "events_28d", "trend_7d"),
    *("active_days", "active_days_7d", "active_days_14d", "active_days_28d", "active_days_share", "sessions", "hours"),
    *("content_events", "video_events", "forum_events", "forum_posts", "problem_events", "progress_events"),
    *("blocks_handed_in", "points_attempted", "points_earned"),
)
DOWN = ("days_silent", "longest_silence_days", "points_missed")
# What platforms count or date each in their own way, which costs nothing to do without; and what no validation has heard.
UNREAD = frozenset(chain(("correct", "incorrect", "correct_share", "lead_days"), *OPTIONAL.values()))
READ = tuple(at for at, name in enumerate(FEATURES) if name not in UNREAD)  # places of the features that are read
_GRID = 400  # expected levels that a cut may lie at
_SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_bin": 64,
    "max_depth": DEPTH,
    "eta": 0.1,
    "min_child_weight": 20,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "lambda": 5.0,
    "base_score": 0.5,
    "monotone_constraints": tuple(1 if FEATURES[at] in UP else -1 if FEATURES[at] in DOWN else 0 for at in READ),
}

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LevelFit:
    """What fitting gives: for each step one booster over READ, its calibration, and the four cuts between labels."""

    boosters: tuple[xgboost.Booster, ...]
    slope: Doubles  # (4,)
    intercept: Doubles  # (4,)
    cuts: tuple[float, ...]

    def reaching(self, features: Floats) -> Doubles:
        """Return the calibrated chances (n, 4) of reaching each step, from features (n, F)."""
        return ordered(sigmoid(self.slope * _margins(self.boosters, features[:, READ]) + self.intercept))


def add_level(model: Model, runs: Sequence[Run], *, seed: int, progress: Callable[[str], object]) -> bool:
    """Give the model its part `level`, learned from the runs, unless it has one. Return whether it has one now."""
    if PART not in model.parts:
        fit = fit_level(runs, seed=seed, progress=progress)
        if fit is not None:
            model.parts = {**model.parts, PART: part_of(fit, runs)}
    return PART in model.parts


def part_of(fit: LevelFit, runs: Sequence[Run]) -> Part:
    """Return the fit as a model holds it; inner nodes are the means of those who are shown a level, from whom reasons count."""
    steps = len(FLOORS)
    trees = join([arrays_of(one, at, depth=DEPTH, outputs=steps) for at, one in enumerate(fit.boosters)])
    asked = np.where(trees.feature < 0, trees.feature, np.array(READ, dtype=np.int32)[trees.feature])
    trees = replace(trees, feature=asked)
    places = [np.flatnonzero(_learned_from(run)) for run in runs]
    apart = max(sum(map(len, places)) // MEAN_OF, 1)
    shown = np.concatenate([run.features[place[::apart]] for run, place in zip(runs, places, strict=True)])
    return Part(centred(trees, [shown] * steps), fit.slope, fit.intercept, fit.cuts)


def _learned_from(run: Run) -> Flags:
    """Examples (N,) of those enrolled whose next seven days are known."""
    found: Flags = (run.level != NOT_JUDGED) & run.enrolled
    return found


def fit_level(
    runs: Sequence[Run],
    *,
    seed: int,
    rounds: int = ROUNDS,
    progress: Callable[[str], object] = lambda what: None,
) -> LevelFit | None:
    """Fit on all runs; calibration and cuts come from what models said of the fold that they had not seen.

    None where a level never occurs, in a fold or at all: there is nothing to learn then.
    """
    chosen, folds = [_learned_from(run) for run in runs], folds_of(runs, at_most=5)
    days = np.concatenate([run.level[mine] for run, mine in zip(runs, chosen, strict=True)])
    if len(np.unique(level_of(days))) < len(LEVELS):
        return None
    shown = [run.features[mine][:, READ] for run, mine in zip(runs, chosen, strict=True)]
    learned = [_examples(run, mine, seed) for run, mine in zip(runs, chosen, strict=True)]
    weight = np.concatenate([part[mine] for part, mine in zip(weights_of(runs), chosen, strict=True)])
    fold = np.full(len(days), -1)
    for number, parts in enumerate(folds):
        fold[np.concatenate([part[mine] for part, mine in zip(parts, chosen, strict=True)])] = number
    features, as_shown = np.concatenate(learned), np.concatenate(shown)
    unseen = np.zeros((len(days), len(FLOORS)))
    for number in range(len(folds)):
        held = fold == number
        if len(np.unique(level_of(days[~held]))) < len(LEVELS):
            return None
        progress(f"level: fold {number + 1} of {len(folds)}")
        boosters = _boosters(features[~held], days[~held], weight[~held], seed, rounds)
        unseen[held] = _margins(boosters, as_shown[held])
    slope, intercept = _calibration(unseen, days, weight, len(runs))
    said = expected(ordered(sigmoid(slope * unseen + intercept)))
    progress("level: final")
    return LevelFit(
        _boosters(features, days, weight, seed, rounds), slope, intercept, fit_cuts(level_of(days), said, weight)
    )


def _examples(run: Run, chosen: Flags, seed: int) -> Floats:
    """Return the features to learn from, (n, READ): due dates are hidden for some learners."""
    features = np.array(run.features[chosen])
    hidden = np.random.default_rng(seed).random(len(run.learners)) < HIDDEN_DATES
    mine = hidden[run.who[chosen]]
    features[mine] = without_due_dates(features[mine])
    return features[:, READ]


def without_due_dates(features: Floats) -> Floats:
    """Return features (n, F) as they would be if no task had a due date."""
    without = np.array(features)
    column = {name: without[:, at] for at, name in enumerate(FEATURES)}
    graded = column["points_due"] != UNKNOWN
    for name in ("points_open", "points_reachable"):
        column[name][graded] += column["points_missed"][graded]
    for name in ("points_due", "points_missed", "points_due_7d"):
        column[name][graded] = 0.0
    for name in ("attempted_of_due", "lead_days", "days_to_next_due"):
        column[name][:] = UNKNOWN
    return without


def _boosters(
    features: Floats, days: npt.NDArray[np.int8], weight: Doubles, seed: int, rounds: int
) -> tuple[xgboost.Booster, ...]:
    settings = {**_SETTINGS, "seed": seed, "nthread": cores()}
    examples = xgboost.DMatrix(features, weight=weight)
    grown = []
    for floor in FLOORS:
        examples.set_label((days >= floor).astype(np.float32))
        grown.append(xgboost.train(settings, examples, num_boost_round=rounds))
    return tuple(grown)


def _margins(boosters: Sequence[xgboost.Booster], features: Floats) -> Doubles:
    asked = xgboost.DMatrix(features)
    said = [booster.predict(asked, output_margin=True) for booster in boosters]
    margins: Doubles = np.stack(said, axis=1).astype(np.float64)
    return margins


def _calibration(unseen: Doubles, days: npt.NDArray[np.int8], weight: Doubles, runs: int) -> tuple[Doubles, Doubles]:
    """Return slope and intercept of each step (4,), pulled to 1 and 0 when runs are few, as for the other figures."""
    slope, intercept = np.ones(len(FLOORS)), np.zeros(len(FLOORS))
    for at, floor in enumerate(FLOORS):
        labels = (days >= floor).astype(np.float64)
        found, shift = logistic(unseen[:, at, None], labels, weight, towards=np.ones(1))
        slope[at] = 1.0 + runs / (runs + SLOPE_DOUBT) * max(float(found[0]) - 1.0, -0.9)
        intercept[at] = runs / (runs + SHIFT_DOUBT) * shift
    return slope, intercept


def fit_cuts(levels: Integers, expected_level: Doubles, weight: Doubles) -> tuple[float, ...]:
    """Return the four cuts of the expected level under which labels agree best: quadratic kappa plus macro F1.

    One cut after the other is moved to the best place, until none moves. They begin where each level is given as often as
    it occurs.
    """
    steps = len(LEVELS) - 1
    place = np.clip((expected_level * _GRID / steps).astype(np.int64), 0, _GRID - 1)
    # (5, _GRID + 1): the weight of each level's examples whose expected level lies below each place
    below = np.zeros((len(LEVELS), _GRID + 1))
    for level in range(len(LEVELS)):
        mine = levels == level
        below[level, 1:] = np.cumsum(np.bincount(place[mine], weights=weight[mine], minlength=_GRID))
    reached = np.cumsum(below[:, -1])[:-1] / below[:, -1].sum()
    cuts = np.searchsorted(below.sum(axis=0) / below[:, -1].sum(), reached).clip(1, _GRID - 1)

    def agreement(at: npt.NDArray[np.integer[Any]]) -> float:
        table = np.diff(below[:, [0, *at, _GRID]], axis=1)
        return quadratic_kappa(table) + macro_f1(table)

    best, moved = agreement(cuts), True
    while moved:
        moved = False
        for number in range(steps):
            low = cuts[number - 1] if number else 0
            high = cuts[number + 1] if number + 1 < steps else _GRID
            for there in range(low, high + 1):
                tried = cuts.copy()
                tried[number] = there
                if (value := agreement(tried)) > best + 1e-9:
                    best, cuts, moved = value, tried, True
    return tuple(round(float(cut) * steps / _GRID, 4) for cut in cuts)
