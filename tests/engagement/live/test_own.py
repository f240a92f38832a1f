"""Whose clicks count on a running site: the learner's own, while enrolled, once the course is open, by a clock that can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from engage_backend.clickstream import whose
from engage_backend.clickstream.quarantine import Quarantine
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live import changes
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.models import Checkpoint, HistoryChunk, Learner, LearnerStatus, ReadAgain, Submission
from engage_backend.platform.moments import from_microseconds
from engage_backend.platform.standalone.models import Enrolment
from engage_backend.tap.record import pack
from tests.engagement.clicks import COURSE, DAY, START
from tests.engagement.live.conftest import LEARNERS, LiveSite, live
from tests.fuzz.test_any_way import Given

__all__ = ["live"]
ANN = LEARNERS[0]
UNIT = f"block-v1:{COURSE[10:]}+type@vertical+block@v"
PROBLEM = f"block-v1:{COURSE[10:]}+type@problem+block@p"


@pytest.fixture(autouse=True)
def _same_key_afterwards() -> Iterator[None]:
    before = whose.current_key()
    yield
    whose.set_key(before)


def record(
    name: str = f"/xblock/{UNIT}", *, day: float = 40.0, user: int = ANN, by: str = "", **fields: Any
) -> dict[str, Any]:
    context = {"user_id": user, "course_id": COURSE, "path": name, **fields.pop("context", {})}
    plain = {"event_type": name, "name": name, "event_source": "server", "session": "s", "page": None}
    time = from_microseconds(START + int(day * DAY)).isoformat()
    payload = '{"GET": {}, "POST": {}}'
    return {**plain, "time": time, "username": by or f"learner{user}", "event": payload, "context": context, **fields}


def emitted(logged: dict[str, Any]) -> bytes:
    """What the tap sends of the same event."""
    context = {**logged["context"], "username": logged["username"], "event_source": logged["event_source"]}
    event = {"name": logged["name"], "timestamp": logged["time"], "data": logged["event"], "context": context}
    packed = pack(event)
    assert packed is not None
    return packed.record


def bring(live: LiveSite, way: str, folder: Path, *records: dict[str, Any]) -> None:
    """Records on their way into the database, by a process of their own."""
    if way == "tap":
        engine = live.engine()
        Consumer(Given([emitted(one) for one in records]), engine, max_wait=0).step()
        return
    path = folder / "tracking.log"
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    if way == "backfill":
        call_command("engage_backfill", str(path), stdout=StringIO())
        return
    source = LogfileSource(path)
    Consumer(source, live.engine(), max_wait=0).step()
    source.close()


def last_active(user: int = ANN) -> datetime | None:
    return Learner.objects.get(user_id=user).last_active


WAYS = pytest.mark.parametrize("way", ["log", "backfill", "tap"])


@WAYS
def test_staff_who_masquerade_leave_no_trace_of_the_learner(live: LiveSite, tmp_path: Path, way: str) -> None:
    answer = {"problem_id": PROBLEM, "success": "correct", "grade": 1, "max_grade": 1, "attempts": 1}
    grade = {"problem_id": PROBLEM, "user_id": str(ANN), "weighted_earned": 1, "weighted_possible": 1}
    bring(
        live,
        way,
        tmp_path,
        record(by="teacher"),
        record("problem_check", by="teacher", event=answer, context={"path": "/x"}),
        record("edx.grades.problem.submitted", by="teacher", event=grade, context={"path": "/x"}),
        record(user=LEARNERS[1]),
    )
    assert Learner.objects.get(user_id=ANN).state == LearnerStatus.NEVER_STARTED
    assert not Submission.objects.exists()
    assert [chunk.learner.user_id for chunk in HistoryChunk.objects.all()] == [LEARNERS[1]]


@WAYS
def test_a_grade_given_by_staff_counts_and_is_no_click(live: LiveSite, tmp_path: Path, way: str) -> None:
    grade = {"problem_id": PROBLEM, "user_id": ANN, "weighted_earned": 1, "weighted_possible": 2}
    context = {"user_id": 9, "path": f"/courses/{COURSE}/instructor"}
    bring(live, way, tmp_path, record("edx.grades.problem.submitted", by="teacher", event=grade, context=context))
    assert last_active() is None
    assert Submission.objects.get().score == 1.0


@WAYS
def test_a_record_without_a_name_is_judged_by_its_id(live: LiveSite, tmp_path: Path, way: str) -> None:
    bring(live, way, tmp_path, record(username=""))
    assert last_active() is not None


def test_who_was_renamed_is_asked_for_again(live: LiveSite, tmp_path: Path) -> None:
    engine = live.engine()
    Consumer(Given([json.dumps(record(day=39.0)).encode()]), engine, max_wait=0).step()
    User.objects.filter(pk=ANN).update(username="married")
    Consumer(Given([json.dumps(record(by="married")).encode()]), engine, max_wait=0).step()
    assert last_active() == from_microseconds(START + 40 * DAY)


def test_an_event_of_somebody_else_is_counted_as_that(live: LiveSite, tmp_path: Path) -> None:
    bring(live, "log", tmp_path, record(by="teacher"))
    assert Checkpoint.objects.get().rejected == {"user name of somebody else": 1}


@WAYS
def test_a_unit_asked_for_before_the_course_opened_was_refused(live: LiveSite, tmp_path: Path, way: str) -> None:
    Enrolment.objects.update(created=from_microseconds(START - 30 * DAY))
    bring(live, way, tmp_path, record(day=-1.0), record(f"/courses/{COURSE}/courseware/a/b/", day=-2.0))
    assert last_active() is None
    bring(live, way, tmp_path, record("play_video", day=-1.5, event_source="browser", context={"path": "/event"}))
    assert last_active() == from_microseconds(START - DAY - DAY // 2)  # a beta tester's: the player was there


@WAYS
def test_nobody_is_active_before_they_are_enrolled(live: LiveSite, tmp_path: Path, way: str) -> None:
    Enrolment.objects.filter(user=ANN).update(created=from_microseconds(START + 30 * DAY))
    bring(live, way, tmp_path, record(day=29.0))
    assert last_active() is None
    bring(live, way, tmp_path, record(day=31.0))
    assert last_active() == from_microseconds(START + 31 * DAY)


@WAYS
def test_nothing_later_than_the_sites_clock_is_believed(live: LiveSite, tmp_path: Path, way: str) -> None:
    bring(live, way, tmp_path, record(day=40.0), record(day=42.0), record(day=40_000.0 / 1.5))
    assert last_active() == from_microseconds(START + 40 * DAY)
    live.clock(43)
    bring(live, way, tmp_path, record(day=42.0))
    assert last_active() == from_microseconds(START + 42 * DAY)


def test_what_is_later_than_the_clock_is_kept_and_told(live: LiveSite, tmp_path: Path) -> None:
    kept = Quarantine(tmp_path / "quarantine")
    lines = [json.dumps(record(day=day)).encode() for day in (40.0, 42.0)]
    Consumer(Given(lines), live.engine(), max_wait=0, quarantine=kept).step()
    (told,) = [json.loads(line) for line in kept.path.read_text(encoding="utf-8").splitlines()]
    assert told["reason"] == "later than the clock"
    assert json.loads(told["text"]) == record(day=42.0)
    assert Checkpoint.objects.get().rejected == {"later than the clock": 1}


@WAYS
def test_a_phone_that_is_ahead_was_there_when_the_server_says(live: LiveSite, tmp_path: Path, way: str) -> None:
    arrived = from_microseconds(START + 10 * DAY)
    ahead = {"received_at": arrived.isoformat(), "path": "/segmentio/event"}
    if way == "tap":
        ahead["timestamp"] = from_microseconds(START + 300 * DAY).isoformat()
    bring(live, way, tmp_path, record("play_video", day=300.0, event_source="mobile", event="{}", context=ahead))
    assert last_active() == arrived
    assert last_active() < from_microseconds(START + 10 * DAY) + timedelta(seconds=1)


@WAYS
def test_an_enrolment_in_the_log_asks_for_the_roster_and_is_no_click(
    live: LiveSite, tmp_path: Path, way: str, django_capture_on_commit_callbacks: Any
) -> None:
    changes.forget()  # what this process said a moment ago for another test
    event = {"user_id": str(ANN), "course_id": COURSE, "mode": "audit"}
    staff = {"user_id": 9, "course_id": "", "path": "/api/bulk_enroll/v1/bulk_enroll/"}
    name = "edx.course.enrollment.deactivated"
    with django_capture_on_commit_callbacks(execute=True):
        bring(live, way, tmp_path, record(name, by="admin", event=event, day=20.0, context=staff))
    assert not ReadAgain.objects.exists()  # of long ago: the platform's roster has it
    with django_capture_on_commit_callbacks(execute=True):
        bring(live, way, tmp_path, record(name, by="admin", event=event, day=41.0, context=staff))
    assert [one.course_key for one in ReadAgain.objects.all()] == [COURSE]
    assert last_active() is None
