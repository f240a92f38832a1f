"""Streaming equals batch: a prediction does not depend on how the events came."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engage_backend.engagement.counters import Plan
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import Row, block_number, merge, to_row
from engage_backend.engagement.model import Model
from engage_backend.engagement.streaming import Kept, advance, probabilities
from tests.engagement.clicks import BLOCKS, DAY, START, clicks, listening_model, small_model

KINDS = KindTable()
PLAN = Plan(START, START + 100 * DAY, 0.5, {block_number(block): (0.2, START + 15 * DAY) for block in BLOCKS})


@pytest.fixture(params=["trees", "with an LSTM"])
def model(request: pytest.FixtureRequest) -> Model:
    if request.param == "trees":
        return small_model()
    pytest.importorskip("torch")
    return listening_model()


def histories(learners: int, longest: int) -> list[list[Row]]:
    rows = []
    for learner in range(learners):
        events = clicks(learner, 1 + learner * longest // learners)
        for event in events:
            KINDS.number(event.kind)
        rows.append(merge([], [to_row(event, KINDS.numbers) for event in events]))
    return rows


def test_one_by_one_in_chunks_and_as_a_whole_predict_the_same_after_every_event(model: Model) -> None:
    (rows,) = histories(1, 1)
    rows = merge(rows, histories(2, 240)[1])
    single = in_chunks = Kept.start(model)
    for count, row in enumerate(rows, start=1):
        (single,) = advance(model, KINDS, [single], [[row]])
        if count % 7 == 0:
            (in_chunks,) = advance(model, KINDS, [in_chunks], [rows[count - 7 : count]])
        (rest,) = advance(model, KINDS, [in_chunks], [rows[in_chunks.position : count]])
        (whole,) = advance(model, KINDS, [Kept.start(model)], [rows[:count]])
        chances = probabilities(model, [single, rest, whole], [PLAN] * 3, row.time + DAY)
        assert np.ptp(chances, axis=0).max() < 1e-5
        assert single.counters == rest.counters == whole.counters


def test_learners_moved_together_predict_as_each_alone(model: Model) -> None:
    rows = histories(9, 200)
    together = advance(model, KINDS, [Kept.start(model)] * 9, rows)
    alone = [advance(model, KINDS, [Kept.start(model)], [own])[0] for own in rows]
    clock = START + 50 * DAY
    difference = probabilities(model, together, [PLAN] * 9, clock) - probabilities(model, alone, [PLAN] * 9, clock)
    assert abs(difference).max() < 1e-5


def test_a_state_that_was_stored_goes_on_as_if_it_had_not_been(model: Model) -> None:
    (rows,) = histories(1, 1)
    rows = merge(rows, histories(3, 90)[2])
    dice = random.Random(3)
    kept = Kept.start(model)
    while kept.position < len(rows):
        stored = Kept(
            np.frombuffer(kept.hidden.tobytes(), dtype="<f4").reshape(2, -1), kept.counters.copy(), kept.position
        )
        (kept,) = advance(model, KINDS, [stored], [rows[kept.position : kept.position + dice.randint(1, 9)]])
    (whole,) = advance(model, KINDS, [Kept.start(model)], [rows])
    chances = probabilities(model, [kept, whole], [PLAN] * 2, START + 60 * DAY)
    assert np.ptp(chances, axis=0).max() < 1e-5


def test_advancing_leaves_what_was_given_as_it_is(model: Model) -> None:
    (rows,) = histories(1, 1)
    start = Kept.start(model)
    advance(model, KINDS, [start], [rows])
    assert start.position == start.counters.events == 0
    assert start.hidden.shape == (2, model.hidden) and not start.hidden.any()


def test_silence_alone_moves_a_prediction_and_no_state(model: Model) -> None:
    rows = histories(2, 100)[1]
    (kept,) = advance(model, KINDS, [Kept.start(model)], [rows])
    before = kept.counters.to_bytes(), kept.hidden.tobytes()
    today, later = (probabilities(model, [kept], [PLAN], rows[-1].time + days * DAY) for days in (0, 20))
    assert abs(today - later).max() > 1e-3
    assert (kept.counters.to_bytes(), kept.hidden.tobytes()) == before
