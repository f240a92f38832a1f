"""What every request costs the database, and that an LMS whose settings of ours are gone works as before."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import (
    AutomationDay,
    Communication,
    CommunicationVersion,
    Delivery,
    Learner,
    Prediction,
    Sending,
)
from tests.api.counting import questions
from tests.edx_platform.course import KEY, enrol
from tests.lms.test_access import TEAM, Endpoint

# Queries in a request, the platform's own for session, user and roles among them: three of the stand-ins' for the course team,
# four for a learner, who is asked about enrolment, too; one for the lock that keeps removed learners out of lists.
MOST = 10


def learners(count: int) -> None:
    for number in range(User.objects.count(), User.objects.count() + count):
        enrol(User.objects.create_user(f"one-of-many-{number}"))


def queries(client: Client, endpoint: Endpoint) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        getattr(client, endpoint.method)(endpoint.path, data={}, content_type="application/json")
    return [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]


@pytest.mark.parametrize("endpoint", TEAM, ids=lambda endpoint: f"{endpoint.method} {endpoint.route}")
def test_a_request_takes_few_queries_however_many_learners_there_are(
    run: Any, platform: Any, endpoint: Endpoint
) -> None:
    client = Client()
    client.force_login(run.users["staff"])
    counts = []
    for more in (3, 60):
        learners(more)
        sync_run(platform, str(KEY))
        Prediction.objects.update(certify=500, complete=500, leave=500)
        queries(client, endpoint)  # what is remembered from one request to the next
        asked = queries(client, endpoint)
        counts.append(len(asked))
        assert len(asked) <= MOST, "\n".join(asked)
    assert counts[0] == counts[1]


def test_with_our_settings_gone_an_lms_is_as_before(run: Any, platform: Any, settings: Any) -> None:
    del settings.ENGAGE
    call_command("check")
    client = Client()
    client.force_login(run.users["learner"])
    if django_settings.ROOT_URLCONF == "lms.urls":
        assert client.get("/courseware/").content == b"a unit"
    client.force_login(run.users["staff"])
    assert client.get(f"/engage/api/v1/courses/{KEY}/predictions").status_code == 200


@pytest.mark.skipif(django_settings.ROOT_URLCONF == "cms.urls", reason="Studio sends nothing")
@pytest.mark.parametrize("state", ["draft", "confirmed", "second version", "failed and automatic"])
def test_reading_a_message_takes_few_queries_however_it_stands(run: Any, platform: Any, state: str) -> None:
    client = Client()
    client.force_login(run.users["staff"])
    sync_run(platform, str(KEY))
    names = list(Learner.objects.values_list("pseudonym", flat=True))
    words = {"subject": "Hello", "body": "Dear all,", "pseudonyms": names}
    url = f"/engage/api/v1/courses/{KEY}/communications"
    client.get(url)  # what the platform writes into a new session
    with questions() as made:
        one = client.post(url, words, content_type="application/json").json()["id"]
    assert len(made) <= MOST, "\n".join(made)
    if state != "draft":
        version = CommunicationVersion.objects.get()
        sending = Sending.objects.create(
            communication_id=one,
            version=version,
            author_id=1,
            key="k",
            created=version.created,
            undo_until=version.created,
        )
        states = ("sent", "skipped", "queued", "failed" if state == "failed and automatic" else "sent")
        for learner, how in zip(Learner.objects.all(), states, strict=False):
            Delivery.objects.create(
                communication_id=one, learner=learner, version=version, sending=sending, state=how, reason="why"
            )
    if state == "failed and automatic":
        Communication.objects.update(automation="ask", automation_since=version.created)
        AutomationDay.objects.create(communication_id=one, day="2024-03-01", at=version.created)
    if state in ("second version", "failed and automatic"):
        client.patch(f"{url}/{one}", {"subject": "Another"}, content_type="application/json")
    for address in (url, f"{url}/{one}", f"{url}/{one}?version=1"):
        with questions() as asked:
            answer = client.get(address)
        assert answer.status_code == 200
        assert len(asked) <= MOST, "\n".join(asked)


@pytest.mark.skipif(django_settings.ROOT_URLCONF == "cms.urls", reason="Studio sends nothing")
@pytest.mark.parametrize("address", ["", "/export"])
def test_many_messages_are_listed_with_as_many_queries_as_one(run: Any, platform: Any, address: str) -> None:
    client = Client()
    client.force_login(run.users["staff"])
    sync_run(platform, str(KEY))
    url = f"/engage/api/v1/courses/{KEY}/communications"
    client.get(url)
    counts = []
    for many in (1, 20):
        while Communication.objects.count() < many:
            client.post(url, {"subject": "Hello"}, content_type="application/json")
        with questions() as asked:
            assert len(client.get(url + address).json()["communications"]) == many
        counts.append(len(asked))
    assert counts[0] == counts[1] <= MOST
