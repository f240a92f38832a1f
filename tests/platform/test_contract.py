"""What must hold of any platform, asked through the protocol: the standalone one always, edX where it can be imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engage_backend.platform.api import edx_platform_is_here, get_platform
from engage_backend.platform.protocol import CourseSchedule, GradedBlock, Platform

SIDE = "edx" if edx_platform_is_here() else "standalone"


@pytest.fixture
def platform(db: None, request: pytest.FixtureRequest, settings: Any) -> Platform:
    """The side of the platform that is here: `tests/platform/test_in_an_lms.py` runs this file beside an LMS, too."""
    settings.ENGAGE = {"PLATFORM": SIDE}
    if SIDE == "edx":
        from tests.edx_platform.course import make_run

        make_run()
        return get_platform()
    from engage_backend.platform.standalone.models import Course

    request.getfixturevalue("site")
    full = CourseSchedule(
        course="course-v1:TestX+Full+2024",
        display_name="Full",
        start=1_704_067_200_000_000,
        end=1_714_067_200_000_000,
        time_zone="Europe/Berlin",
        self_paced=True,
        passing_grade=0.6,
        graded=(GradedBlock("block-v1:TestX+Full+2024+type@problem+block@p", 0.25, 1_705_000_000_000_000),),
    )
    Course.objects.create(key=full.course, schedule=full.to_json())
    return get_platform()


def test_the_clock_is_aware_and_utc(platform: Platform) -> None:
    assert platform.now().utcoffset() == timedelta(0)


def test_every_course_has_a_schedule_that_makes_sense(platform: Platform) -> None:
    for key in platform.courses():
        assert platform.has_course(key)
        schedule = platform.schedule(key)
        assert schedule is not None
        assert schedule.course == key
        assert schedule.end is None or schedule.end > schedule.start
        assert 0 <= schedule.passing_grade <= 1
        assert sum(block.points for block in schedule.graded) <= 1 + 1e-9
        assert all(block.points > 0 for block in schedule.graded)
        assert CourseSchedule.from_json(schedule.to_json()) == schedule


def test_user_names_are_those_of_the_users_that_exist(platform: Platform) -> None:
    people = [one.user_id for key in platform.courses() for one in platform.roster(key)]
    names = dict(platform.user_names([*people, *people, 987_654_321]))
    assert sorted(names) == sorted(set(people))
    assert all(names.values())


def test_a_roster_holds_each_learner_once_and_as_enrolled_by_now(platform: Platform) -> None:
    for key in platform.courses():
        roster = list(platform.roster(key))
        assert len({enrolment.user_id for enrolment in roster}) == len(roster)
        assert all(enrolment.enrolled_at <= platform.now() for enrolment in roster)
        assert all(isinstance(enrolment.mode, str) and isinstance(enrolment.cohort, str) for enrolment in roster)


def test_a_course_run_that_does_not_exist_is_empty(platform: Platform) -> None:
    key = "course-v1:No+Such+Run"
    assert not platform.has_course(key)
    assert platform.schedule(key) is None
    assert list(platform.roster(key)) == []


def test_outcomes_and_what_was_handed_in_are_of_people_and_have_times(platform: Platform) -> None:
    for key in platform.courses():
        for outcome in platform.outcomes(key):
            assert outcome.certified_at or outcome.passed_at
        for score in platform.scores(key) or ():
            assert score.possible is None or score.possible > 0
            assert score.at.tzinfo is not None


def test_there_is_a_course_to_test_with(platform: Platform) -> None:
    assert list(platform.courses())


def test_now_is_near_the_worlds_time_unless_a_clock_says_otherwise(platform: Platform) -> None:
    assert abs(platform.now() - datetime.now(UTC)) < timedelta(minutes=1)
