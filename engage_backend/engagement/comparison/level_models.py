"""The models that the engagement level is compared with, and ours: each learns on some runs and speaks of another.

All read the counters at the end of a week. Probabilities have the shape (n, 5), by level; labels are 0 to 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import NearestNeighbors

from engage_backend.engagement.calibration import Doubles, sigmoid
from engage_backend.engagement.counters import DAY, FEATURES
from engage_backend.engagement.dataset import NOT_JUDGED, Run
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.labels import RECENTLY_ACTIVE
from engage_backend.engagement.level import LEVELS, Integers, chances, expected, label, level_of
from engage_backend.engagement.level_fit import READ, LevelFit, fit_level
from engage_backend.engagement.metrics import confusion, weighted_f1
from engage_backend.engagement.trees_fit import cores

CLASSES = len(LEVELS)
_SILENT = FEATURES.index("days_silent")
_MULTICLASS: dict[str, Any] = {
    "objective": "multi:softprob",
    "num_class": CLASSES,
    "tree_method": "hist",
    "max_bin": 64,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
}
_ROUNDS = 80
_GRID = [{"max_depth": depth, "eta": eta} for depth in (3, 6) for eta in (0.1, 0.3)]
_SEARCHED = 15_000  # examples that the grid is searched on
_FOLDS = 3
_NEIGHBOURS = 5
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WeekEnds:
    """The examples of a run that are judged: ends of weeks, of those enrolled, where the next seven days are known."""

    run: Run  # all of it: ours learns from moments within weeks, too
    at: Integers  # (n,) where they stand in `run`
    before: npt.NDArray[np.int8]  # (n,) active days in the seven days before
    dated: bool = True  # whether the log tells of any enrolment: without, everybody counts as enrolled
    undated: int = 0  # learners who are unenrolled in the end, and no event tells since when: they count as enrolled

    @classmethod
    def of(cls, run: Run, before: npt.NDArray[np.int8], *, dated: bool = True, undated: int = 0) -> WeekEnds:
        """Choose them; `before` is of all examples of the run (N,)."""
        at = np.flatnonzero((run.week > 0) & (run.level != NOT_JUDGED) & run.enrolled)
        return cls(run, at, before[at], dated, undated)

    @property
    def features(self) -> Floats:
        """(n, F)."""
        return self.run.features[self.at]

    @property
    def inputs(self) -> Floats:
        """(n, READ): what the models read."""
        return self.features[:, READ]

    @property
    def truths(self) -> Integers:
        """Levels (n,), 0 to 4."""
        return level_of(self.run.level[self.at])

    @property
    def last_week(self) -> Integers:
        """Levels (n,) of the seven days before."""
        return level_of(self.before)

    @property
    def people(self) -> Integers:
        """(n,) the same number for the same person in every run."""
        mine: Integers = self.run.learners[self.run.who[self.at]]
        return mine

    @property
    def recent(self) -> Flags:
        """(n,) who was active in the last 14 days."""
        mine: Flags = self.features[:, _SILENT] <= RECENTLY_ACTIVE / DAY
        return mine


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of the judged examples of a run."""

    labels: Integers  # (n,)
    chances: Doubles | None  # (n, 5); None: it gives labels alone


Rows = Mapping[str, Said]


