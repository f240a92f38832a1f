"""Boosted trees as plain arrays: read by numpy alone, stored without pickle, whatever library grew them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

TARGETS = ("certify", "complete", "leave")


@dataclass(frozen=True, slots=True)
class Trees:
    """T trees of at most N nodes each, of all targets together. A node whose `feature` is -1 is a leaf."""

    target: npt.NDArray[np.int32]  # (T,) index into TARGETS
    feature: npt.NDArray[np.int32]  # (T, N) index of the feature that a node asks, -1: leaf
    threshold: npt.NDArray[np.float32]  # (T, N) less than it: left, else right
    left: npt.NDArray[np.int32]  # (T, N)
    right: npt.NDArray[np.int32]  # (T, N)
    value: npt.NDArray[
        np.float32
    ]  # (T, N) of a leaf: what it adds to the logit; of another node: the mean of those below
    depth: int

    def margins(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """What the trees add to the logits, shape (n, 3), for features of shape (n, F)."""
        sums = np.zeros((len(features), len(TARGETS)))
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
            for target in range(len(TARGETS)):
                sums[begin : begin + 2048, target] = leaves[:, self.target == target].sum(axis=1)
        return sums

    def contributions(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How much each feature moved each target's logit, shape (n, 3, F), for features of shape (n, F).

        Each question on the way down a tree moves the mean of the leaves that can still be reached; the step is put down to
        the feature that was asked (Saabas, "Interpreting random forests", 2014). The sum over the features is what `margins`
        gives, less what the trees say of the mean learner: nothing is left out and nothing is guessed.
        """
        n, width = features.shape
        moved = np.zeros(n * len(TARGETS) * width)
        count, nodes = self.feature.shape
        if count and n:
            base = np.arange(count, dtype=np.int64) * nodes
            feature, threshold, value = self.feature.ravel(), self.threshold.ravel(), self.value.ravel()
            left, right = self.left.ravel(), self.right.ravel()
            rows = np.arange(n)[:, None]
            place = (rows * len(TARGETS) + self.target[None, :]) * width  # where a learner's target begins
            at = np.broadcast_to(base, (n, count))
            for _ in range(self.depth):
                asked = feature[at]
                goes_left = features[rows, np.maximum(asked, 0)] < threshold[at]
                after = np.where(asked < 0, at, base + np.where(goes_left, left[at], right[at]))
                step = value[after].astype(np.float64) - value[at]
                moved += np.bincount((place + np.maximum(asked, 0)).ravel(), weights=step.ravel(), minlength=len(moved))
                at = after
        return moved.reshape(n, len(TARGETS), width)

    def scaled(self, by: npt.NDArray[np.float64]) -> Trees:
        """The same trees, what they add multiplied by a number for each target (3,)."""
        return replace(self, value=(self.value * by[self.target, None]).astype(np.float32))

    @classmethod
    def none(cls) -> Trees:
        """No trees: the LSTM alone speaks."""
        index, real = np.zeros((0, 1), dtype=np.int32), np.zeros((0, 1), dtype=np.float32)
        return cls(np.zeros(0, dtype=np.int32), index, real, index, index, real, 0)
