"""The commands that feed the engine: a log is followed, a past log is taken in, and both may happen twice."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import SUBMITTED, is_activity
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.changes import take_changes
from engage_backend.engagement.live.consumer import AnotherReader, Consumer
from engage_backend.engagement.live.status import status
from engage_backend.models import Checkpoint, CourseRun, ReadAgain
from tests.engagement.clicks import clicks
from tests.engagement.live.conftest import LiveSite

EVENTS = sorted((event for user in (101, 102) for event in clicks(user, 60)), key=lambda event: event.time)


def line(event: ClickEvent) -> bytes:
    """The event as the LMS logs it."""
    checked = event.kind.startswith("problem_check")
    payload = {"problem_id": event.block} if event.block else {}
    if checked:
        payload |= {
            "success": event.kind.removeprefix("problem_check_"),
            "grade": event.score,
            "max_grade": event.possible,
            "attempts": event.attempt,
        }
    elif not is_activity(event.kind):  # about the learner, in a teacher's request
        changed = "" if event.kind == SUBMITTED else "new_"
        points = {f"{changed}weighted_earned": event.score, f"{changed}weighted_possible": event.possible}
        payload |= {"user_id": str(event.learner), **({} if event.score is None else points)}
    name = "problem_check" if checked else event.kind
    is_server = checked or not is_activity(event.kind)
    record = {
        "username": f"learner{event.learner}" if is_activity(event.kind) else "teacher",
        "event_type": name,
        "name": name,
        "event_source": "server" if is_server else "browser",
        "time": datetime.fromtimestamp(event.time / 1e6, UTC).isoformat(),
        "session": event.session,
        "page": None,
        "context": {
            "user_id": event.learner if is_activity(event.kind) else 999,
            "course_id": event.course,
            "path": "/event",
        },
        "event": payload if is_server else json.dumps(payload),
    }
    return json.dumps(record).encode() + b"\n"


def write(path: Path, events: Iterable[ClickEvent], *more: bytes) -> Path:
    path.write_bytes(b"".join([*map(line, events), *more]))
    return path


def consume(path: Path) -> None:
    call_command("engage_consume", str(path), "--source", "logfile", "--once", "--max-wait", "0")


def test_a_log_that_grows_is_read_on_from_where_it_was(live: LiveSite, tmp_path: Path) -> None:
    log = write(tmp_path / "tracking.log", EVENTS[:70])
    consume(log)
    assert Checkpoint.objects.get().events == 70
    with log.open("ab") as growing:
        growing.write(b"".join(map(line, EVENTS[70:])))
    consume(log)
    assert Checkpoint.objects.get().events == len(EVENTS)
    in_pieces = live.histories(), live.shown()
    CourseRun.objects.all().delete()
    consume(write(tmp_path / "whole.log", EVENTS))
    assert (live.histories(), live.shown()) == in_pieces


def test_bad_lines_are_counted_by_reason_and_stop_nothing(live: LiveSite, tmp_path: Path) -> None:
    bad = (
        b"\n",
        b'{"broken\n',
        b"[1, 2]\n",
        line(EVENTS[0]._replace(learner=999)),
        line(EVENTS[0]._replace(course="", kind="play_video", block="")),
    )
    log = write(tmp_path / "tracking.log", EVENTS[:10], *bad)
    with log.open("ab") as growing:
        growing.write(line(EVENTS[10])[:40])  # the LMS is in the middle of writing this one
    consume(log)
    mark = Checkpoint.objects.get()
    assert mark.rejected == {
        "blank line": 1,
        "broken JSON": 1,
        "not an event": 1,
        "not enrolled": 1,
        "no course": 1,
    }
    assert len(live.histories()) == 2
    with log.open("ab") as growing:
        growing.write(line(EVENTS[10])[40:])
    consume(log)
    assert Checkpoint.objects.get().events == 12  # the one of somebody not enrolled parsed well


def test_a_backfill_beside_a_consumer_and_again_changes_nothing(live: LiveSite, tmp_path: Path) -> None:
    log = write(tmp_path / "tracking.log", EVENTS)
    consume(log)
    before = live.histories(), live.shown()
    packed = tmp_path / "tracking.log-1.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    said = StringIO()
    call_command("engage_backfill", str(packed), str(log), stdout=said)
    assert (live.histories(), live.shown()) == before
    assert "240 lines, 240 events taken in" in said.getvalue()


def test_a_backfill_of_a_missing_file_names_it_and_takes_nothing_in(live: LiveSite, tmp_path: Path) -> None:
    log = write(tmp_path / "tracking.log", EVENTS)
    with pytest.raises(CommandError, match=r"no such file: .*elsewhere\.log"):
        call_command("engage_backfill", str(log), str(tmp_path / "elsewhere.log"))
    assert live.histories() == {}


def test_of_two_consumers_of_one_log_one_stops_and_each_record_is_counted_once(live: LiveSite, tmp_path: Path) -> None:
    log = write(tmp_path / "tracking.log", EVENTS)
    with closing(LogfileSource(log)) as first, closing(LogfileSource(log)) as second:
        one, other = (Consumer(source, live.engine(), max_wait=0, position={}) for source in (first, second))
        one.max_batch, other.max_batch = 50, 30
        assert one.step().events == 50
        with pytest.raises(AnotherReader, match="another engage_consume reads it"):
            other.step()
        assert Checkpoint.objects.get().events == 50
        while one.step().records:
            pass
    assert Checkpoint.objects.get().events == len(EVENTS)
    consume(log)  # and whoever begins where the last one ended is no second one
    assert Checkpoint.objects.get().events == len(EVENTS)


def test_of_two_consumers_in_step_the_one_that_finds_the_other_stops_and_says_where_it_runs(
    live: LiveSite, tmp_path: Path
) -> None:
    log = write(tmp_path / "tracking.log", EVENTS)
    with closing(LogfileSource(log)) as first, closing(LogfileSource(log)) as second:
        one, other = (
            Consumer(source, live.engine(), max_wait=0, max_batch=50, position={}) for source in (first, second)
        )
        assert one.step().events == other.step().events == 50  # the same lines, and the same position after them
        here = f"host {gethostname()}, process {os.getpid()}"
        with pytest.raises(AnotherReader, match=rf"too \({here}\).*this one \({here}\) has stopped"):
            one.step()
        assert Checkpoint.objects.get().events == 50
        while other.step().records:
            pass
    (found,) = status()["sources"]
    assert (found["events"], found["readers"]) == (len(EVENTS), [here])
    (said,) = [line for line in status()["todo"] if "more than one engage_consume reads it" in line]
    assert "stop one" in said
    Checkpoint.objects.update(other_seen=datetime.now(UTC) - timedelta(seconds=31))
    assert status()["sources"][0]["readers"] == []


def test_who_goes_on_after_a_consumer_that_was_killed_is_no_second_one(live: LiveSite, tmp_path: Path) -> None:
    log = write(tmp_path / "tracking.log", EVENTS)
    for _ in range(3):  # each is left in the middle of the log, and writes nothing any more
        with closing(LogfileSource(log, position=_stored())) as source:
            consumer = Consumer(source, live.engine(), max_wait=0, max_batch=20, position=_stored() or {})
            taken = [consumer.step(), consumer.step()]
            assert [one.other for one in taken] == ["", ""]
    (found,) = status()["sources"]
    assert (found["events"], found["readers"]) == (120, [])


def _stored() -> dict[str, Any] | None:
    mark = Checkpoint.objects.first()
    return mark.position if mark else None


def test_a_course_run_that_is_to_be_read_again_stays_so_until_it_was_read(live: LiveSite) -> None:
    due = datetime(2024, 1, 1, tzinfo=UTC)
    said = (("a", 1), ("b", 3), ("a", None), ("b", 2), ("b", 3))
    ReadAgain.objects.bulk_create(ReadAgain(course_key=key, user_id=user, due=due) for key, user in said)
    with pytest.raises(KeyError):
        for course_key, users in take_changes(due):
            if course_key == "b":
                raise KeyError(course_key)  # as a process that is killed, or a platform that does not answer
            assert users is None, "who is named is among all"
    assert list(take_changes(due)) == [("b", [2, 3])]
    assert list(take_changes(due)) == []
