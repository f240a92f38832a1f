"""However the same events come, in whatever order, how often, in which pieces and by which way: the end is the same."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import OVERRIDDEN, RESCORED, STATE_DELETED, SUBMITTED
from engage_backend.clickstream.sources.base import Batch
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.counters import Counters
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.forward import LAG
from engage_backend.engagement.live.histories import read_whole
from engage_backend.engagement.live.registry import load_kinds, register_kinds
from engage_backend.engagement.live.schedule import plan_for, schedule_of
from engage_backend.engagement.streaming import Kept, advance, probabilities
from engage_backend.models import CourseRun, Learner, LearnerState, Submission
from engage_backend.platform.moments import from_microseconds
from engage_backend.tap.record import pack
from tests.engagement.clicks import BLOCKS, COURSE, DAY, KINDS, START, small_model
from tests.engagement.live.conftest import LEARNERS, LiveSite, live
from tests.engagement.live.test_commands import line

__all__ = ["live"]
MODEL = small_model()
NOW = START + 41 * DAY
SCORES = (SUBMITTED, RESCORED, OVERRIDDEN, STATE_DELETED)
WAYS = ("log", "tutor's log", "redis", "backfill")

# Some moments are shared, and some lie within what the kept state lags behind.
moments = st.one_of(
    st.integers(START, NOW), st.integers(0, 9).map(lambda day: START + day * DAY), st.integers(NOW - 2 * LAG, NOW)
)


@st.composite
def some_events(draw: st.DrawFn) -> list[ClickEvent]:
    """Different events of three learners, submissions among them."""
    found = set()
    for _ in range(draw(st.integers(1, 60))):
        kind, block = draw(st.sampled_from(KINDS)), draw(st.sampled_from(BLOCKS))
        event = ClickEvent(
            COURSE, draw(st.sampled_from(LEARNERS[:3])), draw(moments), kind, block, draw(st.sampled_from("ab"))
        )
        if kind.startswith("problem_check"):
            score = 1.0 if kind.endswith("_correct") else draw(st.sampled_from((0.0, 0.25)))
            event = event._replace(score=score, possible=1.0, attempt=draw(st.integers(1, 3)))
        elif draw(st.booleans()):  # what the LMS says of a score: also lower than before, and taken back
            event = event._replace(kind=draw(st.sampled_from(SCORES)), session="")
            if event.kind in (SUBMITTED, RESCORED, OVERRIDDEN):
                event = event._replace(score=draw(st.sampled_from((0.0, 1.0, 2.0))), possible=2.0)
        found.add(event)
    return sorted(found, key=repr)


@st.composite
def pieces(draw: st.DrawFn) -> tuple[list[ClickEvent], list[tuple[str, bool, list[ClickEvent]]]]:
    """Events, and how they come: by which way, whether the process is a new one, and which of them."""
    found = draw(some_events())
    order = draw(st.permutations([*found, *draw(st.lists(st.sampled_from(found), max_size=20))]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    return found, [
        (draw(st.sampled_from(WAYS)), draw(st.booleans()), list(order[begin:end]))
        for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True)
    ]


def from_the_tap(event: ClickEvent) -> bytes:
    """What the tap sends to Redis when the LMS's tracker hands it the event."""
    logged = json.loads(line(event))
    context = {**logged["context"], "event_source": logged["event_source"], "session": event.session}
    emitted = {
        "name": logged["name"],
        "timestamp": from_microseconds(event.time),
        "data": logged["event"],
        "context": context,
    }
    packed = pack(emitted)
    assert packed is not None
    return packed.record


@dataclass
class Given:
    """A source that hands over what it was given, once; as a stream does, record by record and without line ends."""

    records: list[bytes]
    name: str = "given"
    has_one_reader = False
    unreachable_since: datetime | None = None

    def read(self, max_records: int, max_wait: float) -> Batch:
        records, self.records = self.records, []
        return Batch(records, {})

    def commit(self, position: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


def bring(engine: Engine, way: str, events: Sequence[ClickEvent], folder: Path, number: int) -> None:
    """The events on their way into the database."""
    if way == "redis":
        Consumer(Given([from_the_tap(event) for event in events]), engine, max_wait=0).step()
        return
    prefix = (
        b"2024-02-01 10:00:00,000 INFO 25 [tracking] [user 5] [ip 10.0.0.1] logger.py:41 - " if "tutor" in way else b""
    )
    lines = b"".join(prefix + line(event) for event in events)
    if way == "backfill":
        path = folder / f"{number}.gz"
        path.write_bytes(gzip.compress(lines, 1))
        call_command("engage_backfill", str(path), stdout=StringIO())
        return
    path = folder / f"{number}.log"
    path.write_bytes(lines)
    source = LogfileSource(path)
    Consumer(source, engine, max_wait=0).step()
    source.close()


def raw() -> dict[int, Any]:
    """User id -> the three probabilities now, from the state as it is kept and the events that it lags behind."""
    kinds = KindTable()
    load_kinds(kinds)
    run = CourseRun.objects.get()
    found = {}
    for learner in Learner.objects.filter(course_run=run):
        tail = read_whole([learner.pk]).get(learner.pk)
        kept = Kept.start(MODEL)
        for state in LearnerState.objects.filter(learner=learner, model=MODEL.identity):
            hidden = np.frombuffer(bytes(state.hidden), dtype="<f4").reshape(2, -1)
            kept = Kept(hidden, Counters.from_bytes(bytes(state.counters)), state.position)
        (now,) = advance(MODEL, kinds, [kept], [tail.rows[kept.position :] if tail else []])
        found[learner.user_id] = probabilities(MODEL, [now], [plan_for(schedule_of(run), learner)], NOW)[0]
    return found


def tasks() -> dict[tuple[int, str], tuple[Any, ...]]:
    """(User id, block) -> where the learner stands with it, and whether that is enough to pass."""
    fields = ("score", "possible", "attempts", "handed_in", "last_at", "score_order", "handed_in_order")
    rows = Submission.objects.values_list("learner__user_id", "block", "learner__finished_at", *fields)
    return {(user, block): (finished is not None, *kept) for user, block, finished, *kept in rows}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(found=pieces())
@pytest.mark.django_db
def test_order_repetition_pieces_and_ways_change_nothing(
    live: LiveSite, found: tuple[list[ClickEvent], list[tuple[str, bool, list[ClickEvent]]]]
) -> None:
    events, parts = found
    # The site's registry: numbers are given out once, in the order of coming.
    register_kinds(KindTable(), dict.fromkeys([*KINDS, *SCORES], 0), today=date(2024, 1, 1))
    ended = []
    for way in ([("log", True, events)], parts):
        CourseRun.objects.all().delete()
        engine = live.engine()
        with tempfile.TemporaryDirectory() as folder:
            for number, (how, is_new, some) in enumerate(way):
                engine = live.engine() if is_new else engine
                bring(engine, how, some, Path(folder), number)
        ended.append((live.histories(), raw(), live.shown(), live.states(), tasks()))
    (histories, chances, shown, states, scores), again = ended
    histories_again, chances_again, shown_again, states_again, scores_again = again
    assert sum(len(data) for data in histories.values())
    assert histories_again == histories
    assert states_again == states
    assert scores_again == scores
    assert chances_again.keys() == chances.keys() == set(LEARNERS)
    for user, chance in chances.items():
        assert np.abs(chances_again[user] - chance).max() <= 1e-5
        for one, other in zip(shown[user], shown_again[user], strict=True):
            assert (one is None) == (other is None)
            assert abs((one or 0) - (other or 0)) <= 1
