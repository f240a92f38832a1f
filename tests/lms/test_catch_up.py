"""The platform's own tables are right: what was handed in before Engage came, and what no record of a log tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from common.djangoapps.student.models import AnonymousUserId
from django.core.management import CommandError, call_command
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.grades.models import PersistentSubsectionGrade, PersistentSubsectionGradeOverride
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from submissions.models import Score, ScoreSummary, StudentItem
from submissions.models import Submission as Response

from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.live.engine import Engine
from engage_backend.models import CourseRun, Learner, Submission
from engage_backend.platform.api import get_platform
from tests.edx_platform.course import KEY

LONG_AGO = datetime.now(UTC) - timedelta(days=3)
ATTEMPTED, OPENED = '{"attempts": 2, "done": true}', '{"attempts": 0, "seed": 1}'


def module(run: Any, name: str, who: str = "learner", *, at: datetime = LONG_AGO, **given: Any) -> StudentModule:
    kind = given.pop("module_type", "problem")
    made = StudentModule.objects.create(
        student=run.users[who], course_id=KEY, module_state_key=run.block(name, kind), module_type=kind, **given
    )
    StudentModule.objects.filter(pk=made.pk).update(modified=at)
    return made


def response(run: Any, scores: list[tuple[int, int, bool]], *, cleared: bool = False) -> StudentItem:
    """An open response of the learner with scores (earned, possible, reset), the latest last."""
    user = run.users["learner"]
    AnonymousUserId.objects.get_or_create(user=user, course_id=KEY, anonymous_user_id="a" * 32)
    item = StudentItem.objects.create(
        student_id="a" * 32, course_id=str(KEY), item_id=str(run.block("essay", "openassessment")),
        item_type="openassessment",
    )  # fmt: skip
    handed_in = Response.objects.create(student_item=item, submitted_at=LONG_AGO, status="D" if cleared else "A")
    made = [
        Score.objects.create(
            student_item=item, submission=handed_in, points_earned=earned, points_possible=of, reset=reset
        )
        for earned, of, reset in scores
    ]
    if made:
        highest = max(made, key=lambda score: score.points_earned)
        ScoreSummary.objects.create(student_item=item, highest=highest, latest=made[-1])
    return item


def override(run: Any, earned: float | None, *, of: float = 4.0) -> PersistentSubsectionGradeOverride:
    place = run.block("hw1", "sequential")
    grade = PersistentSubsectionGrade.objects.create(
        user_id=run.users["learner"].id, course_id=KEY, usage_key=place, earned_graded=0, possible_graded=of
    )
    return PersistentSubsectionGradeOverride.objects.create(
        grade=grade, earned_graded_override=earned, possible_graded_override=of
    )


def logged(run: Any, name: str, at: datetime, event: Any, by: Any = None) -> list[Any]:
    """The event of a record about the learner."""
    context = {"course_id": str(KEY), "path": "/x", "user_id": by or run.users["learner"].id}
    record = {"event_type": name, "event_source": "server", "time": at.isoformat(), "event": event, "context": context}
    return parse_lines([json.dumps(record).encode()])[0]


def checked(run: Any, name: str, grade: float, at: datetime) -> list[Any]:
    about = {"problem_id": str(run.block(name)), "success": "correct", "grade": grade, "max_grade": 1, "attempts": 1}
    return logged(run, "problem_check", at, about)


def deleted_for_all(run: Any) -> list[Any]:
    return logged(run, "problem_delete_state", datetime.now(UTC), {"instructor_task_id": "1"}, 5)


def held() -> dict[str, tuple[Any, ...]]:
    """Block -> score, possible, handed in."""
    rows = Submission.objects.order_by("block").values_list("block", "score", "possible", "handed_in")
    return {block.rpartition("@")[2]: tuple(row) for block, *row in rows}


def test_submissions_of_learners_are_taken_over_once_however_often_it_is_said(run: Any) -> None:
    for who, score in (("learner", 1.0), ("beta_tester", 0.0), ("staff", 2.0)):
        module(run, "hw1a", who, grade=score, max_grade=2.0, state=ATTEMPTED)
    for count in (4, 0):
        told = StringIO()
        call_command("engage_catch_up", str(KEY), stdout=told)
        assert told.getvalue() == f"{KEY}: {count} facts from the platform\n"
    rows = Submission.objects.order_by("learner__user_id").values_list("learner__user_id", "block", "score", "possible")
    block = str(run.block("hw1a"))
    assert list(rows) == [(run.users["learner"].id, block, 1.0, 2.0), (run.users["beta_tester"].id, block, 0.0, 2.0)]
    assert {row.last_at for row in Submission.objects.all()} == {int(LONG_AGO.timestamp() * 1e6)}
    assert not Learner.objects.exclude(last_active=None).exists(), "what the platform keeps is no click"


def test_a_course_that_is_not_there_is_said(run: Any) -> None:
    with pytest.raises(CommandError, match="no course run course-v1:No"):
        call_command("engage_catch_up", "course-v1:No+Such+Run")


@pytest.mark.parametrize(
    ("given", "row"),
    [
        ({"grade": 1.0, "max_grade": 2.0, "state": ATTEMPTED}, (1.0, 2.0, True)),
        ({"grade": 0.0, "max_grade": 1.0, "done": "f"}, (0.0, 1.0, True)),
        ({"grade": 1.0, "max_grade": 1.0, "state": OPENED}, (1.0, 1.0, False)),
        ({"grade": 1.0, "max_grade": 1.0}, (1.0, 1.0, False)),
        ({"grade": None, "max_grade": None, "state": OPENED}, None),
        ({"grade": 3.0, "max_grade": 4.0, "module_type": "lti_consumer"}, (3.0, 4.0, True)),
        ({"grade": None, "module_type": "video"}, None),
    ],
)
def test_a_row_of_a_block_says_what_is_handed_in_and_what_it_is_worth(run: Any, given: Any, row: Any) -> None:
    module(run, "hw1a", **given)
    Engine(get_platform()).tick()
    assert held() == ({} if row is None else {"hw1a": row})


@pytest.mark.parametrize(
    ("scores", "cleared", "row"),
    [
        ([], False, (None, None, True)),
        ([(3, 5, False)], False, (3.0, 5.0, True)),
        ([(5, 5, False), (2, 5, False)], False, (2.0, 5.0, True)),
        ([(5, 5, False), (0, 0, True)], False, (None, None, True)),
        ([(5, 5, False), (0, 0, True)], True, None),
    ],
)
def test_open_responses_are_read_where_their_scores_are(run: Any, scores: Any, cleared: bool, row: Any) -> None:
    response(run, scores, cleared=cleared)
    Engine(get_platform()).tick()
    assert held() == ({} if row is None else {"essay": row})


def test_deleted_and_overridden_to_nought_is_no_longer_finished(run: Any) -> None:
    engine = Engine(get_platform())
    engine.tick()
    engine.ingest(checked(run, "exam1", 1, LONG_AGO))
    learner = Learner.objects.get(user_id=run.users["learner"].id)
    assert learner.state == "finished"
    module(run, "exam1", grade=0.0, max_grade=10.0, at=datetime.now(UTC))
    again = Engine(get_platform())
    again.tick()
    learner.refresh_from_db()
    assert held() == {"exam1": (0.0, 1.0, False)}
    assert (learner.state, learner.finished_at) == ("active", None)


def test_a_state_that_was_deleted_for_all_is_not_handed_in(run: Any) -> None:
    engine = Engine(get_platform())
    module(run, "hw1a", grade=1.0, max_grade=1.0, state=ATTEMPTED)
    engine.ingest(checked(run, "hw1a", 1, LONG_AGO))
    engine.tick()
    assert held() == {"hw1a": (1.0, 1.0, True)}
    StudentModule.objects.all().delete()
    engine.ingest(deleted_for_all(run))
    Engine(get_platform()).tick()
    assert held() == {"hw1a": (None, None, False)}


def test_a_row_that_is_gone_is_found_the_next_day(run: Any) -> None:
    engine = Engine(get_platform())
    module(run, "hw1a", grade=1.0, max_grade=1.0, state=ATTEMPTED)
    engine.tick()
    StudentModule.objects.all().delete()
    Engine(get_platform()).tick()
    assert held() == {"hw1a": (1.0, 1.0, True)}, "what changed does not tell of what is gone"
    CourseRun.objects.update(scores_compared=datetime.now(UTC).date() - timedelta(days=1))
    Engine(get_platform()).tick()
    assert held() == {"hw1a": (None, None, False)}


def test_what_the_log_said_in_the_last_minute_is_believed(run: Any) -> None:
    engine = Engine(get_platform())
    engine.ingest(checked(run, "hw1a", 1, datetime.now(UTC)))
    engine.tick()
    assert held() == {"hw1a": (1.0, 1.0, True)}, "the record is written before the transaction ends"


def test_a_record_of_a_request_that_was_rolled_back_is_corrected(run: Any) -> None:
    engine = Engine(get_platform())
    engine.tick()
    engine.ingest(checked(run, "hw1a", 1, LONG_AGO))
    CourseRun.objects.update(scores_compared=None)
    Engine(get_platform()).tick()
    assert held() == {"hw1a": (None, None, False)}


@pytest.mark.parametrize(("earned", "finished"), [(40.0, True), (0.0, False), (None, False)])
def test_an_overridden_subsection_replaces_the_sum_of_its_tasks(run: Any, earned: Any, finished: bool) -> None:
    CourseOverview.objects.filter(id=KEY).update(lowest_passing_grade="0.10")
    override(run, earned, of=40.0)
    Engine(get_platform()).tick()
    assert (Learner.objects.get(user_id=run.users["learner"].id).finished_at is not None) is finished
    PersistentSubsectionGradeOverride.objects.all().delete()
    Engine(get_platform()).tick()
    assert Learner.objects.get(user_id=run.users["learner"].id).finished_at is None


def test_a_record_of_an_override_has_it_read(run: Any) -> None:
    engine = Engine(get_platform(), pass_seconds=0.0)
    engine.tick()
    override(run, 4.0)
    about = {"problem_id": str(run.block("hw1", "sequential")), "user_id": run.users["learner"].id}
    engine.ingest(logged(run, "edx.grades.subsection.score_overridden", datetime.now(UTC), about, 5))
    engine.tick()
    assert held() == {"hw1": (4.0, 4.0, False)}


def test_weighted_points_stay_weighted(run: Any) -> None:
    engine = Engine(get_platform())
    about = {"problem_id": str(run.block("hw1b")), "user_id": run.users["learner"].id}
    engine.ingest(
        logged(run, "edx.grades.problem.submitted", LONG_AGO, {**about, "weighted_earned": 3, "weighted_possible": 3})
    )
    module(run, "hw1b", grade=1.0, max_grade=2.0, state=ATTEMPTED)
    engine.tick()
    assert held() == {"hw1b": (1.5, 3.0, True)}
