"""What a tracking record becomes, through `parse` and `parse_lines`, on real records wherever there are some."""

from __future__ import annotations

import copy
import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse, parse_lines
from tests.clickstream.records import BACKEND, COURSE, EXCERPT, PROBLEM, REAL, SHARED, event, lines_of, record, refusal

# Both forms, and what loggers write before a line


def pairs(lms: Path, backend: Path) -> list[tuple[bytes, bytes]]:
    by_time = {datetime.fromisoformat(json.loads(raw)["timestamp"]): raw for raw in lines_of(backend)}
    timed = [(datetime.fromisoformat(json.loads(raw)["time"]), raw) for raw in lines_of(lms)]
    return [(raw, by_time[time]) for time, raw in timed if time in by_time]


@pytest.mark.parametrize(("folder", "logs", "at_least"), [(EXCERPT, ("lms", "backend"), 20), (SHARED, None, 141)])
def test_both_forms_of_one_event_give_equal_events(folder: Path, logs: tuple[str, str] | None, at_least: int) -> None:
    lms, backend = logs or ("real_lms_teak", "real_backend_teak")
    found = pairs(folder / f"{lms}.jsonl", folder / f"{backend}.jsonl")
    assert len(found) >= at_least
    for logged, emitted in found:
        mapping = json.loads(emitted)
        assert parse(logged) == parse(emitted) == parse(mapping)
        assert parse(logged) == parse({**mapping, "timestamp": datetime.fromisoformat(mapping["timestamp"])})


def test_every_line_of_the_real_log_is_what_it_is() -> None:
    events, rejected = parse_lines(lines_of(SHARED / "real_lms_teak.jsonl"))
    assert len(events) + rejected.total() == 277
    kinds = Counter(event.kind for event in events)
    assert kinds["problem_check_correct"] == 14
    assert kinds["problem_check_incorrect"] == 3
    assert kinds["edx.grades.problem.submitted"] == 24
    assert kinds["seq_next"] == kinds["play_video"] == kinds["pause_video"] == 3
    assert {event.course for event in events} == {COURSE}
    assert rejected[Reason.BROWSER_TWIN] == 2
    assert rejected[Reason.NOT_A_CLICK] == 74
    assert rejected[Reason.COURSE_TEAM] == 10


@pytest.mark.parametrize("name", ["edx.ui.lms.sequence.next_selected", "edx.ui.lms.sequence.previous_selected"])
@pytest.mark.parametrize(("tab", "of"), [(1, 1), (1, 3), (2, 3), (3, 3)])
def test_a_step_has_the_kind_that_the_lms_writes_into_its_log(name: str, tab: int, of: int) -> None:
    # As NextSelectedEventTransformer and PreviousSelectedEventTransformer decide in the LMS.
    leaves = tab == of if "next" in name else tab == 1
    logged = name if leaves else {"n": "seq_next", "p": "seq_prev"}[name.rpartition(".")[2][0]]
    data = {"id": PROBLEM, "current_tab": tab, "tab_count": of}
    context = {"user_id": 5, "course_id": COURSE, "event_source": "browser", "page": "http://lms/"}
    moment = "2026-01-02T03:04:05.678901+00:00"
    emitted = parse({"name": name, "timestamp": moment, "data": data, "context": context})
    assert isinstance(emitted, ClickEvent)
    assert emitted.kind == logged
    assert emitted == event(
        event_type=logged, name=name, session="", event_source="browser", event=json.dumps(data), time=moment
    )


def test_a_mobile_video_event_is_the_players_own_in_both_forms() -> None:
    block = f"block-v1:{COURSE[10:]}+type@video+block@v1"
    context = {"user_id": 5, "course_id": COURSE, "timestamp": "2026-01-02T03:04:05.678901+00:00"}
    emitted = parse(
        {
            "name": "edx.video.played",
            "timestamp": datetime(2026, 1, 2, 4, tzinfo=UTC),  # when it arrived; the context says when it happened
            "data": {"module_id": block, "current_time": 3},
            "context": {**context, "event_source": "mobile"},
        }
    )
    logged = event(event_type="play_video", name="edx.video.played", event='{"id": "v1", "currentTime": 3}', session="")
    assert emitted == logged
    assert logged.block == block


@pytest.mark.parametrize(
    "prefix",
    [
        b"2025-07-17 10:00:00,000 INFO 25 [tracking] [user 5] [ip 10.0.0.1] logger.py:41 - ",
        b"Jul 17 10:00:00 lms-1 [service_variant=lms][tracking][env:prod] INFO [lms-1 25] [logger.py:41] - ",
        b"<13>1 2025-07-17T10:00:00Z lms {odd} tracking 25 - - ",
        b"  ",
    ],
)
def test_what_a_logger_writes_before_a_line_changes_nothing(prefix: bytes) -> None:
    for raw in REAL:
        assert parse(prefix + raw) == parse(raw) == parse(raw + b"\r\n") == parse(raw.decode())


