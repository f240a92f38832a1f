"""From a name or an address to a pseudonym; recorded, and nothing of the question kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engage_backend.models import AccessRecord, CourseRun, Learner
from engage_backend.platform.standalone.models import Enrolment
from tests.api.counting import questions
from tests.api.test_access import assert_problem
from tests.conftest import NOW


@pytest.fixture
def url(site: Any) -> str:
    """The endpoint's address, in a course with seven learners of one name and one of another."""
    for number, (first, last) in enumerate([("Ada", "Abel")] * 7 + [("Zoe", "Wolf_100%")]):
        user = User.objects.create_user(f"user{number}", f"user{number}@example.org", first_name=first, last_name=last)
        Enrolment.objects.create(course=site.course, user=user, created=NOW.replace(year=2023))
        site.learner(user.pk)
    return f"/engage/api/v1/courses/{site.run.course_key}/lookup"


def ask(client: Client, url: str, query: Any) -> Any:
    return client.post(url, {"query": query}, content_type="application/json")


def pseudonym(username: str) -> str:
    found: str = Learner.objects.get(user_id=User.objects.get(username=username).pk).pseudonym
    return found


@pytest.mark.parametrize(
    "query", ["user7", "USER7", "user7@example.org", "User7@Example.ORG", "zoe wolf_100%", " user7 "]
)
def test_a_user_name_an_address_or_a_full_name_finds_the_pseudonym(
    site: Any, staff_client: Client, url: str, query: str
) -> None:
    response = ask(staff_client, url, query)
    assert response.json() == {"matches": [{"pseudonym": pseudonym("user7")}]}
    record = AccessRecord.objects.get()
    assert (record.user_id, record.action) == (site.users["staff"].pk, "look-up")
    assert record.detail == {"learners": [pseudonym("user7")]}


@pytest.mark.parametrize("query", ["zoe", "user", "example.org", "%", "_", "user7%", "zoe wolf_100x", "wolf_100% zoe"])
def test_a_part_of_a_name_finds_nobody_and_is_recorded(staff_client: Client, url: str, query: str) -> None:
    assert ask(staff_client, url, query).json() == {"matches": []}
    assert AccessRecord.objects.get().detail == {"learners": []}


def test_a_common_name_answers_with_five_at_most(staff_client: Client, url: str) -> None:
    assert len(ask(staff_client, url, "Ada Abel").json()["matches"]) == 5


def test_the_course_team_strangers_and_who_left_are_not_found(site: Any, staff_client: Client, url: str) -> None:
    Learner.objects.filter(user_id=User.objects.get(username="user7").pk).update(state="left")
    for query in ("user7", site.users["stranger"].username, site.users["staff"].email):
        assert ask(staff_client, url, query).json() == {"matches": []}


@pytest.mark.parametrize("query", ["", "  ", None, 7, ["user7"], {"a": 1}, "x" * 255, "a\0b", "\ud83d"])
def test_what_is_no_name_is_refused_and_not_recorded(staff_client: Client, url: str, query: Any) -> None:
    assert_problem(ask(staff_client, url, query), 400)
    assert not AccessRecord.objects.exists()


def test_a_key_that_is_not_known_is_refused(staff_client: Client, url: str) -> None:
    body = {"query": "user7", "limit": 100}
    response = staff_client.post(url, body, content_type="application/json")
    assert_problem(response, 400)
    assert "'limit'" in response.json()["detail"]


def test_a_course_that_no_consumer_has_met_has_nobody(staff_client: Client, url: str) -> None:
    CourseRun.objects.all().delete()
    assert ask(staff_client, url, "user7").json() == {"matches": []}


def test_a_look_up_takes_few_queries(staff_client: Client, url: str) -> None:
    with questions() as asked:
        ask(staff_client, url, "user7")
    assert len(asked) < 10
