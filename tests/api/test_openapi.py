"""docs/openapi.yaml says what the code does: it is made from the code, and real answers have its shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import Client

from engage_backend.api import answers
from engage_backend.api.openapi import as_text
from engage_backend.api.urls import urlpatterns
from engage_backend.api.views import CourseView
from engage_backend.engagement.history import NONE, Row, pack
from engage_backend.models import (
    Communication,
    CommunicationVersion,
    DailySnapshot,
    Delivery,
    HistoryChunk,
    Learner,
    Submission,
)
from engage_backend.platform.standalone.models import Clock, Enrolment

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "tests" / "data" / "criteria_cases.json").read_text(encoding="utf-8"))
START, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
TASK = "block-v1:TestX+T101+2024+type@problem+block@hw1"
DESCRIBED = [
    (str(pattern.pattern), method)
    for pattern in urlpatterns
    for method in getattr(pattern.callback.view_class, "calls", {})  # type: ignore[attr-defined]
]
BODIES: dict[str, dict[str, Any]] = {
    "lookup": {"query": "marked-username-learner"},
    "segments": {"name": "Ours", "criteria": {"version": 1, "cohorts": ["North"], "ranges": {"certify": [0, 9]}}},
    "count": {"criteria": {"version": 1}},
}


def test_the_stored_document_is_what_the_code_says() -> None:
    stored = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
    command = "python -m django engage_openapi --settings engage_backend.demo.settings > docs/openapi.yaml"
    assert stored == as_text(), f"run: {command}"


def test_views_that_are_described_are_described_whole() -> None:
    for pattern in urlpatterns:
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        assert issubclass(view, CourseView)
        done = {name for name in view.http_method_names if hasattr(view, name)} - {"head", "options"}
        assert set(view.calls) in (set(), done), pattern.pattern


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_criteria_that_are_understood_have_the_documents_shape(case: dict[str, Any]) -> None:
    msgspec.convert(case["criteria"], answers.Criteria)


@pytest.fixture
def full(site: Any) -> Learner:
    """A course that is over, and a learner with something of everything."""
    Clock.objects.create(site_time=NOW, real_time=NOW, speed=0)
    site.run.start, site.run.end = START, NOW - timedelta(days=1)
    site.run.graded = [[TASK, 1.0, 1_710_000_000_000_000, "Homework 1"]]
    site.run.save()
    Enrolment.objects.filter(user=site.users["learner"]).update(created=START)
    made: Learner = site.learner(site.users["learner"].pk, shown=(700, 650, None))
    excused = site.learner(5, state="never_started")
    Submission.objects.create(learner=excused, block=TASK, score=1, possible=1, handed_in=False, last_at=0)
    Learner.objects.filter(pk=made.pk).update(pseudonym="aaaaaaaa", mode="audit", cohort="North", last_active=NOW)
    made.refresh_from_db()
    rows = [Row(1_704_100_000_000_000, 3, 0, 0, NONE, NONE, -1)]
    HistoryChunk.objects.create(learner=made, number=0, first=0, last=0, events=1, data=pack(rows))
    Submission.objects.create(learner=made, block=TASK, score=1, possible=1, last_at=1_705_000_000_000_000)
    for day in (START + timedelta(days=28), NOW - timedelta(days=7)):
        figures = {"certify": 600, "complete": 1000, "leave": 5}
        DailySnapshot.objects.create(learner=made, day=day.date(), model="m", last_active=NOW, **figures)
    message = Communication.objects.create(course_run=site.run, author_id=1)
    version = CommunicationVersion.objects.create(communication=message, number=1, author_id=1, criteria={})
    Delivery.objects.create(communication=message, learner=made, version=version, state="sent", finished_at=NOW)
    return made


@pytest.mark.parametrize(("route", "method"), DESCRIBED)
def test_real_answers_have_the_documents_shape(
    full: Learner, site: Any, staff_client: Client, route: str, method: str
) -> None:
    pattern = next(one for one in urlpatterns if str(one.pattern) == route)
    call = pattern.callback.view_class.calls[method]  # type: ignore[attr-defined]
    base = f"/engage/api/v1/courses/{site.run.course_key}"
    staff_client.get(f"{base}/learners/{full.pseudonym}")  # which is written down, for `access_records` to tell
    if method != "post" or "segments" in route:
        made = staff_client.post(f"{base}/segments", {**BODIES["segments"], "name": "First"}, "application/json").json()
        route = route.replace("<int:number>", str(made["id"]))
    address = f"/engage/api/v1/{route}".replace("<path:course_key>", site.run.course_key)
    address = address.replace("<str:pseudonym>", full.pseudonym)
    body = BODIES.get(route.rpartition("/")[2])
    if call.takes is not None:
        msgspec.convert(body, call.takes)
    if method == "get":
        response = staff_client.get(address, {"block": TASK})
    else:
        response = getattr(staff_client, method)(address, body, content_type="application/json")
    assert response.status_code == call.status, response.content
    assert bool(response.get("ETag")) is call.is_conditional
    if call.answers is None:
        assert response.content == b""
        return
    msgspec.json.decode(response.content, type=call.answers)
    assert "[]" not in response.content.decode().replace('"include":[]', ""), "an empty list proves nothing"


def test_problems_have_the_documents_shape(site: Any, client: Client) -> None:
    msgspec.json.decode(client.get(site.url).content, type=answers.Problem)
