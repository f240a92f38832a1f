"""The table of docs/access.md, cell by cell over HTTP, for every address that the plugin mounts. In doubt: refused.

An address that is added is asked of without being named here: all that is about a course belongs to its team, and what is not
about a course has to be named in `OWN`, or the tests fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import Learner, Objection, Prediction
from tests.edx_platform.course import KEY, PEOPLE, START, masquerade

STUDIO = settings.ROOT_URLCONF == "cms.urls"
PREFIX = "engage/"
COURSE = "api/v1/courses/<path:course_key>/"
# What needs no role: the link that a message carries, which says by its own signature whose it is (tests/messaging), and a
# style sheet.
OWN = {"unsubscribe/<str:token>", "me/style.css"}
# What learners ask about themselves: the page, and the API behind it.
MY_PAGE = "me/<path:course_key>"
# The Communicator as a whole page, which answers in HTML: tests/lms/test_course_page.py.
COURSE_PAGE = "courses/<path:course_key>/"
OF_LEARNERS = {MY_PAGE, COURSE + "me", COURSE + "me/objection"}
METHODS = ("get", "post", "put", "patch", "delete")
MASQUERADES = {"masquerading": None, "masquerading_as_a_learner": "marked-username-learner"}
MARKS = re.compile(rb"marked-|Marked Name")  # names and addresses of the stand-ins' people


class Endpoint(NamedTuple):
    """An address with a method."""

    route: str
    method: str

    @property
    def path(self) -> str:
        """The address for the course `KEY`, and some values for what else it asks for."""
        path = self.route.replace("<path:course_key>", str(KEY))
        return "/" + PREFIX + re.sub(r"<(int:)?[^>]+>", lambda found: "1" if found[1] else "abcdefgh", path)


def endpoints() -> Iterator[Endpoint]:
    """Every address under /engage/ with every method that it answers."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == f"^{PREFIX}":
            for route, view in _below(pattern, ""):
                kind = getattr(view, "view_class", None)
                named = [method for method in METHODS if kind is None or method in kind.http_method_names]
                yield from (Endpoint(route, method) for method in named if kind is None or hasattr(kind, method))


def _below(resolver: URLResolver, before: str) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _below(pattern, route)


ALL = sorted(set(endpoints()))
TEAM = [endpoint for endpoint in ALL if endpoint.route.startswith(COURSE) and endpoint.route not in OF_LEARNERS]
# Who is let in to what is about the course.
LET_IN = {
    "anonymous": 401,
    "learner": 403,
    "beta_tester": 403,
    "data_researcher": 403,
    "stranger": 403,
    "has_left": 403,
    "staff_elsewhere": 403,
    "staff": None,
    "instructor": None,
    "org_staff": None,
    "global_staff": None,
    "limited_staff": 403 if STUDIO else None,  # they have no access to Studio
    # Studio has no masquerade: an author who looks as a learner in the LMS is an author in Studio.
    "masquerading": None if STUDIO else 403,
    "masquerading_as_a_learner": None if STUDIO else 403,
}


@pytest.fixture
def known(run: Any, platform: Any) -> Any:
    """The course run with a prediction of its learner."""
    sync_run(platform, str(KEY))
    learner = Learner.objects.get(user_id=run.users["learner"].id)
    Prediction.objects.filter(learner=learner).update(certify=717, complete=717, leave=717)
    return run


def client_of(run: Any, who: str, **given: Any) -> Client:
    """A browser in which somebody is logged in."""
    client = Client(**given)
    if who in MASQUERADES:
        client.force_login(run.users["staff"])
        masquerade(client, as_user=MASQUERADES[who])
    elif who != "anonymous":
        client.force_login(run.users[who])
    return client


def test_there_are_addresses_to_ask_and_each_belongs_to_somebody() -> None:
    assert len(TEAM) >= 4
    assert {endpoint.route for endpoint in ALL if not endpoint.route.startswith(COURSE)} <= OWN | {MY_PAGE, COURSE_PAGE}
    assert set(LET_IN) == {"anonymous", *PEOPLE, *MASQUERADES}


