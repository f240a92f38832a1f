"""Who is who to a course, in an LMS and in Studio; staff who look as a learner are learners, once it was set up."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from lms.djangoapps.courseware.masquerade import MASQUERADE_SETTINGS_KEY, CourseMasquerade

from engage_backend.platform.protocol import Role
from tests.edx_platform.course import KEY, OTHER

STUDIO = settings.ROOT_URLCONF == "cms.urls"
ROLES = {
    "learner": Role.LEARNER,
    "beta_tester": Role.LEARNER,
    "data_researcher": Role.LEARNER,
    "staff": Role.STAFF,
    "instructor": Role.STAFF,
    "limited_staff": Role.LEARNER if STUDIO else Role.STAFF,  # they have no access to Studio
    "org_staff": Role.STAFF,
    "staff_elsewhere": Role.LEARNER,
    "global_staff": Role.STAFF,
    "stranger": Role.STRANGER,
    "has_left": Role.STRANGER,
}


def request_of(user: Any, **session: Any) -> Any:
    """A request as the platform's middleware leaves it."""
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore()
    request.session.update(session)
    return request


@pytest.mark.parametrize(("who", "role"), list(ROLES.items()))
def test_everyone_has_the_role_that_the_platform_gives(run: Any, platform: Any, who: str, role: Role) -> None:
    assert platform.role(request_of(run.users[who]), str(KEY)) is role


def test_who_is_not_logged_in_is_anonymous(run: Any, platform: Any) -> None:
    assert platform.role(request_of(AnonymousUser()), str(KEY)) is Role.ANONYMOUS


@pytest.mark.skipif(STUDIO, reason="Studio has no masquerade")
@pytest.mark.parametrize("who", ["staff", "instructor", "limited_staff", "org_staff", "global_staff"])
@pytest.mark.parametrize(
    ("masquerade", "role"),
    [
        (CourseMasquerade(KEY, "student"), Role.MASQUERADER),
        (CourseMasquerade(KEY, "student", "marked-username-learner"), Role.MASQUERADER),
        (CourseMasquerade(KEY, "staff"), Role.STAFF),
        (CourseMasquerade(KEY, "student", "somebody-who-has-left-since"), Role.STAFF),
    ],
)
def test_staff_are_whom_they_look_as(
    run: Any, platform: Any, who: str, masquerade: CourseMasquerade, role: Role
) -> None:
    request = request_of(run.users[who], **{MASQUERADE_SETTINGS_KEY: {KEY: masquerade}})
    assert platform.role(request, str(KEY)) is role


@pytest.mark.parametrize("who", ["learner", "stranger"])
def test_a_masquerade_lifts_nobody(run: Any, platform: Any, who: str) -> None:
    masquerade = {KEY: CourseMasquerade(KEY, "student", "marked-username-staff")}
    request = request_of(run.users[who], **{MASQUERADE_SETTINGS_KEY: masquerade})
    assert platform.role(request, str(KEY)) is ROLES[who]


def test_a_masquerade_of_another_course_changes_nothing(run: Any, platform: Any) -> None:
    masquerade = {OTHER: CourseMasquerade(OTHER, "student")}
    request = request_of(run.users["staff"], **{MASQUERADE_SETTINGS_KEY: masquerade})
    assert platform.role(request, str(KEY)) is Role.STAFF


def test_an_account_that_was_closed_has_no_role(run: Any, platform: Any) -> None:
    run.users["staff"].is_active = False
    run.users["staff"].save()
    assert platform.role(request_of(run.users["staff"]), str(KEY)) is not Role.STAFF
