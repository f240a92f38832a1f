"""What makes something of ours raise costs itself alone: a record, a learner, a course run, a chore."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, transaction

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.quarantine import Quarantine
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Unplaced
from engage_backend.models import Checkpoint, CourseRun, DailySnapshot, HistoryChunk, LearnerState, Submission
from tests.engagement.clicks import BLOCKS, COURSE, KINDS, clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line


def scored(event: ClickEvent, score: float) -> ClickEvent:
    return event._replace(kind=KINDS[4], block=BLOCKS[0], score=score, possible=1.0, attempt=1)


def bad_ones() -> list[ClickEvent]:
    """Of two learners, far beyond what a history or a column holds."""
    return [scored(clicks(101, 9)[4], 1e14), scored(clicks(102, 9)[7], 1e19), scored(clicks(102, 9)[8], 9.1e15)]


def test_records_that_cannot_be_taken_in_go_into_quarantine_and_the_batch_goes_on(
    live: LiveSite, tmp_path: Path
) -> None:
    good = [event for learner in (101, 102, 103) for event in clicks(learner, 40)]
    log, path = tmp_path / "tracking.log", tmp_path / "quarantine.jsonl"
    log.write_bytes(b"".join(map(line, [*good[:30], *bad_ones(), *good[30:]])))
    with closing(LogfileSource(log)) as source:
        consumer = Consumer(source, live.engine(), max_wait=0, quarantine=Quarantine(path))
        assert consumer.step().rejected == {Unplaced.REFUSED: 3}
    kept = [json.loads(one) for one in path.read_bytes().splitlines()]
    assert [one["record"] for one in kept] == [31, 32, 33]
    assert all(one["reason"].startswith("OverflowError") for one in kept)
    mark = Checkpoint.objects.get()
    assert (mark.events, mark.rejected) == (len(good) + 3, {Unplaced.REFUSED: 3})
    with_bad, shown = live.histories(), live.shown()
    HistoryChunk.objects.all().delete()
    Submission.objects.all().delete()
    LearnerState.objects.all().delete()
    live.engine().ingest(parse_lines(list(map(line, good)))[0])
    assert (with_bad, shown) == (live.histories(), live.shown())


def test_what_was_held_for_a_roster_and_cannot_be_taken_in_is_kept_too(live: LiveSite, tmp_path: Path) -> None:
    engine = live.engine()
    engine.tick()
    path = tmp_path / "quarantine.jsonl"
    bad = bad_ones()[0]
    assert engine.ingest([bad]) == Counter({Unplaced.REFUSED: 1})
    refused = engine.refused()
    assert list(refused) == [bad]
    assert engine.refused() == {}
    assert Quarantine(path).keep("s", [], {}, refused) == 1
    (kept,) = map(json.loads, path.read_bytes().splitlines())
    assert json.loads(kept["text"])["context"] == {"user_id": 101, "course_id": COURSE}


def test_a_learner_whose_rows_are_damaged_does_not_keep_the_others_from_their_day(live: LiveSite) -> None:
    engine = live.engine()
    for learner in (101, 102, 103):
        engine.ingest(clicks(learner, 20))
    LearnerState.objects.filter(learner__user_id=102).update(counters=b"damaged")
    live.clock(42)
    assert live.engine().tick() == [COURSE]
    assert set(DailySnapshot.objects.values_list("learner__user_id", flat=True)) == {101, 103}
    assert CourseRun.objects.get().clock_day is not None


def test_a_chore_that_fails_is_left_alone_for_a_while_and_records_are_taken_in(
    live: LiveSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def broken() -> None:
        done.append("broken")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nowhere_at_all")

    def refuses() -> None:
        done.append("refuses")
        raise ValueError("marked-value")

    log = tmp_path / "tracking.log"
    log.touch()
    with closing(LogfileSource(log)) as source:
        chores = [broken, refuses, lambda: done.append("fine")]
        consumer = Consumer(source, live.engine(), max_wait=0, chores=chores, pause=lambda seconds: None)
        for event in clicks(101, 3):
            with log.open("ab") as out:
                out.write(line(event))
            assert consumer.step().events == 1
    assert (done.count("refuses"), done.count("fine")) == (1, 3)
    assert HistoryChunk.objects.get().events == 3
    assert "the clock: ValueError at " in caplog.text
    assert "marked-value" not in caplog.text


def test_a_course_that_the_platform_cannot_read_goes_on_as_we_know_it(
    live: LiveSite, caplog: pytest.LogCaptureFixture
) -> None:
    from engage_backend.platform.standalone.models import Course

    live.engine().tick()
    Course.objects.update(schedule={"nothing": "that is a schedule"})
    engine = live.engine()
    assert engine.ingest(clicks(101, 3)) == Counter()
    assert HistoryChunk.objects.get().events == 3
    assert f"{COURSE} cannot be read from the platform" in caplog.text
