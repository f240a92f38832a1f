"""What "you" click becomes lines that are read as those of a real LMS are."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.names import is_activity
from engage_backend.clickstream.parse import parse
from engage_backend.demo.learner import Clicks, Progress, open_task
from engage_backend.platform.protocol import CourseSchedule, GradedBlock

NOW = datetime(2013, 4, 5, 9, 30, 0, 250_000, tzinfo=UTC)
PROBLEM = "block-v1:OUx+BBB+2013B+type@problem+block@{}"


def micros(when: datetime) -> int:
    return round(when.timestamp() * 1e6)


SCHEDULE = CourseSchedule(
    course="course-v1:OUx+BBB+2013B",
    display_name="BBB",
    start=micros(datetime(2013, 2, 1, tzinfo=UTC)),
    end=None,
    graded=(
        GradedBlock(PROBLEM.format("late"), 0.2, micros(NOW - timedelta(days=1))),
        GradedBlock(PROBLEM.format("third"), 0.5, None),
        GradedBlock(PROBLEM.format("second"), 0.2, micros(NOW + timedelta(days=9))),
        GradedBlock(PROBLEM.format("first"), 0.1, micros(NOW + timedelta(days=2))),
    ),
)


def clicks(schedule: CourseSchedule = SCHEDULE) -> Clicks:
    return Clicks(schedule, user_id=42, username="you", session="s1", now=NOW)


def events(lines: list[bytes]) -> list[ClickEvent]:
    return [event for event in map(parse, lines) if isinstance(event, ClickEvent)]


def rejected(lines: list[bytes]) -> Counter[Reason]:
    return Counter(reason for reason in map(parse, lines) if isinstance(reason, Reason))


def test_every_line_of_every_click_is_an_event_of_yours_or_a_twin_of_one() -> None:
    progress = Progress()
    lines = [
        *clicks().open_next_unit(progress),
        *clicks().watch_video(progress),
        *clicks().answer(progress, right=False),
        *clicks().answer(progress, right=True),
    ]
    assert rejected(lines) == {Reason.BROWSER_TWIN: 2, Reason.ONE_CLICK: 2}
    for event in events(lines):
        assert event.course == SCHEDULE.course
        assert event.learner == 42
        assert event.session == ("s1" if is_activity(event.kind) else "")
        assert timedelta() <= timedelta(microseconds=event.time - micros(NOW)) <= timedelta(seconds=31)


def test_a_right_answer_is_one_submission_with_all_its_points() -> None:
    submissions = [e for e in events(clicks().answer(Progress(), right=True)) if e.kind == "problem_check_correct"]
    assert [(e.block, e.score, e.possible, e.attempt) for e in submissions] == [(PROBLEM.format("first"), 0.1, 0.1, 1)]


def test_a_wrong_answer_is_one_submission_without_points_and_the_next_is_the_second_attempt() -> None:
    progress = Progress()
    clicks().answer(progress, right=False)
    submissions = [e for e in events(clicks().answer(progress, right=False)) if e.kind == "problem_check_incorrect"]
    assert [(e.block, e.score, e.possible, e.attempt) for e in submissions] == [(PROBLEM.format("first"), 0.0, 0.1, 2)]


def test_tasks_come_by_their_dates_and_those_past_their_date_are_closed() -> None:
    progress = Progress()
    names = []
    while task := open_task(SCHEDULE, progress, NOW):
        names.append(task.block)
        clicks().answer(progress, right=True)
    assert names == [PROBLEM.format(name) for name in ("first", "second", "third")]


def test_when_no_task_is_open_one_can_still_practise() -> None:
    lines = clicks(SCHEDULE._replace(graded=())).answer(Progress(), right=True)
    submission = next(e for e in events(lines) if e.kind == "problem_check_correct")
    assert submission.block == PROBLEM.format("practice")


def test_units_and_videos_go_on_from_where_you_were() -> None:
    progress = Progress()
    first, second = clicks().open_next_unit(progress), clicks().open_next_unit(progress)
    assert {e.block for e in events(first)} != {e.block for e in events(second)}
    assert [e.kind for e in events(clicks().watch_video(progress))] == ["play_video", "pause_video"]


def test_the_lines_have_the_fields_of_a_real_lms() -> None:
    fields = {
        "name", "context", "username", "session", "ip", "agent", "host", "referer", "accept_language", "event", "time",
        "event_type", "event_source", "page",
    }  # fmt: skip
    for line in clicks().open_next_unit(Progress()) + clicks().answer(Progress(), right=True):
        assert set(json.loads(line)) == fields


@pytest.mark.parametrize("course", ["course-v1:OUx+BBB+2013B", "OUx/BBB/2013B"])
def test_old_and_new_course_keys_both_give_events(course: str) -> None:
    schedule = SCHEDULE._replace(course=course, graded=())
    lines = clicks(schedule).open_next_unit(Progress()) + clicks(schedule).answer(Progress(), right=True)
    assert {e.course for e in events(lines)} == {course}


def test_progress_survives_being_kept() -> None:
    progress = Progress()
    clicks().answer(progress, right=True)
    assert Progress.from_json(json.loads(json.dumps(vars(progress)))) == progress
