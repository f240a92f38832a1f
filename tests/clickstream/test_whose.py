"""Whose a record is: names without ids, names that belong to somebody else, clocks that are ahead."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engage_backend.clickstream import whose
from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import AHEAD_SECONDS, latest, parse, parse_lines
from engage_backend.clickstream.whose import is_other, name_hash
from engage_backend.tap.record import pack
from tests.clickstream.records import COURSE, PROBLEM, event, line, record, refusal

OLD = {
    "username": "ann",
    "event_source": "server",
    "event_type": "/courses/Med/H1/2013/courseware/a/b/",
    "time": "2013-06-10T05:47:38.452300",
    "event": '{"POST": {}, "GET": {}}',
    "page": None,
}


@pytest.mark.parametrize("extra", [{}, {"context": {}}, {"context": {"user_id": None}}, {"context": None}])
def test_a_name_without_an_id_has_its_own_reason_and_is_resolved(extra: dict[str, Any]) -> None:
    raw = json.dumps({**OLD, **extra}).encode()
    assert parse(raw) is Reason.NAME_ALONE
    assert parse_lines([raw]) == ([], {Reason.NAME_ALONE: 1})
    found, rejected = parse_lines([raw], names={"ann": 7})
    assert [(one.learner, one.course, one.kind) for one in found] == [(7, "Med/H1/2013", "courseware")]
    assert not rejected
    assert parse_lines([raw], names={"bob": 8}) == ([], {Reason.NAME_ALONE: 1})


@pytest.mark.parametrize("name", ["", None, 5])
def test_nobody_is_not_a_name(name: Any) -> None:
    assert parse(json.dumps({**OLD, "username": name}).encode()) is Reason.NO_LEARNER


def test_a_name_travels_as_a_hash_that_says_nothing_without_the_key() -> None:
    assert event(username="ann").who == name_hash("ann") == name_hash("Ann")
    assert event(username="ann").who != event(username="bob").who
    assert "ann" not in event(username="ann").who
    mapping = {"name": "play_video", "timestamp": "2026-01-02T03:04:05+00:00", "data": {}}
    context = {"user_id": 5, "course_id": COURSE, "path": "/event", "event_source": "server", "username": "ann-marked"}
    packed = pack({**mapping, "context": context})
    assert packed is not None
    assert b"ann-marked" not in packed.record
    sent, direct = parse(packed.record), parse({**mapping, "context": context})
    assert sent == direct
    assert isinstance(sent, ClickEvent)
    assert sent.who == name_hash("ann-marked")


def test_hashes_of_different_keys_say_nothing() -> None:
    before = whose.current_key()
    try:
        whose.set_key(whose.key_of("one"))
        ann, bob = name_hash("ann"), name_hash("bob")
        whose.set_key(whose.key_of("two"))
        assert name_hash("ann") != ann
        assert not is_other(ann, name_hash("bob"))
        assert is_other(ann, bob)
        assert not is_other("", bob)
        assert not is_other(ann, "")
    finally:
        whose.set_key(before)


def test_a_score_that_somebody_else_gave_bears_no_name() -> None:
    payload = {"problem_id": PROBLEM, "user_id": 7, "weighted_earned": 1, "weighted_possible": 1}
    name = "edx.grades.problem.submitted"
    assert event(event_type=name, event=payload, username="teacher", context={"user_id": 99}).who == ""
    own = event(event_type=name, event={**payload, "user_id": "5"}, username="teacher")
    assert own.who == name_hash("teacher")  # staff who masquerade: the id is the learner's


def test_the_moment_of_arrival_bounds_the_time_of_a_phone() -> None:
    arrived, ahead = "2026-10-10T10:00:05+00:00", "2027-05-01T10:00:00+00:00"
    mobile = {"event_source": "mobile", "event": "{}"}
    late = event(**mobile, time=ahead, context={"received_at": arrived})
    assert late.time == event(time=arrived).time
    behind = event(**mobile, time="2026-10-10T09:00:00+00:00", context={"received_at": arrived})
    assert behind.time == event(time="2026-10-10T09:00:00+00:00").time
    assert event(**mobile, time=arrived, context={"received_at": "nonsense"}).time == late.time
    sent = {"name": "edx.video.played", "data": {}, "timestamp": datetime(2026, 10, 10, 10, 0, 6, tzinfo=UTC)}
    context = {"user_id": 5, "course_id": COURSE, "event_source": "mobile", "timestamp": ahead}
    packed = pack({**sent, "context": {**context, "received_at": datetime(2026, 10, 10, 10, 0, 5, tzinfo=UTC)}})
    assert packed is not None
    found = parse(packed.record)
    assert isinstance(found, ClickEvent)
    assert found.time == late.time


def test_nothing_is_believed_that_is_later_than_the_clock() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    times = [now - timedelta(days=1), now, now + timedelta(seconds=AHEAD_SECONDS)]
    lines = [line(time=when.isoformat()) for when in times]
    assert len(parse_lines(lines, until=latest(now))[0]) == 3
    late = line(time=(now + timedelta(seconds=AHEAD_SECONDS + 1)).isoformat())
    events, rejected = parse_lines([*lines, late, line(time="2099-01-01T00:00:00+00:00")], until=latest(now))
    assert len(events) == 3
    assert rejected == {Reason.LATER: 2}


@pytest.mark.parametrize("status", [404, "404", 403, "500 Internal Server Error"])
def test_a_request_that_the_record_says_was_refused_is_no_activity(status: Any) -> None:
    page = f"/courses/{COURSE}/courseware/a/b/"
    assert refusal(event_type=page, status=status) is Reason.NOT_ANSWERED
    for fine in (200, "302", None, "4", "45", {}, True):
        assert isinstance(parse(record(event_type=page, status=fine)), ClickEvent)
