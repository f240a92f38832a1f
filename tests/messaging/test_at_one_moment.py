"""Two who write at one moment, on two connections. They meet on a database server alone: see `tests.crash.test_servers`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from engage_backend.governance.retirement import retire
from engage_backend.models import Communication, CommunicationVersion, Delivery, Segment
from engage_backend.platform.standalone.models import Enrolment
from tests.conftest import NOW
from tests.governance.people import dump
from tests.services import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not connection.features.has_select_for_update, reason="SQLite lets one connection write at a time"
    ),
]
WAITING = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    # Not `innodb_trx`: what it says is kept for whoever asks again within a tenth of a second.
    "mysql": "SHOW GLOBAL STATUS WHERE variable_name = 'innodb_row_lock_current_waits' AND value > 0",
}
JSON = {"content_type": "application/json"}
Begin = Callable[[Callable[[], Any]], Future[Any]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins something on a connection of its own, and goes on when that waits for a lock, or is done."""
    watching = connection.copy()

    def is_waiting() -> bool:
        with watching.cursor() as cursor:
            cursor.execute(WAITING[connection.vendor])
            return cursor.fetchone() is not None

    def run(work: Callable[[], Any]) -> Any:
        try:
            return work()
        finally:
            connection.close()  # this thread's own

    with ThreadPoolExecutor(1) as beside:

        def start(work: Callable[[], Any]) -> Future[Any]:
            future = beside.submit(run, work)
            until(lambda: future.done() or is_waiting())
            return future

        yield start
    watching.close()


@pytest.fixture
def people(site: Any) -> list[Any]:
    """Three learners; the first is the one who leaves."""
    return [site.learner(number) for number in (1, 2, 3)]


@pytest.fixture
def url(site: Any) -> str:
    return f"/engage/api/v1/courses/{site.run.course_key}"


def made(client: Client, url: str, **given: Any) -> dict[str, Any]:
    response = client.post(f"{url}/communications", {"subject": "s", "body": "b", **given}, **JSON)
    assert response.status_code == 201, response.content
    return response.json()


def names(people: list[Any]) -> list[str]:
    return [one.pseudonym for one in people]


def test_a_list_that_is_changed_while_one_of_it_is_retired_is_not_lost_and_brings_nobody_back(
    staff_client: Client, url: str, people: list[Any], begin: Begin
) -> None:
    gone, *rest = people
    before = [made(staff_client, url, pseudonyms=names(some)) for some in ([gone, rest[0]], rest)]
    with transaction.atomic():
        for one in before:
            staff_client.patch(
                f"{url}/communications/{one['id']}", {"subject": "New", "pseudonyms": names(people)}, **JSON
            )
        leaving = begin(lambda: retire(gone.user_id))
    leaving.result()
    stored = CommunicationVersion.objects.values_list("subject", "pseudonyms")
    assert list(stored) == [("New", names(rest))] * 2
    assert gone.pseudonym not in dump()


@pytest.mark.parametrize("given", [{"subject": "New"}, {"pseudonyms": True}, {"criteria": {"version": 1}}])
def test_whoever_changes_a_message_waits_for_a_retirement_and_finds_its_end(
    staff_client: Client, url: str, people: list[Any], begin: Begin, given: dict[str, Any]
) -> None:
    gone, *rest = people
    number = made(staff_client, url, pseudonyms=names(people))["id"]
    given = {**given, **({"pseudonyms": names(people)} if "pseudonyms" in given else {})}
    with transaction.atomic():
        retire(gone.user_id)
        saving = begin(lambda: staff_client.patch(f"{url}/communications/{number}", given, **JSON).json())
    answer = saving.result()
    assert answer["pseudonyms"] == names(rest)
    assert answer["no_longer_here"] == ("pseudonyms" in given)
    assert gone.pseudonym not in dump()


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("what", ["communications", "segments"])
def test_what_is_made_while_somebody_is_retired_does_not_name_them(
    staff_client: Client, url: str, people: list[Any], begin: Begin, what: str, is_first: bool
) -> None:
    gone, *rest = people
    criteria = {"version": 1, "include": names(people)}
    body = {"criteria": criteria, **({"name": "Ours"} if what == "segments" else {"pseudonyms": names(people)})}

    def make() -> int:
        return staff_client.post(f"{url}/{what}", body, **JSON).status_code

    def leave() -> None:
        retire(gone.user_id)

    first, second = (make, leave) if is_first else (leave, make)
    with transaction.atomic():
        first()
        then = begin(second)
    then.result()
    stored = Segment.objects.get() if what == "segments" else CommunicationVersion.objects.get()
    assert stored.criteria["include"] == names(rest)
    assert gone.pseudonym not in dump()


def test_two_groups_of_one_name_at_once_are_one(staff_client: Client, url: str, begin: Begin) -> None:
    def keep() -> int:
        return staff_client.post(f"{url}/segments", {"name": "Ours", "criteria": {"version": 1}}, **JSON).status_code

    with transaction.atomic():
        first = keep()
        second = begin(keep)
    assert (first, second.result()) == (201, 409)
    assert Segment.objects.count() == 1


def test_a_message_that_is_confirmed_while_one_of_its_list_is_retired_goes_to_the_others(
    site: Any, staff_client: Client, url: str, people: list[Any], begin: Begin, settings: Any
) -> None:
    """Neither waits for the other without end: both lock the message before the learners."""
    settings.ENGAGE = {"PLATFORM": "standalone", "ROOT_URL": "https://courses.example", "QUIET_HOURS": [0, 0]}
    for one in people:
        user = User.objects.create(id=one.user_id, username=f"u{one.user_id}", email=f"l{one.user_id}@people.example")
        Enrolment.objects.create(course=site.course, user=user, created=NOW)
    gone = people[0]
    number = made(staff_client, url, pseudonyms=names(people))["id"]
    with transaction.atomic():
        list(Communication.objects.select_for_update())
        leaving = begin(lambda: retire(gone.user_id))
        assert not leaving.done()
        answer = staff_client.post(f"{url}/communications/{number}/send", {"key": "one-press"}, **JSON)
    leaving.result()
    assert answer.status_code == 202, answer.content
    assert Delivery.objects.count() == len(people) - 1
    assert gone.pseudonym not in dump()
