"""The reasons told of a prediction are the exact shares of what the trees added, gathered into groups people understand."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.reasons import GROUPS, LEAST, MOST, UNTOLD, reasons
from engage_backend.engagement.trees import TARGETS
from tests.engagement.clicks import small_model

MODEL, _ = load_model(BASE_MODEL)


def learners(count: int = 40) -> np.ndarray:
    """Features at random, over the range that they have in a course."""
    dice = np.random.default_rng(5)
    return dice.choice([-1.0, 0.0, 0.4, 1.0, 3.0, 9.0, 40.0], (count, len(FEATURES))).astype(np.float32)


def test_every_feature_belongs_to_one_group() -> None:
    assert Counter(feature for features in GROUPS.values() for feature in features) == Counter(FEATURES)


@pytest.mark.parametrize("model", [MODEL, small_model()], ids=["base model", "stumps"])
def test_contributions_add_up_to_what_the_trees_say(model: object) -> None:
    trees = model.trees  # type: ignore[attr-defined]
    roots = np.array([trees.value[trees.target == target, 0].sum() for target in range(len(TARGETS))])
    said = trees.contributions(learners()).sum(axis=2) + roots
    assert np.abs(said - trees.margins(learners())).max() < 1e-5


def test_the_trees_of_the_base_model_know_the_mean_learner() -> None:
    inner = MODEL.trees.feature >= 0
    assert np.abs(MODEL.trees.value[inner]).max() > 0.01
    top = MODEL.trees.value[:, 0]
    below = np.take_along_axis(MODEL.trees.value, np.stack([MODEL.trees.left[:, 0], MODEL.trees.right[:, 0]], 1), 1)
    assert ((below.min(axis=1) - 1e-6 <= top) & (top <= below.max(axis=1) + 1e-6)).all()


def test_the_strongest_groups_are_told_and_only_of_what_is_shown() -> None:
    texts = reasons(MODEL, learners(), [(500, 400, None)] * 20 + [(None, None, None)] * 20)
    assert texts[20:] == [""] * 20
    for text in texts[:20]:
        told = msgspec.json.decode(text)
        assert set(told) <= {"certify", "complete"}
        for those in told.values():
            sizes = [abs(effect) for _, effect, _ in those]
            assert len(those) <= MOST
            assert sizes == sorted(sizes, reverse=True)
            assert min(sizes) >= LEAST - 0.005
            assert UNTOLD not in {group for group, _, _ in those}


def test_long_silence_speaks_for_leaving() -> None:
    came_today = learners()
    came_today[:, FEATURES.index("days_silent")] = 0.0
    silent = came_today.copy()
    silent[:, FEATURES.index("days_silent")] = 12.0
    leave = TARGETS.index("leave")
    before, after = (MODEL.trees.contributions(them)[:, leave].sum(axis=1) for them in (came_today, silent))
    assert np.mean(after - before) > 0.3
