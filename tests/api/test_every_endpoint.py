"""What holds for every endpoint about a course, the ones to come among them: they are read from the table of addresses."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from engage_backend.api.communication_urls import urlpatterns as of_communications
from engage_backend.api.urls import urlpatterns
from engage_backend.models import Learner
from engage_backend.platform.standalone.platform import VIEW_AS
from tests.api.test_access import assert_problem

METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = [
    # who is logged in, what they look at the course as, status
    (None, None, 401),
    ("stranger", None, 403),
    ("learner", None, 403),
    ("other_staff", None, 403),
    ("staff", "learner", 403),
    ("staff", "stranger", 403),
    ("global_staff", "learner", 403),
    ("learner", "staff", 403),
]
EVERY = [str(one.pattern) for one in [*urlpatterns, *of_communications] if str(one.pattern).startswith("courses/")]
# What learners ask about themselves is not for the course team: tests/api/test_me.py
ROUTES = [route for route in EVERY if "/me" not in route]
PARTS = {"pseudonym": "aaaaaaaa"}


def address(route: str, course_key: str) -> str:
    """An address of that route, in the course; what it names there need not exist."""
    path = route.replace("<path:course_key>", quote(course_key))
    for name, value in PARTS.items():
        path = path.replace(f"<str:{name}>", value).replace(f"<{name}>", value)
    while "<int:" in path:
        path = path[: path.index("<int:")] + "1" + path[path.index(">") + 1 :]
    assert "<" not in path, f"say in PARTS what stands for the part of {route}"
    return f"/engage/api/v1/{path}"


@pytest.mark.parametrize(("who", "seen_as", "status"), REFUSED)
@pytest.mark.parametrize("route", ROUTES)
def test_only_the_course_team_gets_an_answer(
    site: Any, client: Client, route: str, who: str | None, seen_as: str | None, status: int
) -> None:
    learner = site.learner(site.users["learner"].pk, shown=(712, 623, 134))
    Learner.objects.filter(pk=learner.pk).update(pseudonym="aaaaaaaa", cohort="marked-cohort")
    if who is not None:
        client.force_login(site.users[who])
    if seen_as is not None:
        session = client.session
        session[VIEW_AS] = seen_as
        session.save()
    for method in METHODS:
        response = getattr(client, method)(address(route, site.run.course_key), {}, content_type="application/json")
        assert_problem(response, status)
        told = response.content.decode().lower()
        assert "712" not in told and "marked" not in told
        assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_is_written_without_a_token_against_forgery(site: Any, route: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.users["staff"])
    for method in METHODS[1:]:
        response = getattr(client, method)(address(route, site.run.course_key), {}, content_type="application/json")
        assert_problem(response, 403)
        assert "CSRF" in response.json()["detail"]


@pytest.mark.parametrize("route", ROUTES)
def test_what_cannot_be_read_is_refused_and_nothing_breaks(site: Any, staff_client: Client, route: str) -> None:
    deep, large = b"[" * 100_000, b'{"criteria": "' + b"x" * 10_000_000 + b'"}'
    bodies = [b"{", b"[]", b"null", b'"text"', b'{"criteria": NaN}', b"\xff\xfe"]
    if not route.endswith("/communications"):  # where nothing said is an empty draft
        bodies += [b"", b"{}"]
    for method in ("post", "put", "patch", "delete"):
        for body in (*bodies, deep, large) if method == "post" else bodies:
            send = getattr(staff_client, method)
            response = send(address(route, site.run.course_key), body, content_type="application/json")
            assert response.status_code in (400, 404, 405, 413), (method, body[:20], response.content)
            assert_problem(response, response.status_code)


@pytest.mark.parametrize("route", ROUTES)
def test_an_address_that_names_no_course_run_is_not_found(site: Any, staff_client: Client, route: str) -> None:
    for key in ("nonsense", "library-v1:TestX+Lib"):
        assert_problem(staff_client.get(address(route, key)), 404)
    if route.endswith("/templates"):  # which are the same for every course
        return
    staff_client.force_login(site.users["global_staff"])
    response = staff_client.get(address(route, "course-v1:No+Such+Run"))
    assert_problem(response, response.status_code)
    assert response.status_code in (404, 405)
