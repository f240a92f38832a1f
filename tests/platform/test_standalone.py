"""The standalone platform: its roster, its roles and its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from engage_backend.platform.api import edx_platform_is_here, get_platform
from engage_backend.platform.protocol import Enrolment as Row
from engage_backend.platform.protocol import Platform, Role
from engage_backend.platform.standalone.models import Clock, CourseStaff, Enrolment
from engage_backend.platform.standalone.platform import VIEW_AS, StandalonePlatform

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def platform(site: Any) -> Platform:
    """The standalone platform with the course run of `site`."""
    return get_platform()


def enrol(site: Any, name: str, **given: Any) -> User:
    """A new user who takes the course."""
    user = User.objects.create_user(name, is_staff=given.pop("is_staff", False))
    Enrolment.objects.create(course=site.course, user=user, **{"created": JANUARY, **given})
    return user


def request_of(user: Any, **session: str) -> Any:
    """A request as Django's middleware leaves it."""
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore()
    request.session.update(session)
    return request


def test_a_roster_says_mode_and_cohort(site: Any, platform: Platform) -> None:
    user = enrol(site, "new", mode="verified", cohort="Reds")
    assert Row(user.id, JANUARY, "verified", "Reds") in list(platform.roster(site.run.course_key))


def test_a_roster_is_without_staff_and_those_who_left_or_come_later(site: Any, platform: Platform) -> None:
    key = site.run.course_key
    before = set(platform.roster(key))
    CourseStaff.objects.create(course=site.course, user=enrol(site, "of the team"))
    enrol(site, "of the site", is_staff=True)
    enrol(site, "has left", is_active=False)
    enrol(site, "tomorrow's", created=platform.now() + timedelta(days=1))
    assert set(platform.roster(key)) == before
    assert [enrolment.user_id for enrolment in before] == [site.users["learner"].id]


def test_staff_of_another_course_may_be_learners_here(site: Any, platform: Platform) -> None:
    user = site.users["other_staff"]
    Enrolment.objects.create(course=site.course, user=user, created=JANUARY)
    assert user.id in [enrolment.user_id for enrolment in platform.roster(site.run.course_key)]
    assert platform.role(request_of(user), site.run.course_key) is Role.LEARNER


@pytest.mark.parametrize(
    ("who", "session", "role"),
    [
        ("staff", {}, Role.STAFF),
        ("global_staff", {}, Role.STAFF),
        ("learner", {}, Role.LEARNER),
        ("stranger", {}, Role.STRANGER),
        ("other_staff", {}, Role.STRANGER),
        ("staff", {VIEW_AS: "learner"}, Role.MASQUERADER),
        ("staff", {VIEW_AS: "stranger"}, Role.STRANGER),
        ("staff", {VIEW_AS: "anything else"}, Role.STAFF),
        ("learner", {VIEW_AS: "staff"}, Role.LEARNER),
        ("stranger", {VIEW_AS: "learner"}, Role.STRANGER),
    ],
)
def test_a_role_is_of_this_course_and_can_be_lowered_never_raised(
    site: Any, platform: Platform, who: str, session: dict[str, str], role: Role
) -> None:
    assert platform.role(request_of(site.users[who], **session), site.run.course_key) is role


def test_who_is_not_logged_in_is_anonymous(site: Any, platform: Platform) -> None:
    assert platform.role(request_of(AnonymousUser()), site.run.course_key) is Role.ANONYMOUS


def test_who_enrols_tomorrow_is_a_stranger_today(site: Any, platform: Platform) -> None:
    user = enrol(site, "tomorrow's", created=platform.now() + timedelta(days=1))
    assert platform.role(request_of(user), site.run.course_key) is Role.STRANGER


def test_the_clock_runs_as_fast_as_it_is_told(platform: Platform) -> None:
    real = datetime.now(UTC) - timedelta(hours=1)
    Clock.objects.create(site_time=datetime(2013, 4, 1, tzinfo=UTC), real_time=real, speed=24.0)
    ahead = platform.now() - datetime(2013, 4, 2, tzinfo=UTC)
    assert timedelta(0) <= ahead < timedelta(hours=1)


def test_a_clock_can_stand_still(platform: Platform) -> None:
    stands = datetime(2013, 4, 1, tzinfo=UTC)
    Clock.objects.create(site_time=stands, real_time=JANUARY, speed=0)
    assert platform.now() == stands


def test_auto_takes_the_standalone_side_where_there_is_no_edx_platform(settings: Any) -> None:
    if edx_platform_is_here():
        pytest.skip("edx-platform is here")
    settings.ENGAGE = {"PLATFORM": "auto"}
    assert isinstance(get_platform(), StandalonePlatform)
