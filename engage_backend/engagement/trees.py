"""Boosted trees as plain arrays: read by numpy alone, stored without pickle, whatever library grew them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

TARGETS = ("certify", "complete", "leave")
TREE_FIELDS = ("target", "feature", "threshold", "left", "right", "value")
MAX_TREES = 10_000  # of one part: 25 times what we grow, and still quick to ask
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Trees:
    """T trees of at most N nodes each, of all outputs together. A node whose `feature` is -1 is a leaf."""

    target: npt.NDArray[np.int32]  # (T,) which output a tree adds to; of most parts: index into TARGETS
    feature: npt.NDArray[np.int32]  # (T, N) index of the feature that a node asks, -1: leaf
    threshold: npt.NDArray[np.float32]  # (T, N) less than it: left, else right
    left: npt.NDArray[np.int32]  # (T, N)
    right: npt.NDArray[np.int32]  # (T, N)
    value: npt.NDArray[
        np.float32
    ]  # (T, N) of a leaf: what it adds to the logit; of another node: the mean of those below
    depth: int
    outputs: int = len(TARGETS)  # K

    def margins(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """What the trees add to the logits, shape (n, K), for features of shape (n, F)."""
        sums = np.zeros((len(features), self.outputs))
        count, nodes = self.feature.shape
        if not count:
            return sums
        base = np.arange(count, dtype=np.int64) * nodes
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right, value = self.left.ravel(), self.right.ravel(), self.value.ravel()
        for begin in range(0, len(features), 2048):  # so that the intermediate arrays stay in the cache
            part = features[begin : begin + 2048]
            rows = np.arange(len(part))[:, None]
            at = np.broadcast_to(base, (len(part), count))
            for _ in range(self.depth):
                asked = feature[at]
                goes_left = part[rows, np.maximum(asked, 0)] < threshold[at]
                at = np.where(asked < 0, at, base + np.where(goes_left, left[at], right[at]))
            leaves = value[at].astype(np.float64)
            for target in range(self.outputs):
                sums[begin : begin + 2048, target] = leaves[:, self.target == target].sum(axis=1)
        return sums

    def contributions(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How much each feature moved each output's logit, shape (n, K, F), for features of shape (n, F).

        Each question on the way down a tree moves the mean of the leaves that can still be reached; the step is put down to
        the feature that was asked (Saabas, "Interpreting random forests", 2014). The sum over the features is what `margins`
        gives, less what the trees say of the mean learner: nothing is left out and nothing is guessed.
        """
        n, width = features.shape
        moved = np.zeros(n * self.outputs * width)
        count, nodes = self.feature.shape
        if count and n:
            base = np.arange(count, dtype=np.int64) * nodes
            feature, threshold, value = self.feature.ravel(), self.threshold.ravel(), self.value.ravel()
            left, right = self.left.ravel(), self.right.ravel()
            rows = np.arange(n)[:, None]
            place = (rows * self.outputs + self.target[None, :]) * width  # where a learner's output begins
            at = np.broadcast_to(base, (n, count))
            for _ in range(self.depth):
                asked = feature[at]
                goes_left = features[rows, np.maximum(asked, 0)] < threshold[at]
                after = np.where(asked < 0, at, base + np.where(goes_left, left[at], right[at]))
                step = value[after].astype(np.float64) - value[at]
                moved += np.bincount((place + np.maximum(asked, 0)).ravel(), weights=step.ravel(), minlength=len(moved))
                at = after
        return moved.reshape(n, self.outputs, width)

    def scaled(self, by: npt.NDArray[np.float64]) -> Trees:
        """The same trees, what they add multiplied by a number for each output (K,)."""
        return replace(self, value=(self.value * by[self.target, None]).astype(np.float32))

    @classmethod
    def none(cls) -> Trees:
        """No trees: the LSTM alone speaks."""
        index, real = np.zeros((0, 1), dtype=np.int32), np.zeros((0, 1), dtype=np.float32)
        return cls(np.zeros(0, dtype=np.int32), index, real, index, index, real, 0)

    @classmethod
    def checked(cls, arrays: Mapping[str, npt.NDArray[Any]], *, outputs: int, features: int) -> Trees:
        """Build trees from arrays of any origin. Raises ValueError, in one line, where asking them could fail or not end.

        Children stand behind their parents, so that there is no way back; the depth follows from that.
        """
        for name in TREE_FIELDS:
            array, wanted = arrays.get(name), np.float32 if name in ("threshold", "value") else np.int32
            if array is None:
                raise ValueError(f"{name} is missing")
            if array.dtype != wanted:
                raise ValueError(f"{name} is {array.dtype}, and not {np.dtype(wanted)}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds what is no number")
        target, feature, left, right = (arrays[name] for name in ("target", "feature", "left", "right"))
        for name in TREE_FIELDS:
            shape = arrays[name].shape
            if len(shape) != (1 if name == "target" else 2) or shape != feature.shape[: len(shape)] or 0 in shape[1:]:
                raise ValueError(f"{name} has shape {shape}, {feature.shape} trees and nodes are wanted")
        nodes = feature.shape[1]
        if len(target) > MAX_TREES or nodes > 2 ** (MAX_DEPTH + 1):
            raise ValueError(
                f"{len(target):,} trees of {nodes:,} nodes: at most {MAX_TREES:,} of depth {MAX_DEPTH} are read"
            )
        if len(target) and not (target.min() >= 0 and target.max() < outputs):
            raise ValueError(f"target is none of the {outputs} outputs")
        if len(target) and not (feature.min() >= -1 and feature.max() < features):
            raise ValueError(f"feature is none of the {features} features")
        asked, place = feature >= 0, np.arange(nodes)
        for name, child in (("left", left), ("right", right)):
            if not (asked <= ((child > place) & (child < nodes))).all():
                raise ValueError(f"{name} leads back, or out of its tree")
        level = np.zeros(feature.shape, dtype=np.int64)  # questions before each node
        trees = np.arange(len(target))
        for node in range(nodes):
            mine = trees[asked[:, node]]
            for child in (left[mine, node], right[mine, node]):
                level[mine, child] = np.maximum(level[mine, child], level[mine, node] + 1)
        depth = int(level.max(initial=0))
        if depth > MAX_DEPTH:
            raise ValueError(f"trees of depth {depth}, at most {MAX_DEPTH} are read")
        return cls(**{name: arrays[name] for name in TREE_FIELDS}, depth=depth, outputs=outputs)