@pytest.mark.parametrize("who", list(LET_IN))
def test_what_is_about_a_course_is_for_its_team(known: Any, who: str) -> None:
    client, expected = client_of(known, who), LET_IN[who]
    for endpoint in TEAM:
        response = getattr(client, endpoint.method)(endpoint.path, data={}, content_type="application/json")
        told = f"{endpoint.method} {endpoint.path}: {response.status_code} {response.content[:200]!r}"
        if expected is None:
            assert response.status_code not in (401, 403, 500), told
        else:
            assert response.status_code == expected, told
            assert response["Content-Type"] == "application/problem+json", told
            assert b"717" not in response.content, told
        # Whoever writes is named to themselves: it will stand in From.
        own = response.content.replace(f"Marked Name {who}".encode(), b"").replace(f"marked-{who}@".encode(), b"")
        assert not MARKS.search(own), told


# Who meets themselves there: status of the page, of the API. Whoever is enrolled and not of this course's team.
THEMSELVES = {
    "anonymous": (302, 401),
    "learner": (200, 200),
    "beta_tester": (200, 200),
    "data_researcher": (200, 200),
    "staff_elsewhere": (200, 200),
    "stranger": (404, 403),
    "has_left": (404, 403),
    # The course team sees the page without anybody's data, and has none of its own.
    "staff": (200, 403),
    "instructor": (200, 403),
    "org_staff": (200, 403),
    "global_staff": (200, 403),
    "limited_staff": (200, 403),
    # Who masquerades sees the page of somebody of whom nothing is known, whomever they look as.
    "masquerading": (200, 200),
    "masquerading_as_a_learner": (200, 200),
}


@pytest.mark.skipif(STUDIO, reason="Studio knows no learners")
@pytest.mark.parametrize("who", list(LET_IN))
def test_what_is_about_oneself_is_for_oneself(known: Any, who: str) -> None:
    client = client_of(known, who)
    Learner.objects.update(finished_at=START)
    page = client.get(f"/engage/me/{KEY}")
    api = client.get(f"/engage/api/v1/courses/{KEY}/me")
    assert (page.status_code, api.status_code) == THEMSELVES[who]
    assert (b'"state":null' in api.content) == who.startswith("masquerading")
    for response in (page, api):
        assert not MARKS.search(response.content)
        assert b"717" not in response.content


@pytest.mark.skipif(STUDIO, reason="Studio knows no learners")
@pytest.mark.parametrize("who", list(MASQUERADES))
@pytest.mark.django_db(transaction=True)
def test_nobody_says_a_word_for_a_learner_while_masquerading(known: Any, who: str) -> None:
    client = client_of(known, who)
    objection = client.post(
        f"/engage/api/v1/courses/{KEY}/me/objection", {"objects": True}, content_type="application/json"
    )
    page = client.post(f"/engage/me/{KEY}", {"say": "not_here"})
    assert (objection.status_code, page.status_code) == (403, 400)
    assert not Objection.objects.exists()
    assert b"disabled" in client.get(f"/engage/me/{KEY}").content, "and the page says so beforehand"


@pytest.mark.skipif(not STUDIO, reason="the LMS has them")
def test_studio_has_no_address_for_learners() -> None:
    assert not {endpoint.route for endpoint in ALL} & OF_LEARNERS


@pytest.mark.parametrize("who", ["staff", "instructor", "global_staff"])
def test_a_write_without_a_token_of_the_page_is_refused(known: Any, who: str) -> None:
    client = client_of(known, who, enforce_csrf_checks=True)
    for endpoint in TEAM:
        if endpoint.method != "get":
            response = getattr(client, endpoint.method)(endpoint.path, data={}, content_type="application/json")
            assert response.status_code == 403, endpoint
            assert b"CSRF" in response.content, endpoint


def test_an_account_that_was_closed_is_anonymous(known: Any) -> None:
    client = client_of(known, "staff")
    known.users["staff"].is_active = False
    known.users["staff"].save()
    for endpoint in TEAM:
        assert getattr(client, endpoint.method)(endpoint.path).status_code == 401, endpoint


def test_what_masquerading_hides_is_back_when_it_ends(known: Any) -> None:
    client = client_of(known, "masquerading")
    path = f"/engage/api/v1/courses/{KEY}/predictions"
    assert client.get(path).status_code == (200 if STUDIO else 403)
    masquerade(client, role="staff")
    assert client.get(path).status_code == 200


@pytest.mark.skipif(not STUDIO, reason="the LMS sends")
def test_studio_has_no_address_that_sends() -> None:
    assert [endpoint for endpoint in ALL if endpoint.route.endswith(("/send", "/resend", "/test"))] == []