def test_a_mapping_is_only_read() -> None:
    for raw in REAL + BACKEND:
        mapping = json.loads(raw)
        before = copy.deepcopy(mapping)
        parse(mapping)
        assert mapping == before


# Fields


def test_a_submission_carries_its_score_and_its_attempt() -> None:
    payload = {"problem_id": PROBLEM, "success": "incorrect", "grade": 1, "max_grade": 4, "attempts": 2}
    found = event(event_type="problem_check", event=payload)
    assert found == (COURSE, 5, 1767323045678901, "problem_check_incorrect", PROBLEM, "abc", 1.0, 4.0, 2, "")


def test_points_go_to_the_learner_whose_they_are_not_to_who_triggered_them() -> None:
    payload = {"user_id": "8", "course_id": COURSE, "problem_id": PROBLEM, "weighted_earned": 2, "weighted_possible": 3}
    for context in ({"user_id": 4}, {"user_id": None}, {"course_id": ""}):
        found = event(event_type="edx.grades.problem.submitted", event=payload, context=context)
        assert (found.learner, found.course, found.score, found.possible) == (8, COURSE, 2.0, 3.0)


def test_a_browser_cannot_hand_in_points() -> None:
    payload = json.dumps({"user_id": "8", "weighted_earned": 9, "weighted_possible": 9})
    for name in ("edx.grades.problem.submitted", "problem_check", "problem_graded"):
        assert refusal(event_type=name, event_source="browser", event=payload) is Reason.BROWSER_TWIN
    assert event(event_type="problem_check_correct", event_source="browser").kind == "event:problem_check_correct"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 10**400, "1", True, None, [1], -1])
def test_a_score_that_is_no_number_is_none(bad: Any) -> None:
    payload = {"problem_id": PROBLEM, "success": "correct", "grade": bad, "max_grade": 1, "attempts": bad}
    found = event(event_type="problem_check", event=payload)
    assert (found.kind, found.score, found.possible, found.attempt) == ("problem_check_correct", None, None, None)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-01-02T03:04:05.678901+00:00", 1767323045678901),
        ("2026-01-02 03:04:05.678901+00:00", 1767323045678901),
        ("2026-01-02T03:04:05.678901", 1767323045678901),
        ("2026-01-02T03:04:05.678901Z", 1767323045678901),
        ("2026-01-02T05:04:05.678901+02:00", 1767323045678901),
        ("2026-01-02T03:04:05.678901999+00:00", 1767323045678902),
        ("2026-01-02T03:04:05.6+00:00", 1767323045600000),
        ("2026-01-02T03:04:05+00:00", 1767323045000000),
    ],
)
def test_a_time_is_microseconds_utc_however_it_is_written(text: str, microseconds: int) -> None:
    assert event(time=text).time == microseconds


def test_a_datetime_of_a_backend_may_have_a_zone_or_none() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901)
    for given_time in (
        moment.replace(tzinfo=UTC),
        moment,
        (moment + timedelta(hours=2)).replace(tzinfo=timezone(timedelta(hours=2))),
    ):
        found = parse({**record(), "time": None, "timestamp": given_time})
        assert isinstance(found, ClickEvent)
        assert found.time == 1767323045678901


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "yesterday",
        "2026-01-02",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59Z",
        1767323045,
        [],
        "2026-01-02T24:61:00",
    ],
)
def test_a_record_without_a_time_that_can_be_is_counted(bad: Any) -> None:
    assert refusal(time=bad) is Reason.NO_TIME


@pytest.mark.parametrize("bad", [None, "", 0, -3, True, 5.0, "five", "٥", 2**63, 10**30, [5], {"id": 5}])
def test_a_record_without_a_learner_is_counted(bad: Any) -> None:
    assert refusal(context={"user_id": bad}) is Reason.NO_LEARNER


def test_a_learner_may_be_digits() -> None:
    assert event(context={"user_id": "17"}).learner == 17


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("course-v1:GymX+G101+2026", COURSE),
        ("course-v1:GymX G101 2026", COURSE),
        ("course-v1:GymX+G101+2026+branch@published-branch", COURSE),
        ("MITx/6.002x/2013_Spring", "MITx/6.002x/2013_Spring"),
        ("ccx-v1:GymX+G101+2026+ccx@3", "ccx-v1:GymX+G101+2026+ccx@3"),
    ],
)
def test_a_course_has_one_key_however_it_is_written(written: str, canonical: str) -> None:
    assert event(context={"course_id": written}).course == canonical


