"""What the edX side reads from the platform's tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from common.djangoapps.student.models import CourseEnrollment
from lms.djangoapps.certificates.models import GeneratedCertificate
from lms.djangoapps.grades.models import PersistentCourseGrade
from openedx.core.djangoapps.content.block_structure import api as block_structures
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from xmodule.modulestore import django as modulestore

from engage_backend.platform.edx import NO_START
from engage_backend.platform.moments import from_microseconds
from tests.edx_platform.course import DUE, END, ENROLLED, KEY, OPENS, OTHER, START, enrol, in_days, overview

COURSE = str(KEY)


def test_a_roster_is_the_learners_and_beta_testers_and_nobody_of_the_team(run: Any, platform: Any) -> None:
    ids = [enrolment.user_id for enrolment in platform.roster(COURSE)]
    wanted = ("learner", "beta_tester", "data_researcher", "staff_elsewhere")
    assert ids == [run.users[role].id for role in wanted]


def test_a_roster_says_since_when_in_which_mode_and_cohort(run: Any, platform: Any) -> None:
    learner, beta_tester, *_ = platform.roster(COURSE)
    assert (learner.enrolled_at, learner.mode, learner.cohort) == (ENROLLED, "verified", "Reds")
    assert (beta_tester.mode, beta_tester.cohort) == ("audit", "")


def test_an_enrolment_without_a_date_is_as_old_as_can_be(run: Any, platform: Any) -> None:
    CourseEnrollment.objects.filter(user=run.users["learner"]).update(created=None)
    assert next(platform.roster(COURSE)).enrolled_at < START


def test_a_roster_takes_three_queries_however_many_are_enrolled(
    run: Any, platform: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(3):
        list(platform.roster(COURSE))


def test_a_schedule_holds_dates_pacing_and_what_it_takes_to_pass(run: Any, platform: Any) -> None:
    schedule = platform.schedule(COURSE)
    assert (schedule.course, schedule.display_name) == (COURSE, "Testing")
    assert from_microseconds(schedule.start) == START
    assert from_microseconds(schedule.end) == END
    assert (schedule.self_paced, schedule.time_zone) == (False, "America/New_York")
    assert schedule.passing_grade == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("stated", "expected"), [((None, 40), 0.4), ((), None), ((None,), None), (("forty", 0, 100), None)]
)
def test_what_an_author_states_on_a_published_communicator_is_expected(
    run: Any, platform: Any, monkeypatch: pytest.MonkeyPatch, stated: tuple[Any, ...], expected: float | None
) -> None:
    blocks = [SimpleNamespace(category="engage_communicator", expected_pass_rate=rate) for rate in stated]
    other = SimpleNamespace(category="problem", expected_pass_rate=90)
    monkeypatch.setattr(modulestore.COURSES[KEY], "blocks", [other, *blocks])
    assert platform.schedule(COURSE).expected_pass_rate == expected


def test_weights_of_the_policy_are_shared_by_subsections_and_by_points(run: Any, platform: Any) -> None:
    graded = {block.block.rpartition("@")[2]: block for block in platform.schedule(COURSE).graded}
    # 40 % for four homeworks that are foreseen, two of which are there, each of one point and a problem weighted three.
    assert {name: round(block.points, 6) for name, block in graded.items()} == {
        "hw1a": 0.025,
        "hw1b": 0.075,
        "hw2a": 0.025,
        "hw2b": 0.075,
        "exam1": 0.6,
    }
    # A problem's own date, else that of its subsection; the exam has none.
    assert {from_microseconds(graded[name].due) for name in ("hw1a", "hw1b", "hw2a", "hw2b")} == {DUE}
    assert graded["exam1"].due is None
    assert {from_microseconds(block.opens) for block in graded.values()} == {OPENS}


def test_a_task_that_nobody_has_given_a_start_opens_at_no_time_that_is_known(run: Any, platform: Any) -> None:
    block = block_structures.COLLECTED[KEY]._blocks[run.block("exam1")]
    block.transformer_data["start_date"].merged_start_date = datetime(2030, 1, 1, tzinfo=UTC)
    graded = {block.block.rpartition("@")[2]: block for block in platform.schedule(COURSE).graded}
    assert graded["exam1"].opens is None


def test_a_course_without_a_structure_still_has_its_dates(run: Any, platform: Any) -> None:
    del block_structures.COLLECTED[KEY]
    schedule = platform.schedule(COURSE)
    assert schedule.graded == ()
    assert from_microseconds(schedule.start) == START


@pytest.mark.parametrize("start", [NO_START, None])
def test_a_course_whose_start_nobody_set_starts_when_it_was_made(run: Any, platform: Any, start: Any) -> None:
    CourseOverview.objects.filter(id=KEY).update(start=start)
    assert abs(from_microseconds(platform.schedule(COURSE).start) - datetime.now(UTC)) < timedelta(minutes=1)


def test_no_passing_grade_means_half(run: Any, platform: Any) -> None:
    assert platform.schedule(str(OTHER)).passing_grade == 0.5


def test_courses_that_are_long_over_or_empty_are_not_looked_at(run: Any, platform: Any) -> None:
    from opaque_keys.edx.keys import CourseKey

    def course(name: str, end: Any, *, taken: bool = True) -> str:
        key = CourseKey.from_string(f"course-v1:TestX+{name}+2024")
        overview(key, end=end)
        if taken:
            enrol(run.users["learner"], key)
        return str(key)

    endless, lately = course("Endless", None), course("Lately", in_days(-30))
    course("Long_ago", in_days(-90))
    course("Empty", None, taken=False)
    assert set(platform.courses()) == {COURSE, endless, lately}


def test_outcomes_are_certificates_that_hold_and_grades_that_passed(run: Any, platform: Any) -> None:
    users = run.users
    GeneratedCertificate.objects.create(user=users["learner"], course_id=KEY, status="downloadable")
    GeneratedCertificate.objects.create(user=users["beta_tester"], course_id=KEY, status="notpassing")
    GeneratedCertificate.objects.create(user=users["beta_tester"], course_id=OTHER, status="downloadable")
    GeneratedCertificate.objects.create(user=users["staff_elsewhere"], course_id=KEY, status="unavailable")
    GeneratedCertificate.objects.create(user=users["stranger"], course_id=KEY, status="audit_passing")
    PersistentCourseGrade.objects.create(user_id=users["stranger"].id, course_id=KEY, percent_grade=0.1)
    passed = datetime(2024, 3, 1, tzinfo=UTC)
    PersistentCourseGrade.objects.create(
        user_id=users["beta_tester"].id, course_id=KEY, percent_grade=0.7, passed_timestamp=passed
    )
    found = {outcome.user_id: outcome for outcome in platform.outcomes(COURSE)}
    assert set(found) == {users["learner"].id, users["beta_tester"].id}
    assert found[users["learner"].id].certified_at is not None
    assert found[users["beta_tester"].id][1:] == (None, passed), "who has passed has, with a certificate or without"


@pytest.mark.parametrize(("grade", "passes"), [(0.6, True), (0.59, False), (0.0, False)])
def test_a_grade_that_passed_once_and_does_not_now_is_no_outcome(
    run: Any, platform: Any, grade: float, passes: bool
) -> None:
    user = run.users["learner"].id
    once = datetime(2024, 3, 1, tzinfo=UTC)
    PersistentCourseGrade.objects.create(user_id=user, course_id=KEY, percent_grade=grade, passed_timestamp=once)
    assert [outcome.user_id for outcome in platform.outcomes(COURSE)] == [user] * passes
