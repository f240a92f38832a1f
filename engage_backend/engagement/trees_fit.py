"""Growing the boosted trees, and turning them into plain arrays. The only module that imports xgboost."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.trees import TARGETS, Trees

Doubles = npt.NDArray[np.float64]

ROUNDS = 130  # trees a target
# Few leave, and deeper trees know the early weeks less well (docs/decisions/0005).
DEPTH = {"certify": 4, "complete": 4, "leave": 3}
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "eta": 0.08,
    "min_child_weight": 20,
    "subsample": 0.7,
    "colsample_bytree": 0.5,
    "lambda": 5.0,
    "base_score": 0.5,  # log-odds 0: all that a prediction holds stands in the trees
}


def cores() -> int:
    """Threads to train with: one, or what OMP_NUM_THREADS says.

    The work is many small steps: on two cores that others use too, two threads that wait for each other were measured
    to take twice the time of one (280 s against 143 s on 2.1 million events).
    """
    return int(os.environ.get("OMP_NUM_THREADS") or 1)


def grow(
    features: Floats,
    labels: Doubles,
    weights: Doubles,
    *,
    target: int,
    seed: int,
    rounds: int = ROUNDS,
    margins: Doubles | None = None,
) -> Trees:
    """Trees of one target, from examples (n, F) with outcomes 0 or 1 (n,) and weights (n,); added to `margins` (n,), if any."""
    settings = {**SETTINGS, "max_depth": DEPTH[TARGETS[target]], "seed": seed, "nthread": cores()}
    examples = xgboost.DMatrix(features, labels, weight=weights, base_margin=margins)
    booster = xgboost.train(settings, examples, num_boost_round=rounds)
    return _arrays(booster, target)


def join(parts: list[Trees]) -> Trees:
    """The trees of all parts, together."""
    parts = [part for part in parts if len(part.target)]
    if not parts:
        return Trees.none()
    nodes = max(part.feature.shape[1] for part in parts)

    def stack(name: str, fill: int) -> Any:
        pads = [(getattr(part, name), nodes - getattr(part, name).shape[1]) for part in parts]
        return np.concatenate([np.pad(array, ((0, 0), (0, pad)), constant_values=fill) for array, pad in pads])

    return Trees(
        target=np.concatenate([part.target for part in parts]),
        feature=stack("feature", -1),
        threshold=stack("threshold", 0),
        left=stack("left", 0),
        right=stack("right", 0),
        value=stack("value", 0),
        depth=max(part.depth for part in parts),
    )


def _arrays(booster: xgboost.Booster, target: int) -> Trees:
    """xgboost's own JSON as arrays. A leaf's value stands in `split_conditions`, its left child is -1."""
    grown = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
    nodes = max(len(tree["left_children"]) for tree in grown)
    shape = (len(grown), nodes)
    trees = Trees(
        target=np.full(len(grown), target, dtype=np.int32),
        feature=np.full(shape, -1, dtype=np.int32),
        threshold=np.zeros(shape, dtype=np.float32),
        left=np.zeros(shape, dtype=np.int32),
        right=np.zeros(shape, dtype=np.int32),
        value=np.zeros(shape, dtype=np.float32),
        depth=DEPTH[TARGETS[target]],
    )
    for at, tree in enumerate(grown):
        left = np.array(tree["left_children"], dtype=np.int32)
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        splits, n = left >= 0, len(left)
        trees.feature[at, :n] = np.where(splits, tree["split_indices"], -1)
        trees.threshold[at, :n] = np.where(splits, conditions, 0)
        trees.left[at, :n] = np.where(splits, left, 0)
        trees.right[at, :n] = np.where(splits, tree["right_children"], 0)
        trees.value[at, :n] = _means(left, trees.right[at], np.array(tree["sum_hessian"], dtype=np.float64), conditions)
    return trees


def _means(
    left: npt.NDArray[np.int32], right: npt.NDArray[np.int32], cover: Doubles, conditions: npt.NDArray[np.float32]
) -> Doubles:
    """Of each node, the mean of the leaves below it, weighted as the examples that came there; of a leaf, its value."""
    means = conditions.astype(np.float64)
    for node in range(len(left) - 1, -1, -1):  # children come behind their parents
        if left[node] >= 0:
            below = [left[node], right[node]]
            means[node] = np.average(means[below], weights=np.maximum(cover[below], 1e-9))
    return means
