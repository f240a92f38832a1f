"""The reasons told of a prediction are the exact shares of what the trees added, gathered into groups people understand."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.counters import DAY, FEATURES, MINUTE, Counters, Plan
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.history import NONE, Row
from engage_backend.engagement.reasons import GROUPS, LEAST, MOST, UNTOLD, reasons
from engage_backend.engagement.trees import TARGETS
from engage_backend.platform.protocol import CourseSchedule
from tests.engagement.clicks import COURSE, START, small_model

MODEL, _ = load_model(BASE_MODEL)


def learners(count: int = 40) -> np.ndarray:
    """Features at random, over the range that they have in a course."""
    dice = np.random.default_rng(5)
    return dice.choice([-1.0, 0.0, 0.4, 1.0, 3.0, 9.0, 40.0], (count, len(FEATURES))).astype(np.float32)


def test_every_feature_belongs_to_one_group() -> None:
    assert Counter(feature for features in GROUPS.values() for feature in features) == Counter(FEATURES)


@pytest.mark.parametrize("model", [MODEL, small_model()], ids=["base model", "stumps"])
def test_contributions_add_up_to_what_the_trees_say(model: object) -> None:
    trees = model.parts["full"].trees  # type: ignore[attr-defined]
    roots = np.array([trees.value[trees.target == target, 0].sum() for target in range(len(TARGETS))])
    said = trees.contributions(learners()).sum(axis=2) + roots
    assert np.abs(said - trees.margins(learners())).max() < 1e-5


def test_the_trees_of_the_base_model_know_the_mean_learner() -> None:
    trees = MODEL.full.trees
    inner = trees.feature >= 0
    assert np.abs(trees.value[inner]).max() > 0.01
    top = trees.value[:, 0]
    below = np.take_along_axis(trees.value, np.stack([trees.left[:, 0], trees.right[:, 0]], 1), 1)
    assert ((below.min(axis=1) - 1e-6 <= top) & (top <= below.max(axis=1) + 1e-6)).all()


def test_the_strongest_groups_are_told_and_only_of_what_is_shown() -> None:
    texts = reasons(MODEL, learners(), [(500, 400, None, None)] * 20 + [(None,) * 4] * 20)
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
    """A learner who came every day for a month: the next day, and when nothing has come for twelve days."""
    schedule = CourseSchedule(COURSE, "", START, START + 200 * DAY)
    counters, kinds = Counters(), KindTable(["courseware"])
    rows = [
        Row(START + day * DAY + minute * MINUTE, 0, 0, 0, NONE, NONE, -1) for day in range(30) for minute in range(9)
    ]
    counters.update(rows, kinds.categories)
    clocks = (START + 30 * DAY, START + 42 * DAY)
    features = np.array([counters.features(Plan.of(schedule), clock) for clock in clocks], dtype=np.float32)
    leave = TARGETS.index("leave")
    here, away = MODEL.full.trees.contributions(features)[:, leave]
    assert away.sum() - here.sum() > 0.3
    told = [msgspec.json.decode(text)["leave"] for text in reasons(MODEL, features, [(None, None, 500, None)] * 2)]
    effects = [{group: effect for group, effect, _ in those} for those in told]
    assert min(effects[0].get(group, 0.0) for group in ("silence", "recent")) < 0
    assert max(effects[1].get(group, 0.0) for group in ("silence", "recent")) > 0