def last_week(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Rows:
    """Persistence: the next week is as the last."""
    return {"last_week": Said(test.last_week, None)}


def transitions(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Rows:
    """How often each level followed the level of the last week."""
    before, after = (np.concatenate([getattr(part, name) for part in train]) for name in ("last_week", "truths"))
    table = confusion(before, after, CLASSES) + 1.0
    found = (table / table.sum(axis=1, keepdims=True))[test.last_week]
    return {"transition_table": Said(found.argmax(axis=1), found)}


def ordinal_regression(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Rows:
    """Ordinal logistic regression (proportional odds) on the counters, as logarithms and standardized."""
    x, y = _joined(train)
    inputs = _spread(x)
    mean, deviation = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-9)
    inputs = (inputs - mean) / deviation
    width = inputs.shape[1]
    edges = np.arange(CLASSES + 1)[None, :] == y[:, None]  # (n, 6): one at the threshold below

    def loss(at: Doubles) -> tuple[float, Doubles]:
        """Negative log likelihood with a ridge of 1, and its gradient. Thresholds are sums of exponents, so they ascend."""
        z = inputs @ at[:width]
        steps = np.concatenate((at[width : width + 1], np.exp(at[width + 1 :])))
        thresholds = np.concatenate(([-np.inf], np.cumsum(steps), [np.inf]))
        upper, lower = sigmoid(z - thresholds[y]), sigmoid(z - thresholds[y + 1])
        chance = np.maximum(upper - lower, 1e-12)
        up, low = upper * (1 - upper) / chance, lower * (1 - lower) / chance
        by_edge = -(edges * up[:, None]).sum(axis=0)
        by_edge[1:] += (edges[:, :-1] * low[:, None]).sum(axis=0)
        by_threshold = by_edge[1:-1]
        by_step = np.cumsum(by_threshold[::-1])[::-1] * np.concatenate(([1.0], steps[1:]))
        gradient = np.concatenate((inputs.T @ (up - low) - at[:width], by_step))
        return -float(np.log(chance).sum()) + 0.5 * float(at[:width] @ at[:width]), -gradient

    begin = np.concatenate((np.zeros(width), [-0.5], np.zeros(CLASSES - 2)))
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    z = (_spread(test.inputs) - mean) / deviation @ found[:width]
    thresholds = np.cumsum(np.concatenate((found[width : width + 1], np.exp(found[width + 1 :]))))
    return {"ordinal_regression": _likeliest(chances(sigmoid(z[:, None] - thresholds[None, :])))}


def multiclass(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Rows:
    """XGBoost over five classes, at the natural balance."""
    booster = _grown(*_joined(train), {"max_depth": 4, "eta": 0.1}, seed)
    return {"xgboost": _likeliest(_asked(booster, test.inputs))}


def recipe(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Rows:
    """The seed document's recipe: XGBoost after SMOTE, its grid searched by cross-validation grouped by learner.

    SMOTE is applied to the part that is learned from alone; the grid is searched on a part of the learners.
    """
    x, y = _joined(train)
    people = np.concatenate([part.people for part in train])
    chance = np.random.default_rng(seed)
    order = chance.permutation(np.unique(people))
    some = np.isin(people, order[: max(len(order) * _SEARCHED // len(y), _FOLDS)])
    best: tuple[float, dict[str, Any]] = (-1.0, _GRID[0])
    folds = list(GroupKFold(_FOLDS).split(x[some], y[some], people[some]))
    balanced = [(smote(x[some][learn], y[some][learn], chance), judge) for learn, judge in folds]
    for settings in _GRID:
        scores = []
        for (inputs, labels), judge in balanced:
            said = _asked(_grown(inputs, labels, settings, seed), x[some][judge]).argmax(axis=1)
            scores.append(weighted_f1(confusion(y[some][judge], said, CLASSES)))
        best = max(best, (float(np.mean(scores)), settings), key=lambda one: one[0])
    booster = _grown(*smote(x, y, chance), best[1], seed)
    return {"document_recipe": _likeliest(_asked(booster, test.inputs))}


def smote(x: Floats, y: Integers, chance: np.random.Generator) -> tuple[Floats, Integers]:
    """Return the examples with made-up ones added until each class is as frequent as the most frequent.

    A made-up one lies between an example and one of its five nearest of the same class (Chawla et al. 2002), by standardized
    features.
    """
    deviation = np.maximum(x.std(axis=0), 1e-9)
    counts = np.bincount(y, minlength=CLASSES)
    inputs, labels = [x], [y]
    for number in range(CLASSES):
        mine = x[y == number]
        missing = int(counts.max() - len(mine))
        if not missing or len(mine) < 2:
            continue
        near = NearestNeighbors(n_neighbors=min(_NEIGHBOURS + 1, len(mine))).fit(mine / deviation)
        begin = chance.integers(0, len(mine), missing)
        asked, place = np.unique(begin, return_inverse=True)
        neighbours = near.kneighbors(mine[asked] / deviation, return_distance=False)[:, 1:]
        other = neighbours[place, chance.integers(0, neighbours.shape[1], missing)]
        share = chance.random((missing, 1)).astype(np.float32)
        inputs.append(mine[begin] + share * (mine[other] - mine[begin]))
        labels.append(np.full(missing, number, dtype=y.dtype))
    return np.concatenate(inputs).astype(np.float32), np.concatenate(labels)


def fit_ours(train: Sequence[WeekEnds], seed: int) -> LevelFit | None:
    """What `engage train` would make of these runs."""
    return fit_level([part.run for part in train], seed=seed)


def ours(fit: LevelFit, test: WeekEnds) -> Rows:
    """Our model: labels by cuts on the expected level; and, for comparison, the likeliest level."""
    reaching = fit.reaching(test.features)
    found = chances(reaching)
    return {
        "engage_likeliest": _likeliest(found),
        "engage": Said(label(expected(reaching), fit.cuts), found),
    }


def this_week(train: Sequence[WeekEnds], test: WeekEnds, seed: int) -> Said:
    """XGBoost asked for the level of the week that is over, which the counters hold already."""
    x = np.concatenate([part.inputs for part in train])
    y = np.concatenate([part.last_week for part in train])
    return _likeliest(_asked(_grown(x, y, {"max_depth": 4, "eta": 0.1}, seed), test.inputs))


BASELINES: tuple[Callable[[Sequence[WeekEnds], WeekEnds, int], Rows], ...] = (
    last_week,
    transitions,
    ordinal_regression,
    multiclass,
    recipe,
)


def _joined(train: Sequence[WeekEnds]) -> tuple[Floats, Integers]:
    return np.concatenate([part.inputs for part in train]), np.concatenate([part.truths for part in train])


def _likeliest(found: Doubles) -> Said:
    return Said(found.argmax(axis=1), found)


def _spread(features: Floats) -> Doubles:
    """Counts grow by factors: their logarithms, signs kept."""
    spread: Doubles = np.sign(features) * np.log1p(np.abs(features.astype(np.float64)))
    return spread


def _grown(x: Floats, y: Integers, settings: Mapping[str, Any], seed: int) -> xgboost.Booster:
    told = {**_MULTICLASS, **settings, "seed": seed, "nthread": cores()}
    return xgboost.train(told, xgboost.DMatrix(x, y), num_boost_round=_ROUNDS)


def _asked(booster: xgboost.Booster, features: Floats) -> Doubles:
    found: Doubles = booster.predict(xgboost.DMatrix(features)).astype(np.float64)
    return found
