"""Growing the boosted trees of the outcomes, and turning what xgboost grew into plain arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.counters import FEATURES, OPTIONAL
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.trees import TARGETS, Trees

if TYPE_CHECKING:
    import xgboost

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

# What every full part reads; the groups of OPTIONAL come to it where they are heard: see `training`.
CORE = tuple(name for name in FEATURES if not any(name in group for group in OPTIONAL.values()))
# Which way a feature may move `certify`, whatever few runs say of it: more of these never makes a certificate less likely,
RISING = (
    *("events", "events_per_day", "events_1d", "events_3d", "events_7d", "events_14d", "events_28d", "trend_7d"),
    *("active_days", "active_days_7d", "active_days_14d", "active_days_28d", "active_days_share", "sessions", "hours"),
    *("content_events", "video_events", "forum_events", "forum_posts", "problem_events", "progress_events"),
    *("correct", "correct_share", "blocks_handed_in", "points_attempted", "points_earned", "points_reachable"),
    *("attempted_of_due", "score_of_attempted", "last_score", "lead_days", "units", "furthest_task"),
)
# and more of these never more likely. What stands in neither list may go any way.
FALLING = ("days_silent", "longest_silence_days", "points_missed", "missing_to_pass", "lag")
# What means the same on every platform and in a course of any length: days and shares. No count of clicks, tasks or
# attempts, nothing from due dates, no day of the course (docs/decisions/0021).
PORTABLE = (
    *("share_of_course", "days_silent", "active_days_7d", "active_days_14d", "active_days_28d", "active_days_share"),
    *("points_attempted", "points_earned", "missing_to_pass", "score_of_attempted"),
)


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
    names: Sequence[str] = CORE,
    monotone: bool = False,
) -> Trees:
    """Trees of one target, from examples (n, F) with outcomes 0 or 1 (n,) and weights (n,); added to `margins` (n,), if any.

    They ask the features in `names` alone. With `monotone` they keep to RISING and FALLING.
    """
    import xgboost  # here: whoever asks a finished model reads what lies around this, and may have none

    settings = {**SETTINGS, "max_depth": DEPTH[TARGETS[target]], "seed": seed, "nthread": cores()}
    if monotone:
        ways = {**dict.fromkeys(RISING, 1), **dict.fromkeys(FALLING, -1)}
        settings["monotone_constraints"] = tuple(ways.get(name, 0) for name in names)
    places = np.array([FEATURES.index(name) for name in names], dtype=np.int32)
    examples = xgboost.DMatrix(features[:, places], labels, weight=weights, base_margin=margins)
    booster = xgboost.train(settings, examples, num_boost_round=rounds)
    trees = arrays_of(booster, target, depth=DEPTH[TARGETS[target]])
    return replace(trees, feature=np.where(trees.feature < 0, trees.feature, places[trees.feature]))


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
        outputs=parts[0].outputs,
    )


def centred(trees: Trees, shown: Sequence[Floats]) -> Trees:
    """The same trees, the inner nodes of each output's (K) as the mean of those examples (n, F) that come there.

    So the mean learner, from whom reasons count, is one of those who are shown the figure: `leave` is learnt from the long
    silent, too, and beside these everybody would seem to have just been there.
    """
    value, places = trees.value.copy(), np.arange(len(trees.target))
    came = np.zeros(value.shape)
    for target, features in enumerate(shown):
        mine = places[trees.target == target]
        for row in range(0, len(features), 2048):
            part = features[row : row + 2048]
            at = np.zeros((len(part), len(mine)), dtype=np.int64)
            for _ in range(trees.depth):
                asked = trees.feature[mine, at]
                goes_left = np.take_along_axis(part, np.maximum(asked, 0), 1) < trees.threshold[mine, at]
                below = np.where(goes_left, trees.left[mine, at], trees.right[mine, at])
                at = np.where(asked < 0, at, below)
            np.add.at(came, (np.broadcast_to(mine, at.shape), at), 1.0)
    for tree in places:
        inner = np.flatnonzero(trees.feature[tree] >= 0)
        for node in inner[::-1]:  # children come behind their parents
            pair = [trees.left[tree, node], trees.right[tree, node]]
            count = came[tree, pair]
            came[tree, node] = count.sum()
            if count.sum():
                value[tree, node] = np.average(value[tree, pair], weights=count)
            else:
                value[tree, node] = value[tree, pair].mean()
    return replace(trees, value=value)


def arrays_of(booster: xgboost.Booster, target: int, *, depth: int, outputs: int = len(TARGETS)) -> Trees:
    """xgboost's own JSON as arrays. A leaf's value stands in `split_conditions`, its left child is -1.

    `target`: which of the `outputs` the trees add to; `depth`: how many questions they ask at most.
    """
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
        depth=depth,
        outputs=outputs,
    )
    for at, tree in enumerate(grown):
        left = np.array(tree["left_children"], dtype=np.int32)
        conditions = np.array(tree["split_conditions"], dtype=np.float32)
        splits, n = left >= 0, len(left)
        trees.feature[at, :n] = np.where(splits, tree["split_indices"], -1)
        trees.threshold[at, :n] = np.where(splits, conditions, 0)
        trees.left[at, :n] = np.where(splits, left, 0)
        trees.right[at, :n] = np.where(splits, tree["right_children"], 0)
        trees.value[at, :n] = np.where(splits, 0, conditions)  # of inner nodes: see `centred`
    return trees
