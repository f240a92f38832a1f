"""Boosted trees on the twelve features: what a good learner makes of the publication's features, at the natural balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xgboost

from engage_backend.engagement.comparison.family import Said, Task, fifth, kept, silence
from engage_backend.engagement.comparison.material import Material
from engage_backend.engagement.comparison.sampling import not_too_long
from engage_backend.engagement.trees_fit import cores

ROWS = ("gradient_boosting",)
AT_MOST = 150  # trees; how many is chosen by inner folds
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.1,
    "min_child_weight": 10,
    "subsample": 0.8,
}


def say(task: Task) -> Said:
    """Each training run in turn tells how many trees are enough (a fifth of the learners, where there is one run)."""
    said = Said(silence(task, ROWS))
    train = kept(task.fold.train, not_too_long(task.fold.train))
    for target in task.targets:
        task.progress(f"boosted trees, target {target + 1}")
        whole = _matrix(train, target)
        if whole is None:
            continue
        settings = {**SETTINGS, "seed": task.seed, "nthread": cores()}
        booster = xgboost.train(settings, whole, num_boost_round=_enough(train, target, settings, task.seed))
        for run, out in zip(task.fold.test, said.rows[ROWS[0]], strict=True):
            out[:, target] = booster.predict(xgboost.DMatrix(run.features))
    return said


def _enough(train: Sequence[Material], target: int, settings: dict[str, Any], seed: int) -> int:
    """The number of trees with the least loss on runs that they did not see."""
    if len(train) > 1:
        pairs = [([other for other in train if other is not run], [run]) for run in train]
    else:
        held = fifth(train, seed=seed)
        pairs = [(kept(train, [~mask for mask in held]), kept(train, held))]
    losses = []
    for inner, unseen in pairs:
        learnt, judged = _matrix(inner, target), _matrix(unseen, target)
        if learnt is None or judged is None:
            continue
        told: dict[str, dict[str, list[float]]] = {}
        xgboost.train(settings, learnt, AT_MOST, evals=[(judged, "unseen")], evals_result=told, verbose_eval=False)
        losses.append(told["unseen"]["logloss"])
    return int(np.argmin(np.mean(losses, axis=0))) + 1 if losses else AT_MOST // 2


def _matrix(runs: Sequence[Material], target: int) -> xgboost.DMatrix | None:
    """The judged examples; None unless both outcomes are among them."""
    if not runs:
        return None
    x, y = np.concatenate([run.features for run in runs]), np.concatenate([run.truths[:, target] for run in runs])
    known = y >= 0
    return xgboost.DMatrix(x[known], y[known]) if 0 < y[known].sum() < known.sum() else None
