"""What a process remembers of learners makes events cheap, and never changes what comes of them."""

from __future__ import annotations

import random

import pytest
from django.db import transaction

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.live.forward import LAG, REPLAY
from engage_backend.models import CourseRun, LearnerState
from tests.engagement.clicks import DAY, KINDS, SECOND, START, click
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_engine import differ, everything, undisturbed

BUSY = 103


def a_morning(count: int, *, seconds: int = 5) -> list[ClickEvent]:
    """Clicks of one learner on the fortieth day, one every few seconds: they never pause for as long as states lag."""
    dice = random.Random(1)
    begin = START + 40 * DAY
    return [click(BUSY, begin + at * seconds * SECOND, dice.choice(KINDS), dice) for at in range(count)]


def test_two_processes_that_take_turns_do_not_mistake_each_other_s_histories(live: LiveSite) -> None:
    histories, shown = undisturbed(live)
    one, other = live.engine(), live.engine()
    events = everything()
    for at in range(0, len(events), 20):
        one, other = other, one
        one.ingest(events[at : at + 20])
    assert live.histories() == histories
    assert differ(live.shown(), shown) <= 1  # type: ignore[arg-type]


def test_what_was_undone_is_not_remembered(live: LiveSite) -> None:
    histories, shown = undisturbed(live)
    engine = live.engine()
    events = everything()
    engine.ingest(events[:-40])
    with pytest.raises(RuntimeError), transaction.atomic():
        engine.ingest(events[-40:-20])
        raise RuntimeError
    engine.forget()
    engine.ingest(events[-20:])
    engine.ingest(events[-40:-20])
    assert live.histories() == histories
    assert differ(live.shown(), shown) <= 1  # type: ignore[arg-type]


def test_a_learner_who_never_pauses_is_shown_as_if_all_had_come_at_once(live: LiveSite) -> None:
    morning = a_morning(3 * REPLAY)
    live.clock(40 + 3 * REPLAY * 5 / 86_400)
    live.engine().ingest(morning)
    histories, shown = live.histories(), live.shown()
    CourseRun.objects.all().delete()
    engine = live.engine()
    for at in range(0, len(morning), 3):
        live.clock(40 + (at + 3) * 5 / 86_400)
        engine.ingest(morning[at : at + 3])
    assert live.histories() == histories
    assert differ(live.shown(), shown) <= 1  # type: ignore[arg-type]


def test_what_is_stored_stays_close_enough_for_a_restart_to_be_cheap(live: LiveSite) -> None:
    morning = a_morning(3 * REPLAY)
    engine = live.engine()
    for at in range(0, len(morning), 3):
        live.clock(40 + (at + 3) * 5 / 86_400)
        engine.ingest(morning[at : at + 3])
    state = LearnerState.objects.get(learner__user_id=BUSY)
    within_lag = LAG // (5 * SECOND)
    assert len(morning) - within_lag - REPLAY - 3 <= state.position <= len(morning) - within_lag