@pytest.mark.parametrize(
    "fields",
    [
        {"event": {"course_id": COURSE}},
        {"event": json.dumps({"course_id": COURSE})},
        {"event": {"id": PROBLEM}},
        {"event": json.dumps({"usage_key": PROBLEM})},
        {"page": f"http://lms:18000/xblock/{PROBLEM}?show_title=0"},
        {"page": f"http://apps.lms/learning/course/{COURSE}/home"},
        {"page": "https://learning.site/course/course-v1%3AGymX%2BG101%2B2026"},
        {"page": f"http://lms/courses/{COURSE}/courseware/a/b/#x"},
        {"context": {"path": f"/courses/{COURSE}/xblock/{PROBLEM}/handler/click"}},
        {"context": {"module": {"usage_key": PROBLEM}}},
        {"event_type": f"/xblock/{PROBLEM}"},
        {"event_type": f"/api/course_home/outline/{COURSE}"},
        {
            "event_type": "/api/discussion/v1/threads/",
            "event": json.dumps({"GET": {"course_id": [COURSE]}, "POST": {}}),
        },
        {"event": {"url": f"http://lms/courses/{COURSE}/discussion/forum/course/threads/0f"}},
        {"event_type": f"/asset-v1:{COURSE[10:]}+type@asset+block@notes.pdf"},
        {"event_type": f"/assets/courseware/v1/0f1e/asset-v1:{COURSE[10:]}+type@asset+block/notes.pdf"},
    ],
)
def test_a_course_is_found_where_the_context_names_none(fields: dict[str, Any]) -> None:
    context = {"course_id": "", **fields.get("context", {})}
    assert event(**{**fields, "context": context}).course == COURSE


def test_old_keys_are_read_from_paths_pages_and_payloads() -> None:
    old = {"course_id": ""}
    path = "/courses/MITx/6.002x/2013/xblock/i4x:;_;_MITx;_6.002x;_poll_question;_H1/handler/xmodule_handler/yes"
    found = event(event_type=path, context=old)
    assert found.course == "MITx/6.002x/2013"
    assert (found.kind, found.block) == ("handler:poll_question:yes", "i4x://MITx/6.002x/poll_question/H1")
    page = "https://courses.edx.org/courses/MITx/6.002x/2013/courseware/Week_1/"
    found = event(event_type="seq_goto", event='{"id": "i4x://MITx/6.002x/sequential/S1"}', page=page, context=old)
    assert (found.course, found.block) == ("MITx/6.002x/2013", "i4x://MITx/6.002x/sequential/S1")


@pytest.mark.parametrize("key", ["library-v1:GymX+lib", "lib:GymX:lib"])
def test_a_library_is_no_course(key: str) -> None:
    assert refusal(context={"course_id": key}) is Reason.OTHER_KEY


@pytest.mark.parametrize("key", ["", None, "nonsense", "a/b", 17, "course-v1:a+b", ["x"], "x" * 5000])
def test_a_record_without_a_course_is_counted(key: Any) -> None:
    assert refusal(context={"course_id": key}) is Reason.NO_COURSE


# What is no click of a learner


@pytest.mark.parametrize(
    "name",
    [
        "edx.ace.message_sent",
        "edx.bulk_email.created",
        "edx.course.grade.now_failed",
        "edx.grades.course.grade_calculated",
        "edx.completion.block_completion.changed",
    ],
)
def test_what_the_platform_does_never_looks_like_a_learner(name: str) -> None:
    assert refusal(event_type=name, event={"user_id": 5, "course_id": COURSE}) is Reason.NOT_A_CLICK


def test_work_of_the_course_team_in_a_worker_is_no_click() -> None:
    assert refusal(event_type="thing.rescored", event_source="task") is Reason.NOT_A_CLICK


def test_our_own_pages_and_handlers_are_no_clicks() -> None:
    ours = f"block-v1:{COURSE[10:]}+type@engage_communicator+block@c"
    for path in (f"/xblock/{ours}", f"/courses/{COURSE}/xblock/{ours}/handler/x", f"/engage/api/v1/courses/{COURSE}/x"):
        assert refusal(event_type=path) is Reason.OUR_OWN
        assert refusal(event_type="thing.saved", context={"path": path}) is Reason.OUR_OWN
        assert refusal(event_type="seq_next", event_source="browser", page=f"http://lms{path}?a#b") is Reason.OUR_OWN
    assert refusal(event_type="thing.saved", event={"id": ours}) is Reason.OUR_OWN


def test_the_course_teams_tools_are_no_clicks() -> None:
    for path in (
        f"/courses/{COURSE}/instructor",
        f"/courses/{COURSE}/instructor/api/x",
        f"/courses/{COURSE}/masquerade",
    ):
        assert refusal(event_type=path) is Reason.COURSE_TEAM
        assert refusal(event_type="seq_next", event_source="browser", page=f"http://lms{path}") is Reason.COURSE_TEAM
        assert refusal(event_type="thing.saved", context={"path": path}) is Reason.COURSE_TEAM


def test_a_block_of_somebody_else_keeps_the_name_of_its_event() -> None:
    assert event(event_type="gymdemo.clicked").kind == "gymdemo.clicked"
