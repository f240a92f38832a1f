"""Every record that says something about a score, through a log that a fresh site consumes: what counts afterwards."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.live.clicks import clicks_of
from engage_backend.messaging import selection
from engage_backend.messaging.criteria import VERSION, Criteria
from engage_backend.models import CourseRun, Learner, Submission
from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Course
from tests.engagement.clicks import COURSE, START
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import consume

USER, TEACHER, ANOTHER = 101, 999, 102
PROBLEM = "block-v1:TestX+T101+2024+type@problem+block@p0"
ESSAY = "block-v1:TestX+T101+2024+type@openassessment+block@o0"
BEGINS = datetime.fromtimestamp(START / 1e6, UTC)
NONE = (None, None)

Line = dict[str, Any]


def record(name: str, day: float, event: Any, by: int | None = USER, *, source: str = "server", **more: Any) -> Line:
    """A line of the log, `day` days after the course's start; `by`: in whose request, None for a worker's."""
    context: dict[str, Any] = {"course_id": COURSE, "path": "/x", **more}
    if by is not None:
        context["user_id"] = by
    time = (BEGINS + timedelta(days=day)).isoformat()
    return {"event_type": name, "name": name, "event_source": source, "time": time, "event": event, "context": context}


def checked(day: float, grade: float, most: float = 1, attempt: int = 1) -> Line:
    success = "correct" if grade == most else "incorrect"
    about = {"problem_id": PROBLEM, "success": success, "grade": grade, "max_grade": most, "attempts": attempt}
    return record("problem_check", day, about)


def graded(day: float, earned: float, possible: float, by: int | None = USER, block: str = PROBLEM) -> Line:
    about = {"problem_id": block, "user_id": str(USER), "weighted_earned": earned, "weighted_possible": possible}
    return record("edx.grades.problem.submitted", day, about, by)


def changed(what: str, day: float, earned: float, possible: float, by: int | None = TEACHER) -> Line:
    about = {"problem_id": PROBLEM, "user_id": USER, "course_id": COURSE}
    points = {"new_weighted_earned": earned, "new_weighted_possible": possible}
    return record(f"edx.grades.problem.{what}", day, {**about, **points}, by)


def deleted(day: float, by: int | None = TEACHER) -> Line:
    about = {"problem_id": PROBLEM, "user_id": USER, "course_id": COURSE}
    return record("edx.grades.problem.state_deleted", day, about, by)


def written(day: float, name: str = "create_submission") -> Line:
    about = {"submission_uuid": "1", "attempt_number": 1}
    return record(f"openassessmentblock.{name}", day, about, module={"usage_key": ESSAY})


def task(name: str, day: float, *, source: str = "task", **about: Any) -> Line:
    return record(name, day, {"instructor_task_id": "1", **about}, None, source=source)


def only(block: str = PROBLEM) -> Submission | None:
    return Submission.objects.filter(learner__user_id=USER, block=block).first()


CASES: dict[str, tuple[list[Line], str, tuple[float | None, float | None], bool, int]] = {
    # name: (records, block, (score, possible), handed in, attempts)
    "the last attempt counts, also when lower": (
        [checked(1, 1), graded(1.001, 1, 1), checked(2, 0, attempt=2), graded(2.001, 0, 1)],
        PROBLEM, (0, 1), True, 2,
    ),
    "what the LMS publishes after its own grading method counts": (
        [checked(1, 1), graded(1.001, 1, 1), checked(2, 1, attempt=2), graded(2.001, 1, 1)],
        PROBLEM, (1, 1), True, 2,
    ),
    "weighted points follow raw ones": ([checked(1, 1, 2), graded(1.001, 5, 10)], PROBLEM, (5, 10), True, 1),
    "of two attempts at one time the larger": (
        [checked(1, 1, attempt=2), checked(1, 0, attempt=3)], PROBLEM, (0, 1), True, 3,
    ),
    "of a check and a grade at one time the grade": ([checked(1, 1), graded(1, 0, 4)], PROBLEM, (0, 4), True, 1),
    "a failed check": (
        [record("problem_check_fail", 1, {"problem_id": PROBLEM, "failure": "closed"})], PROBLEM, NONE, False, 0,
    ),
    "saving and showing answers": (
        [record(name, 1, {"problem_id": PROBLEM}) for name in ("save_problem_success", "showanswer", "reset_problem")],
        PROBLEM, NONE, False, 0,
    ),
    "reset by the learner: nought comes with it, and it stays handed in": (
        [checked(1, 1), graded(1.001, 1, 1), record("reset_problem", 2, {"problem_id": PROBLEM}), graded(2, 0, 1)],
        PROBLEM, (0, 1), True, 1,
    ),
    "graded by somebody else": ([graded(1, 3, 5, TEACHER, ESSAY)], ESSAY, (3, 5), True, 1),
    "graded by a worker": ([graded(1, 3, 5, None)], PROBLEM, (3, 5), True, 1),
    "a problem of weight nought": ([graded(1, 0, 0)], PROBLEM, NONE, True, 1),
    "a problem of weight nought keeps its score": ([checked(1, 1), graded(2, 0, 0)], PROBLEM, (1, 1), True, 1),
    "an open response that is cleared by the learner": (
        [written(1), graded(2, 3, 5, TEACHER, ESSAY), graded(3, 0, 0, USER, ESSAY)], ESSAY, NONE, False, 0,
    ),
    "an open response that is cleared by staff and handed in again": (
        [written(1), graded(2, 3, 5, TEACHER, ESSAY), graded(3, 0, 0, TEACHER, ESSAY), written(4)],
        ESSAY, NONE, True, 1,
    ),
    "nought of nought of somebody else takes a problem's score back": (
        [checked(1, 1), graded(2, 0, 0, TEACHER)], PROBLEM, NONE, False, 0,
    ),
    "nought of nought of a worker": ([checked(1, 1), graded(2, 0, 0, None)], PROBLEM, NONE, False, 0),
    "rescored": ([checked(1, 1), changed("rescored", 2, 1, 4)], PROBLEM, (1, 4), True, 1),
    "rescored by a worker": ([checked(1, 1), changed("rescored", 2, 0, 1, None)], PROBLEM, (0, 1), True, 1),
    "what a rescoring computed may have been refused": (
        [checked(1, 1), task("problem_rescore", 2, problem_id=PROBLEM, new_score=0, new_total=1, success="incorrect")],
        PROBLEM, (1, 1), True, 1,
    ),
    "overridden": ([checked(1, 1), changed("score_overridden", 2, 0, 1)], PROBLEM, (0, 1), True, 1),
    "overridden of who handed in nothing": ([changed("score_overridden", 2, 1, 1)], PROBLEM, (1, 1), False, 0),
    "handed in after an override": (
        [changed("score_overridden", 1, 1, 1), checked(2, 0), graded(2.001, 0, 1)], PROBLEM, (0, 1), True, 1,
    ),
    "state deleted": ([checked(1, 1), graded(1.001, 1, 1), deleted(2)], PROBLEM, NONE, False, 0),
    "state deleted, and tried again": (
        [checked(1, 1, attempt=5), deleted(2), checked(3, 0, attempt=1)], PROBLEM, (0, 1), True, 1,
    ),
    "state deleted, and overridden to nought": (
        [checked(1, 1), deleted(2), changed("score_overridden", 3, 0, 1)], PROBLEM, (0, 1), False, 0,
    ),
    "attempts reset": (
        [checked(1, 1), task("problem_reset_attempts", 2), record("edx.instructor.report", 2, {}, TEACHER)],
        PROBLEM, (1, 1), True, 1,
    ),
    "an open response": ([written(1)], ESSAY, NONE, True, 1),
    "an open response of a team": ([written(1, "create_team_submission")], ESSAY, NONE, True, 1),
    "an open response, graded": ([written(1), graded(2, 3, 5, TEACHER, ESSAY)], ESSAY, (3, 5), True, 1),
    "assessing and saving an open response": (
        [written(1, name) for name in ("peer_assess", "self_assess", "save_submission", "get_peer_submission")],
        ESSAY, NONE, False, 0,
    ),
    "the staff's part of an open response": (
        [record("openassessmentblock.staff_assess", 1, {}, TEACHER, module={"usage_key": ESSAY}, path=f"/{ESSAY}")],
        ESSAY, NONE, False, 0,
    ),
    "a subsection's sum is no score of a problem": (
        [record("edx.grades.subsection.grade_calculated", 1,
                {"user_id": USER, "block_id": PROBLEM, "weighted_total_earned": 1, "weighted_total_possible": 1})],
        PROBLEM, NONE, False, 0,
    ),
    "a browser hands in no points": (
        [{**graded(1, 1, 1), "event_source": "browser"}, {**written(1), "event_source": "browser"},
         {**changed("score_overridden", 1, 1, 1), "event_source": "browser"}],
        PROBLEM, NONE, False, 0,
    ),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_what_counts_after_these_records(live: LiveSite, tmp_path: Path, name: str) -> None:
    records, block, points, handed_in, attempts = CASES[name]
    log(tmp_path, records)
    row = only(block)
    found = (row.score, row.possible, row.handed_in, row.attempts) if row else (None, None, False, 0)
    assert found == (*points, handed_in, attempts)


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_the_order_of_records_changes_nothing(live: LiveSite, name: str) -> None:
    records, *_ = CASES[name]
    ended = set()
    for order in itertools.islice(itertools.permutations(records), 24):
        CourseRun.objects.all().delete()
        engine = live.engine()
        engine.tick()
        for one in [*order, order[0]]:
            engine.ingest(parse_lines([json.dumps(one).encode()])[0])
        fields = [field.name for field in Submission._meta.concrete_fields if field.name not in ("id", "learner")]
        rows = Submission.objects.order_by("block").values_list(*fields)
        ended.add((repr(list(rows)), Learner.objects.get(user_id=USER).finished_at is None))
    assert len(ended) == 1


def log(folder: Path, records: list[Line], name: str = "tracking.log") -> None:
    """Write the records and let a new process consume them."""
    path = folder / name
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    consume(path)


def picked(live: LiveSite, block: str, handed_in: bool) -> list[int]:
    states = ["active", "never_started", "gone", "finished"]
    asked = {"version": VERSION, "states": states, "task": {"block": block, "handed_in": handed_in}}
    found = selection.select(CourseRun.objects.get(), Criteria.from_json(asked), get_platform().now())
    return sorted(Learner.objects.filter(pk__in=found).values_list("user_id", flat=True))


def regrade(**changed: Any) -> None:
    """Change the course's schedule on the platform."""
    course = Course.objects.get()
    course.schedule = {**course.schedule, **changed}
    course.save()


