"""Logistic regression, random forest and k nearest neighbours on the twelve features, and an ensemble of the three.

Learnt from two certified learners for each who is not, without those whose sequences are too long; min-max by them alone.
The strength of the regression and the ensemble's weights come from a validation subset, a fifth of those learners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from engage_backend.engagement.calibration import logistic, sigmoid
from engage_backend.engagement.comparison.family import Said, Task, fifth, kept, silence
from engage_backend.engagement.comparison.material import Doubles, Material
from engage_backend.engagement.comparison.sampling import not_too_long, share, under_sampled, with_prior
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.trees_fit import cores

ROWS = ("logistic_regression", "random_forest", "knn", "ensemble")
TREES, NEIGHBOURS = 100, 15
LEAF = 10  # examples in a leaf of the forest, at the least
EACH_TREE = 0.1  # of the examples, drawn with replacement: a learner's weeks are much alike
STRENGTHS = (0.01, 1.0, 100.0)  # C of the regression
_SURE = 1e-3  # a forest or 15 neighbours say 0 and 1: their log-odds end here


@dataclass(frozen=True, slots=True)
class Scale:
    """Min-max."""

    low: Doubles
    width: Doubles

    @classmethod
    def of(cls, runs: Sequence[Material]) -> Scale:
        """By the runs' examples alone. A column that never changes becomes 0."""
        together = np.concatenate([run.features for run in runs])
        low, high = together.min(axis=0), together.max(axis=0)
        return cls(low, np.where(high > low, high - low, np.inf))

    def __call__(self, run: Material) -> Floats:
        """The features, 0 to 1 where they lie within what was seen."""
        scaled: Floats = ((run.features - self.low) / self.width).astype(np.float32)
        return scaled


def chosen(task: Task) -> list[Material]:
    """The training runs as the publication learnt from them."""
    return kept(task.fold.train, under_sampled(task.fold.train, not_too_long(task.fold.train), seed=task.seed))


def say(task: Task) -> Said:
    """All four rows."""
    said = Said(silence(task, ROWS))
    sample = chosen(task)
    held = fifth(sample, seed=task.seed)
    inner, validation = kept(sample, [~mask for mask in held]), kept(sample, held)
    task.progress("neighbours, forest, regression: validation")
    beside = _three(inner, validation, task, strength=None) if inner and validation else None
    strength = beside.strength if beside else dict.fromkeys(task.targets, 1.0)
    task.progress("neighbours, forest, regression")
    final = _three(sample, task.fold.test, task, strength=strength)
    for target in task.targets:
        weights = _weights(beside.rows, validation, target) if beside else None
        sampled = share([run.truths[:, target] for run in sample])
        natural = share([run.truths[:, target] for run in task.fold.train])
        for at in range(len(task.fold.test)):
            three = np.stack([final.rows[row][at][:, target] for row in ROWS[:3]], axis=1)
            blend = sigmoid(_log_odds(three) @ weights[0] + weights[1]) if weights else three.mean(axis=1)
            for row, column in zip(ROWS, (*three.T, blend), strict=True):
                said.rows[row][at][:, target] = with_prior(column, sampled=sampled, natural=natural)
    return said


@dataclass(frozen=True, slots=True)
class _Three:
    rows: dict[str, list[Doubles]]
    strength: dict[int, float]


def _three(
    train: Sequence[Material], test: Sequence[Material], task: Task, *, strength: dict[int, float] | None
) -> _Three:
    """The three models; without `strength` the regression's is chosen by what it says of `test`."""
    scale = Scale.of(train)
    x, y = np.concatenate([scale(run) for run in train]), np.concatenate([run.truths for run in train])
    asked = [scale(run) for run in test]
    rows = {row: [np.full((len(run.at), y.shape[1]), np.nan) for run in test] for row in ROWS[:3]}
    neighbours = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(x)), algorithm="brute", n_jobs=cores()).fit(x)
    for inputs, out in zip(asked, rows["knn"], strict=True):
        out[:] = _vote(y[neighbours.kneighbors(inputs, return_distance=False)])
    found = {}
    for target in task.targets:
        known = y[:, target] >= 0
        labels = y[known, target]
        if not 0 < labels.sum() < len(labels):  # of the sample: the fold as a whole has both outcomes
            for row in ROWS[:2]:
                for out in rows[row]:
                    out[:, target] = labels.mean() if len(labels) else 0.5
            continue
        truths = [run.truths[:, target] for run in test]
        forest = RandomForestClassifier(
            TREES, min_samples_leaf=LEAF, max_samples=_a_part(len(labels)), random_state=task.seed, n_jobs=cores()
        ).fit(x[known], labels)
        candidates = STRENGTHS if strength is None else (strength.get(target, 1.0),)
        fits = {c: LogisticRegression(C=c, max_iter=2_000).fit(x[known], labels) for c in candidates}
        best = min(fits, key=lambda c: _loss([fits[c].predict_proba(part)[:, 1] for part in asked], truths))
        found[target] = best
        for at, inputs in enumerate(asked):
            rows["logistic_regression"][at][:, target] = fits[best].predict_proba(inputs)[:, 1]
            rows["random_forest"][at][:, target] = forest.predict_proba(inputs)[:, 1]
    return _Three(rows, found)


def _a_part(count: int) -> float | None:
    """What each tree sees: all, where a part would hold fewer than a thousand examples."""
    return EACH_TREE if count * EACH_TREE >= 1_000 else None


def _vote(labels: npt.NDArray[np.int8]) -> Doubles:
    """The share of positives among judged neighbours, (n, k, targets) -> (n, targets); 0.5 where none is judged."""
    judged = (labels >= 0).sum(axis=1)
    votes: Doubles = np.where(judged > 0, (labels == 1).sum(axis=1) / np.maximum(judged, 1), 0.5)
    return votes


def _weights(rows: dict[str, list[Doubles]], validation: Sequence[Material], target: int) -> tuple[Doubles, float]:
    """What the ensemble makes of three log-odds: slopes (3,) and an intercept."""
    labels = np.concatenate([run.truths[:, target] for run in validation])
    known = labels >= 0
    three = np.stack([np.concatenate([part[:, target] for part in rows[row]]) for row in ROWS[:3]], axis=1)
    return logistic(_log_odds(three[known]), labels[known].astype(np.float64), np.ones(int(known.sum())))


def _log_odds(said: Doubles) -> Doubles:
    sure = np.clip(said, _SURE, 1 - _SURE)
    odds: Doubles = np.log(sure / (1 - sure))
    return odds


def _loss(said: Sequence[Doubles], truths: Sequence[npt.NDArray[np.int8]]) -> float:
    p, y = np.clip(np.concatenate(said), 1e-6, 1 - 1e-6), np.concatenate(truths)
    known = y >= 0
    return float(-np.mean(np.where(y[known] == 1, np.log(p[known]), np.log(1 - p[known])))) if known.any() else 0.0
