"""Roles that openedx-authz gives: its people are of the course team, and never learners, rows of the old table or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, modify_settings
from openedx_authz.api import users as authz

from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import Learner
from engage_backend.platform.protocol import Role
from tests.edx_platform.course import KEY, OTHER, enrol
from tests.lms.test_roles import request_of

COURSE = str(KEY)
ORG, PLATFORM = f"course-v1:{KEY.org}+*", "course-v1:*"
STUDIO = django_settings.ROOT_URLCONF == "cms.urls"


@pytest.fixture(autouse=True)
def assignments() -> Iterator[None]:
    """Each test begins without assignments."""
    yield
    authz.ASSIGNMENTS.clear()


def give(user: Any, role: str, scope: str = COURSE) -> Any:
    authz.assign_role_to_user_in_scope(user.username, role, scope)
    return user


def ids(platform: Any) -> set[int]:
    return {enrolment.user_id for enrolment in platform.roster(COURSE)}


def reasons(platform: Any, *users: Any) -> list[str]:
    return [one.reason for one in platform.recipients(COURSE, [user.id for user in users])]


@pytest.mark.parametrize("scope", [COURSE, ORG, PLATFORM])
@pytest.mark.parametrize("role", ["course_admin", "course_staff", "course_limited_staff"])
def test_the_team_by_authz_alone_is_no_learner_and_is_not_written_to(
    run: Any, platform: Any, monkeypatch: pytest.MonkeyPatch, role: str, scope: str
) -> None:
    if scope == PLATFORM:  # from 1.35 on
        monkeypatch.setattr(authz, "SCOPES", re.compile(".*"))
    user = run.users["learner"]
    assert user.id in ids(platform)
    give(user, role, scope)
    assert user.id not in ids(platform)
    assert reasons(platform, user) == ["of the course team"]


@pytest.mark.parametrize("role", ["course_editor", "course_auditor", "course_beta_tester", "course_data_researcher"])
def test_other_roles_of_authz_are_no_staff_and_stay_learners(run: Any, platform: Any, role: str) -> None:
    user = give(run.users["learner"], role)
    assert user.id in ids(platform)
    assert reasons(platform, user) == [""]
    assert platform.role(request_of(user), COURSE) is Role.LEARNER


def test_the_staff_of_another_course_by_authz_are_learners_here(run: Any, platform: Any) -> None:
    user = give(run.users["learner"], "course_staff", str(OTHER))
    assert user.id in ids(platform)
    assert platform.role(request_of(user), COURSE) is Role.LEARNER


@pytest.mark.skipif(STUDIO, reason="Studio asks `has_studio_read_access`")
@pytest.mark.parametrize("scope", [COURSE, ORG])
@pytest.mark.parametrize("role", ["course_admin", "course_staff", "course_limited_staff"])
def test_the_team_by_authz_alone_sees_the_page(run: Any, platform: Any, role: str, scope: str) -> None:
    user = give(run.users["stranger"], role, scope)
    assert platform.role(request_of(user), COURSE) is Role.STAFF
    client = Client()
    client.force_login(user)
    assert client.get(f"/engage/api/v1/courses/{KEY}/predictions").status_code == 200


def test_who_joins_the_team_by_authz_leaves_the_learners_with_the_next_roster(run: Any, platform: Any) -> None:
    user = run.users["learner"]
    sync_run(platform, COURSE)
    before = set(Learner.objects.exclude(state="left").values_list("user_id", flat=True))
    give(user, "course_staff")
    sync_run(platform, COURSE)
    assert before - set(Learner.objects.exclude(state="left").values_list("user_id", flat=True)) == {user.id}


@pytest.mark.parametrize("gone", ["rows", "model"])
def test_the_old_rows_may_be_gone(run: Any, platform: Any, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    from common.djangoapps.student import models

    team = [run.users[who] for who in ("staff", "instructor", "limited_staff")]
    for user, role in zip(team, ("course_staff", "course_admin", "course_limited_staff"), strict=True):
        give(user, role)
    give(run.users["org_staff"], "course_staff", ORG)
    wanted = {run.users[who].id for who in ("learner", "beta_tester", "data_researcher", "staff_elsewhere")}
    assert ids(platform) == wanted
    models.CourseAccessRole.objects.all().delete()
    if gone == "model":
        monkeypatch.delattr(models, "CourseAccessRole")
    assert ids(platform) == wanted
    assert reasons(platform, *team, run.users["learner"]) == [
        "",
        *["of the course team"] * 3,
    ]  # in the order of their ids
    if not STUDIO:
        assert platform.role(request_of(run.users["staff"]), COURSE) is Role.STAFF


def test_without_authz_the_table_alone_counts(run: Any, platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids(platform)
    give(run.users["learner"], "course_staff")
    with modify_settings(INSTALLED_APPS={"remove": "openedx_authz"}):
        assert ids(platform) == before
        assert reasons(platform, run.users["learner"], run.users["staff"]) == ["", "of the course team"]


def test_an_old_course_key_that_authz_does_not_know_breaks_nothing(run: Any, platform: Any) -> None:
    from opaque_keys.edx.keys import CourseKey

    from tests.edx_platform.course import overview

    old = CourseKey.from_string("TestX/Old/2013")
    overview(old)
    enrol(run.users["learner"], old)
    enrol(give(run.users["stranger"], "course_staff", ORG), old)
    assert {one.user_id for one in platform.roster(str(old))} == {run.users["learner"].id}
