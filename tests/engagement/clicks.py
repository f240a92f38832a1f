"""Clicks and small models for tests: made from a seed, so that a failure can be repeated."""

from __future__ import annotations

import random

import numpy as np

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.model import Model, Part
from engage_backend.engagement.trees import Trees

COURSE = "course-v1:TestX+T101+2024"
START = 1_704_067_200_000_000  # 2024-01-01
SECOND = 1_000_000
DAY = 86_400 * SECOND
KINDS = ("courseware", "play_video", "seq_next", "forum_homepage", "problem_check_correct", "problem_check_incorrect")
BLOCKS = tuple(f"block-v1:TestX+T101+2024+type@problem+block@p{n}" for n in range(6))


def clicks(learner: int, count: int, seed: int = 0, *, days: float = 40.0) -> list[ClickEvent]:
    """`count` different clicks of one learner over the first `days` of the course, in order of time."""
    dice = random.Random(f"{learner}/{seed}")
    times = sorted(dice.sample(range(START, START + int(days * DAY)), count))
    return [click(learner, time, dice.choice(KINDS), dice) for time in times]


def click(learner: int, time: int, kind: str, dice: random.Random) -> ClickEvent:
    """One click; a submission carries a score."""
    session = f"{learner:08x}{time // DAY:024x}"
    if not kind.startswith("problem_check"):
        return ClickEvent(COURSE, learner, time, kind, dice.choice(("", BLOCKS[0])), session)
    score = 1.0 if kind.endswith("_correct") else dice.choice((0.0, 0.25))
    handed_in = dice.choice(BLOCKS[:3])  # never enough to pass
    return ClickEvent(COURSE, learner, time, kind, handed_in, session, score, 1.0, dice.randint(1, 3))


def small_model(seed: int = 0) -> Model:
    """A model of trees with random leaves."""
    return Model({"full": Part(_stumps(seed), np.ones(3), np.zeros(3))})


def listening_model(seed: int = 0) -> Model:
    """The same trees, and an LSTM with random weights that speaks, too. Needs torch."""
    import torch

    from engage_backend.engagement.lstm import Lstm

    torch.manual_seed(seed)
    vocabulary = {kind: token for token, kind in enumerate(KINDS[:-1], start=1)}  # the last kind is unknown to it
    lstm = Lstm(len(vocabulary) + 1, hidden=12, embedding=4, head=8)
    return Model(small_model(seed).parts, lstm, vocabulary)


def leveled_model(seed: int = 0) -> Model:
    """The same trees, and the engagement level, from as many others."""
    level = Part(_stumps(seed + 1, outputs=4), np.ones(4), np.array([1.0, 0.3, -0.3, -1.0]), (0.8, 1.6, 2.4, 3.2))
    return Model({**small_model(seed).parts, "level": level})


def _stumps(seed: int, count: int = 60, outputs: int = 3) -> Trees:
    """Trees of one question each, about random features at thresholds that occur."""
    dice = np.random.default_rng(seed)
    leaf = np.full((count, 1), -1)
    return Trees(
        target=(np.arange(count) % outputs).astype(np.int32),
        feature=np.hstack([dice.integers(0, len(FEATURES), (count, 1)), leaf, leaf]).astype(np.int32),
        threshold=np.hstack([dice.choice([0.0, 0.5, 1.0, 3.0, 7.0], (count, 1)), 0 * leaf, 0 * leaf]).astype(
            np.float32
        ),
        left=np.hstack([leaf * 0 + 1, leaf * 0, leaf * 0]).astype(np.int32),
        right=np.hstack([leaf * 0 + 2, leaf * 0, leaf * 0]).astype(np.int32),
        value=np.hstack([0.0 * leaf, dice.normal(0, 0.2, (count, 2))]).astype(np.float32),
        depth=1,
        outputs=outputs,
    )
