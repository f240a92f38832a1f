"""The engagement level: in how many of the next seven days a learner is active, in five steps.

A model says how likely each step is reached: at least 1, 2, 3, 5 active days. From these come the chance of each level, the
expected level, and one label: the expected level between the cuts that were fitted on runs that the model had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.calibration import Doubles, sigmoid
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.model import Model

Integers = npt.NDArray[np.int64]

PART = "level"  # of a model
LEVELS = ("none", "1", "2", "3-4", "5-7")  # active days
FLOORS = (1, 2, 3, 5)  # the fewest active days of each level but the first


def level_of(days: npt.NDArray[np.integer[Any]]) -> Integers:
    """Return the level, 0 to 4, of a number of active days."""
    return np.searchsorted(np.array(FLOORS), days, side="right").astype(np.int64)


def ordered(reaching: Doubles) -> Doubles:
    """Return the chances (n, 4) that each step is reached, so that no higher step is likelier than a lower one."""
    return np.minimum.accumulate(reaching, axis=1)


def chances(reaching: Doubles) -> Doubles:
    """Return the chance of each level, (n, 5), from `ordered` chances of reaching the steps, (n, 4)."""
    return -np.diff(reaching, axis=1, prepend=1.0, append=0.0)


def expected(reaching: Doubles) -> Doubles:
    """Return the expected level (n,), 0 to 4, from `ordered` chances of reaching the steps, (n, 4)."""
    total: Doubles = reaching.sum(axis=1)
    return total


def label(expected_level: Doubles, cuts: Sequence[float]) -> Integers:
    """Return the level, 0 to 4, that each expected level (n,) stands for; `cuts` are four, ascending."""
    return np.searchsorted(np.array(cuts), expected_level, side="right").astype(np.int64)


def levels(model: Model, features: Floats) -> tuple[Integers, Doubles] | None:
    """Return label and expected level of each learner (n,), from features (n, F); None for a model without this part."""
    part = model.parts.get(PART)
    if part is None:
        return None
    expected_level = expected(ordered(sigmoid(part.logits(features))))
    return label(expected_level, part.cuts), expected_level


def contributions(model: Model, features: Floats) -> Doubles | None:
    """Return how much each feature moved the log-odds of a step, on average over the steps, (n, F); None without the part."""
    part = model.parts.get(PART)
    if part is None:
        return None
    moved: Doubles = (part.trees.contributions(features) * part.slope[None, :, None]).mean(axis=1)
    return moved