@pytest.mark.django_db
def test_who_is_excused_has_neither_handed_in_nor_is_missing(live: LiveSite, tmp_path: Path) -> None:
    log(tmp_path, [changed("score_overridden", 1, 1, 1)])
    assert picked(live, PROBLEM, True) == []
    assert picked(live, PROBLEM, False) == [102, 103, 104]


@pytest.mark.django_db
def test_a_deleted_state_is_missing_again(live: LiveSite, tmp_path: Path) -> None:
    log(tmp_path, [checked(1, 1)])
    assert picked(live, PROBLEM, True) == [101]
    log(tmp_path, [deleted(2)], "more.log")
    assert picked(live, PROBLEM, True) == []
    assert 101 in picked(live, PROBLEM, False)


@pytest.mark.django_db
def test_another_ones_grading_is_no_click(live: LiveSite, tmp_path: Path) -> None:
    log(tmp_path, [graded(1, 3, 5, TEACHER), changed("rescored", 2, 3, 5), graded(3, 1, 1, None), deleted(4)])
    learner = Learner.objects.get(user_id=USER)
    assert (learner.last_active, learner.state) == (None, "never_started")
    assert clicks_of(learner)[0] == [], "the history holds what was said of scores, and no click"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "after",
    [
        [deleted(10)],
        [changed("rescored", 10, 0, 1)],
        [changed("score_overridden", 10, 0, 1)],
        [checked(10, 0, attempt=2)],
        [graded(10, 0, 0, TEACHER)],
        [deleted(10), changed("score_overridden", 11, 0, 1)],
    ],
)
def test_finished_is_taken_back_when_the_score_is(live: LiveSite, tmp_path: Path, after: list[Line]) -> None:
    regrade(graded=[[PROBLEM, 1.0, None, ""]])
    log(tmp_path, [checked(1, 1)])
    assert Learner.objects.get(user_id=USER).state == "finished"
    log(tmp_path, after, "after.log")
    learner = Learner.objects.get(user_id=USER)
    assert (learner.state, learner.finished_at) == ("gone", None)


@pytest.mark.django_db
def test_eight_of_ten_tasks_are_four_fifths(live: LiveSite, tmp_path: Path) -> None:
    blocks = [f"block-v1:TestX+T101+2024+type@problem+block@t{n}" for n in range(10)]
    regrade(graded=[[block, 0.1, None, ""] for block in blocks], passing_grade=0.8)
    log(tmp_path, [graded(n, 1, 1, block=block) for n, block in enumerate(blocks[:7])])
    assert Learner.objects.get(user_id=USER).finished_at is None
    log(tmp_path, [graded(9, 1, 1, block=blocks[7])], "more.log")
    assert Learner.objects.get(user_id=USER).finished_at is not None
