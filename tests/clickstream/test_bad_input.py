"""Whatever stands in a line or a mapping: an event or a counted reason, never an exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse, parse_lines
from tests.clickstream.records import BACKEND, COURSE, PROBLEM, REAL, line, record


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BLANK),
        (b" \r\n", Reason.BLANK),
        (b"hello", Reason.OTHER_LOG),
        (b'{"event_type": "x", "time": "20', Reason.BROKEN_JSON),
        (b"{" * 100_000, Reason.BROKEN_JSON),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Reason.BROKEN_JSON),
        (b"\xff\xfe\x00", Reason.BROKEN_JSON),
        (b"17", Reason.NOT_AN_EVENT),
        (b"null", Reason.NOT_AN_EVENT),
        (b'["a"]', Reason.NOT_AN_EVENT),
        (b"{}", Reason.NOT_AN_EVENT),
        (b'{"event_type": 7, "context": []}', Reason.NOT_AN_EVENT),
    ],
)
def test_what_is_no_record_is_counted_by_reason(raw: bytes, reason: Reason) -> None:
    assert parse(raw) is reason


def test_odd_letters_and_numbers_beside_the_event_do_not_lose_it() -> None:
    whole = line()
    for odd in (b'"agent": "\\ud800"', b'"agent": "caf\xe9"', b'"x": NaN', b'"x": 1' + b"0" * 300, b'"page": ["a"]'):
        assert parse(whole.replace(b'"session"', odd + b', "session"')) == parse(whole)


def test_no_kind_and_no_session_is_longer_or_odder_than_a_database_takes() -> None:
    for name in ("x" * 5000, "\ud800y", "a\x00b", "ünï.cödé", "作业" * 400):
        found = parse(record(event_type=name, session="\x00" * 400))
        assert isinstance(found, ClickEvent)
        assert found.kind.isascii() and found.kind.isprintable() and 0 < len(found.kind) <= 100
        assert found.session == ""


def test_a_record_without_a_payload_is_still_an_event() -> None:
    plain = record()
    del plain["event"]
    for name in ("gymdemo.clicked", "play_video", "/api/courseware/resume/" + COURSE):
        plain["event_type"] = name
        for course in (COURSE, ""):
            plain["context"]["course_id"] = course
            assert parse(json.dumps(plain).encode()) == parse(plain)
    plain["event_type"] = "problem_check"
    assert parse(json.dumps(plain).encode()) is parse(plain) is Reason.BROWSER_TWIN


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(COURSE) | st.just(PROBLEM),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_reason(raw: bytes) -> None:
    assert isinstance(parse(raw), Reason | ClickEvent)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(REAL + BACKEND), st.data())
def test_a_real_record_with_anything_in_any_field_is_an_event_or_a_reason(raw: bytes, data: st.DataObject) -> None:
    mapping = json.loads(raw)
    place = data.draw(st.sampled_from([mapping, mapping["context"]]))
    field = data.draw(st.sampled_from(sorted(place) or ["x"]))
    place[field] = data.draw(anything)
    if data.draw(st.booleans()) and isinstance(mapping.get("event"), dict):
        mapping["event"] = {key: data.draw(anything) for key in mapping["event"]}
    found = parse(json.dumps(mapping).encode())
    assert isinstance(found, Reason | ClickEvent)
    assert found == parse(mapping)


@settings(max_examples=150)
@given(st.sampled_from(REAL), st.integers(0, 3000), st.integers(0, 40), st.binary(max_size=5))
def test_a_real_line_with_a_damaged_piece_is_an_event_or_a_reason(raw: bytes, at: int, gone: int, put: bytes) -> None:
    damaged = raw[:at] + put + raw[at + gone :]
    events, rejected = parse_lines([damaged, raw])
    assert len(events) + rejected.total() >= 2  # a damage may look like the end of one record before another
    found = parse(damaged)
    assert found in events or found in rejected
