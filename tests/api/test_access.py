"""Who may read predictions. A cell of this table for every kind of caller; whoever is not in it is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from engage_backend.models import CourseRun
from engage_backend.platform.protocol import CourseSchedule
from engage_backend.platform.standalone.models import Course, CourseStaff
from engage_backend.platform.standalone.platform import VIEW_AS

TABLE = [
    # who is logged in, what they look at the course as, status
    (None, None, 401),
    ("stranger", None, 403),
    ("learner", None, 403),
    ("other_staff", None, 403),
    ("staff", None, 200),
    ("global_staff", None, 200),
    ("staff", "learner", 403),
    ("staff", "stranger", 403),
    ("global_staff", "learner", 403),
    # The switch lowers and never raises.
    ("learner", "staff", 403),
    ("stranger", "staff", 403),
    ("staff", "staff", 200),
]


@pytest.mark.parametrize(("who", "seen_as", "status"), TABLE)
def test_only_the_course_team_reads_predictions(
    site: Any, client: Client, who: str | None, seen_as: str | None, status: int
) -> None:
    site.learner(918_273_645, shown=(700, 600, 100))
    if who is not None:
        client.force_login(site.users[who])
    if seen_as is not None:
        session = client.session
        session[VIEW_AS] = seen_as
        session.save()
    for url in (site.url, f"{site.url}?since=0"):
        response = client.get(url)
        assert response.status_code == status, response.content
        assert response["Cache-Control"] == "private, no-cache"
        if status != 200:
            assert_problem(response, status)
            assert b"700" not in response.content


def test_an_anonymous_caller_is_told_how_to_log_in(site: Any, client: Client) -> None:
    assert client.get(site.url)["WWW-Authenticate"].startswith("Session")


def test_somebody_whose_account_was_closed_is_anonymous(site: Any, staff_client: Client) -> None:
    site.users["staff"].is_active = False
    site.users["staff"].save()
    assert staff_client.get(site.url).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_written(site: Any, staff_client: Client, method: str) -> None:
    response = getattr(staff_client, method)(site.url)
    assert_problem(response, 405)


@pytest.mark.parametrize(
    "key",
    ["nonsense", "course-v1:a+b", "library-v1:TestX+Lib", "a/b", "course-v1:TestX+T101+2024+branch@draft", "a/b/c/d"],
)
@pytest.mark.parametrize("who", [None, "stranger", "staff", "global_staff"])
def test_an_address_that_names_no_course_run_is_not_found(site: Any, client: Client, key: str, who: str | None) -> None:
    if who is not None:
        client.force_login(site.users[who])
    assert_problem(client.get(f"/engage/api/v1/courses/{quote(key)}/predictions"), 404)


def test_a_course_run_that_does_not_exist_is_not_found_by_those_who_may_know(site: Any, client: Client) -> None:
    url = "/engage/api/v1/courses/course-v1:No+Such+Run/predictions"
    client.force_login(site.users["global_staff"])
    assert_problem(client.get(url), 404)
    client.force_login(site.users["stranger"])
    assert_problem(client.get(url), 403)


def test_a_course_run_before_its_first_consumer_is_empty_and_not_an_error(site: Any, staff_client: Client) -> None:
    CourseRun.objects.all().delete()
    answer = staff_client.get(site.url).json()
    assert (answer["total"], answer["learners"], answer["model"], answer["as_of"]) == (0, [], None, None)


@pytest.mark.parametrize("key", ["OldX/Old_101/2013_Fall", "course-v1:New.X+T-101+2024_x"])
@pytest.mark.parametrize("safe", ["/:+", ""])
def test_old_and_new_keys_are_understood_raw_and_percent_encoded(
    site: Any, staff_client: Client, key: str, safe: str
) -> None:
    course = Course.objects.create(key=key, schedule=CourseSchedule(key, "Old", 0, None).to_json())
    CourseStaff.objects.create(course=course, user=site.users["staff"])
    run = CourseRun.objects.create(course_key=key, start=site.run.start, version=77)
    url = f"/engage/api/v1/courses/{quote(key, safe=safe)}/predictions"
    assert staff_client.get(url).json()["cursor"] == str(run.version)


def test_the_address_can_be_made_by_name(site: Any) -> None:
    assert reverse("engage:predictions", kwargs={"course_key": site.run.course_key}) == site.url


def assert_problem(response: Any, status: int) -> None:
    """The response is an RFC 9457 problem document of that status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert set(problem) == {"type", "title", "status", "detail"}
    assert all(isinstance(problem[part], str) and problem[part] for part in ("type", "title", "detail"))
