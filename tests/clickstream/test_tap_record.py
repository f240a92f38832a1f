"""What leaves the LMS: enough for the same ClickEvent, and nothing else."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.names import OUR_BLOCK, SUBMITTED
from engage_backend.clickstream.parse import parse
from engage_backend.tap.record import LONGEST_PAYLOAD, TooLong, pack
from tests.clickstream.records import BACKEND, COURSE, PROBLEM, SHARED, lines_of

USER = {"user_id": 5, "course_id": COURSE, "path": "/event", "session": "abc", "event_source": "server"}
TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def emitted(name: str = "play_video", data: Any = None, **context: Any) -> dict[str, Any]:
    return {"name": name, "timestamp": TIME, "data": {} if data is None else data, "context": {**USER, **context}}


def arrived(event: dict[str, Any]) -> ClickEvent | Reason:
    packed = pack(event)
    assert packed is not None
    assert b"\n" not in packed.record
    return parse(packed.record)


@pytest.mark.parametrize("real", [BACKEND, None])
def test_every_real_record_arrives_as_what_it_was(real: list[bytes] | None) -> None:
    lines = lines_of(SHARED / "real_backend_teak.jsonl") if real is None else real
    clicks = 0
    for line in lines:
        told = json.loads(line)
        packed = pack(told)
        if packed is None:
            assert not isinstance(parse(line), ClickEvent)
        else:
            assert parse(packed.record) == parse(line)
            clicks += isinstance(parse(line), ClickEvent)
    assert clicks >= 9


NAMES = ["play_video", "problem_check", SUBMITTED, "seq_next", "edx.ui.lms.sequence.next_selected", "/event", "x"]
NAMES += [f"/courses/{COURSE}/courseware/", f"/xblock/{PROBLEM}", "/dashboard", "edx.forum.thread.created"]
TEXTS = [COURSE, PROBLEM, "", "p11", "correct", "5", "\ud800", "a\x00b", "/event", f"/courses/{COURSE}/instructor"]
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.sampled_from(TEXTS))
FIELDS = ["problem_id", "usage_key", "id", "course_id", "user_id", "success", "grade", "max_grade", "attempts", "GET"]
FIELDS += ["weighted_earned", "weighted_possible", "current_tab", "tab_count", "problem", "answers"]
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), st.one_of(VALUES, st.just({"course_id": [COURSE]})))
CONTEXTS = st.fixed_dictionaries(
    {"user_id": st.sampled_from([5, "5"])},
    optional={
        **dict.fromkeys(("course_id", "page", "session", "event_source", "username", "event_type"), VALUES),
        "path": st.sampled_from(["/event", "", f"/courses/{COURSE}/instructor", "\ud800"]),
        "module": st.sampled_from([{"usage_key": PROBLEM, "display_name": "x"}, None, "no module"]),
    },
)


@given(
    st.sampled_from(NAMES),
    st.one_of(OBJECTS, OBJECTS.map(json.dumps), st.none(), st.lists(VALUES), st.sampled_from(TEXTS)),
    CONTEXTS,
)
@example("/dashboard", None, {"user_id": 5, "event_type": float("inf")})
@example("x", None, {"user_id": 5, "event_type": float("nan"), "course_id": COURSE})
@example("play_video", None, {"user_id": float("inf"), "username": "somebody", "course_id": COURSE})
@example(SUBMITTED, {"user_id": float("inf"), "problem_id": PROBLEM}, {"user_id": 5})
@example(SUBMITTED, json.dumps({"user_id": float("-inf"), "problem_id": PROBLEM}), {"user_id": 5})
def test_any_record_arrives_as_what_its_line_would_be(name: str, data: Any, context: dict[str, Any]) -> None:
    event = {"name": name, "timestamp": TIME.isoformat(), "data": data, "context": context}
    assert arrived(event) == parse(json.dumps(event))


def test_nothing_personal_leaves_that_parsing_does_not_read() -> None:
    told = pack(
        emitted(
            "problem_check",
            {"problem_id": PROBLEM, "success": "correct", "answers": {"p11": "MARKED"}, "state": ["MARKED"]},
            **dict.fromkeys(("username", "ip", "agent", "host", "referer", "client_id", "email"), "MARKED"),
            module={"usage_key": PROBLEM, "display_name": "MARKED"},
        )
    )
    assert told is not None
    assert b"MARKED" not in told.record
    assert PROBLEM.encode() in told.record
    post = pack(emitted("/login", json.dumps({"GET": {"next": "MARKED"}, "POST": {"email": ["MARKED"]}})))
    assert post is not None
    assert b"MARKED" not in post.record


def test_the_event_is_left_as_it_was() -> None:
    for line in BACKEND:
        event = json.loads(line)
        before = copy.deepcopy(event)
        pack(event)
        assert event == before


class Key:
    def __str__(self) -> str:
        return COURSE


@pytest.mark.parametrize("course", [COURSE, Key(), lazystr(COURSE), mark_safe(COURSE), CourseKey.from_string(COURSE)])
def test_a_course_that_is_no_plain_text_survives(course: Any) -> None:
    assert arrived(emitted(course_id=course)) == arrived(emitted())


def test_values_that_json_has_no_word_for_survive() -> None:
    scored = emitted(
        "problem_check",
        {
            "problem_id": lazystr(PROBLEM),
            "success": "correct",
            "grade": Decimal("1.5"),
            "max_grade": 2,
            "attempts": 1,
            "saved": {1, 2},
            "when": TIME,
            Key(): object(),
        },
        module={"usage_key": CourseKey.from_string(COURSE)},
    )
    event = arrived(scored)
    assert isinstance(event, ClickEvent)
    assert (event.block, event.score, event.possible, event.attempt) == (PROBLEM, 1.5, 2.0, 1)
    assert event.time == int(TIME.timestamp() * 1e6 + 0.5)
    odd = arrived(emitted(page="\ud800", session="\udfff", agent=object()))
    assert isinstance(odd, ClickEvent)


@pytest.mark.parametrize(
    "event",
    [
        emitted("/engage/api/v1/courses/a/predictions"),
        emitted("play_video", path="/engage/api/v1/courses/a/predictions"),
        emitted(f"/courses/{COURSE}/xblock/block-v1:x+y+z+type@{OUR_BLOCK}+block@1/handler/send"),
        emitted("page_close", page=f"https://lms/xblock/block-v1:x+y+z+type@{OUR_BLOCK}+block@1"),
        emitted("seq_next", {"id": f"block-v1:x+y+z+type@{OUR_BLOCK}+block@1"}),
        emitted(user_id=None),
        emitted(user_id=""),
    ],
)
def test_our_own_pages_and_nobodys_clicks_stay_where_they_are(event: dict[str, Any]) -> None:
    assert pack(event) is None


def test_a_submission_belongs_to_the_learner_and_not_to_whose_request_it_was() -> None:
    packed = pack(emitted(SUBMITTED, {"user_id": 7, "problem_id": PROBLEM}))
    assert packed is not None
    assert packed.learner == 7


@pytest.mark.parametrize("data", ["x" * (LONGEST_PAYLOAD + 1), {"id": "x" * 10_000}])
def test_what_no_click_makes_is_refused(data: Any) -> None:
    with pytest.raises(TooLong):
        pack(emitted(data=data))
