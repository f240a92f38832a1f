"""Who of the course team looked at what is written down, and the course team can read it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from engage_backend.governance.audit import Action, record
from engage_backend.models import AccessRecord


def url(site: Any) -> str:
    return f"/engage/api/v1/courses/{site.run.course_key}/access_records"


def test_opening_the_page_is_written_down_once_a_day_for_each_person(site: Any, staff_client: Client) -> None:
    other = Client()
    other.force_login(site.users["global_staff"])
    site.learner(1, shown=(1, 2, 3))
    for browser in (staff_client, staff_client, other):
        cursor = browser.get(site.url).json()["cursor"]
        browser.get(f"{site.url}?since={cursor}")  # a poll is no opening
    opened = AccessRecord.objects.values_list("user_id", "action", "course_run")
    assert sorted(opened) == [(site.users[who].id, "open", site.run.pk) for who in ("staff", "global_staff")]
    AccessRecord.objects.update(once=None)  # yesterday's
    staff_client.get(site.url)
    assert AccessRecord.objects.count() == 3


@pytest.mark.parametrize("who", ["learner", "stranger", "other_staff"])
def test_who_is_refused_has_opened_nothing_and_reads_nothing(site: Any, client: Client, who: str) -> None:
    client.force_login(site.users[who])
    assert client.get(site.url).status_code == 403
    assert client.get(url(site)).status_code == 403
    assert not AccessRecord.objects.exists()


def test_records_come_latest_first_by_pages(site: Any, staff_client: Client) -> None:
    for number in range(230):
        record(site.run, 7, Action.LOOK, {"learner": f"p{number}"})
    seen, before = [], ""
    while True:
        body = staff_client.get(url(site) + before).json()
        seen += [one["detail"]["learner"] for one in body["records"]]
        if body["next"] is None:
            break
        before = f"?before={body['next']}"
    assert seen == [f"p{number}" for number in reversed(range(230))]
    assert set(body["records"][0]) == {"id", "at", "user_id", "action", "detail"}


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=", "before=99999999999999999999", "as=xml"])
def test_a_question_that_makes_no_sense_is_refused(site: Any, staff_client: Client, query: str) -> None:
    response = staff_client.get(f"{url(site)}?{query}")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_another_courses_records_are_not_told(site: Any, staff_client: Client) -> None:
    record(site.run, 7, Action.SEND, {"communication": 1, "learners": 12})
    theirs = Client()
    theirs.force_login(site.users["other_staff"])
    other = url(site).replace("T101", "Other")
    assert theirs.get(other).json() == {"records": [], "next": None}
    assert len(staff_client.get(url(site)).json()["records"]) == 1


def test_all_of_them_as_a_table_for_a_spreadsheet(site: Any, staff_client: Client) -> None:
    for number in range(120):
        record(site.run, 7, Action.LOOK_UP, {"learners": [f"p{number}", '=1+1"']})
    response = staff_client.get(f"{url(site)}?as=csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["at", "user_id", "action", "detail"]
    assert len(rows) == 121
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
