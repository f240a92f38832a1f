"""One learner, as the course team sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from engage_backend.api.learners import told
from engage_backend.engagement.counters import Counters
from engage_backend.engagement.history import NONE, Row, pack
from engage_backend.engagement.indicators import INDICATORS
from engage_backend.models import (
    AccessRecord,
    Communication,
    CommunicationVersion,
    CourseRun,
    DailySnapshot,
    Delivery,
    DueDate,
    HistoryChunk,
    Kind,
    Learner,
    LearnerState,
    Prediction,
    Submission,
)
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.standalone.models import Clock
from tests.api.counting import questions
from tests.api.test_access import assert_problem

START = datetime(2024, 1, 1, tzinfo=UTC)  # of the course
NOW = START + timedelta(days=30)
HOMEWORK = "block-v1:TestX+T101+2024+type@problem+block@hw1"


@pytest.fixture
def learner(site: Any) -> Learner:
    """A learner with something of everything."""
    Clock.objects.create(site_time=NOW, real_time=NOW, speed=0)
    site.run.graded = [[HOMEWORK, 0.5, to_microseconds(NOW), "Homework 1"], ["other", 0.5, None, "Exam"]]
    site.run.save()
    made: Learner = site.learner(site.users["learner"].pk, shown=(700, 650, None, 3, 271))
    made.mode, made.last_active = "audit", START + timedelta(days=8)
    made.save()
    for number, name in enumerate(("play_video", "problem_check_correct")):
        Kind.objects.create(number=number, name=name)
    clicks = [(0, 0), (1, 1), (8, 0)]
    rows = [Row(to_microseconds(START + timedelta(days=day)), kind, 0, 0, NONE, NONE, -1) for day, kind in clicks]
    chunk = {"first": rows[0].time, "last": rows[-1].time, "events": len(rows), "data": pack(rows)}
    HistoryChunk.objects.create(learner=made, number=0, **chunk)
    Submission.objects.create(
        learner=made, block=HOMEWORK, score=0.5, possible=1, attempts=2, last_at=to_microseconds(START)
    )
    for day, certify in ((5, 500), (6, 510), (7, 520), (29, 700)):
        at = date(2024, 1, 1) + timedelta(days=day)
        DailySnapshot.objects.create(learner=made, day=at, model="m", certify=certify, complete=1, leave=None, level=2)
    return made


def address(learner: Learner) -> str:
    return f"/engage/api/v1/courses/{learner.course_run.course_key}/learners/{learner.pseudonym}"


def write_to(one: Learner, subject: str, state: str, at: datetime | None) -> int:
    message = Communication.objects.create(course_run=one.course_run, author_id=1)
    version = CommunicationVersion.objects.create(
        communication=message, number=1, author_id=1, subject=subject, criteria={}
    )
    Delivery.objects.create(communication=message, learner=one, version=version, state=state, finished_at=at)
    return message.pk


def test_what_was_said_of_a_learner_what_they_did_and_what_they_had(learner: Learner, staff_client: Client) -> None:
    first, second = (
        write_to(learner, "Hello [: First name :]", "sent", START),
        write_to(learner, "Again", "queued", None),
    )
    assert staff_client.get(address(learner)).json() == {
        "pseudonym": learner.pseudonym,
        "state": "active",
        "mode": "audit",
        "cohort": None,
        "enrolled_at": "2024-03-01T12:00:00Z",
        "last_active": "2024-01-09T00:00:00Z",
        "probabilities": {"certify": 700, "complete": 650, "leave": None},
        "level": 3,
        "expected_level": 271,
        "reasons": {},
        "weeks": [
            {"day": "2024-01-07", "certify": 510, "complete": 1, "leave": None, "level": 2},
            {"day": "2024-01-08", "certify": 520, "complete": 1, "leave": None, "level": 2},
            {"day": "2024-01-30", "certify": 700, "complete": 1, "leave": None, "level": 2},
        ],
        "activity": [
            {"week": 1, "total": 2, "kinds": {"video": 1, "problem": 1, "forum": 0, "other": 0}},
            {"week": 2, "total": 1, "kinds": {"video": 1, "problem": 0, "forum": 0, "other": 0}},
            {"week": 3, "total": 0, "kinds": {"video": 0, "problem": 0, "forum": 0, "other": 0}},
            {"week": 4, "total": 0, "kinds": {"video": 0, "problem": 0, "forum": 0, "other": 0}},
            {"week": 5, "total": 0, "kinds": {"video": 0, "problem": 0, "forum": 0, "other": 0}},
        ],
        "change": None,
        "tasks": [
            {
                "block": HOMEWORK,
                "name": "Homework 1",
                "due": "2024-01-31T00:00:00Z",
                "state": "graded",
                "score": 0.5,
                "possible": 1.0,
                "attempts": 2,
                "at": "2024-01-01T00:00:00Z",
            },
            {
                "block": "other",
                "name": "Exam",
                "due": None,
                "state": "not_yet",
                "score": None,
                "possible": None,
                "attempts": 0,
                "at": None,
            },
        ],
        "indicators": {},
        "messages": [
            {"id": second, "subject": "Again", "state": "queued", "at": None},
            {"id": first, "subject": "Hello (first name)", "state": "sent", "at": "2024-01-01T00:00:00Z"},
        ],
    }


def test_indicators_are_read_from_what_the_worker_keeps(learner: Learner, staff_client: Client) -> None:
    kept = Counters(events=3, sessions=2, active_days=2, by_weekday=[2, 0, 0, 0, 0, 0, 0], spinning=1)
    LearnerState.objects.create(learner=learner, model="m", hidden=b"", counters=kept.to_bytes(), position=3)
    found = staff_client.get(address(learner)).json()["indicators"]
    assert list(found) == [one.name for one in INDICATORS]
    assert (found["sessions"], found["wheel_spinning"], found["latency_days"]) == (2, 1, None)
    assert found["weekday_regularity"] == 3.89  # 2 x log 7


def test_a_learner_who_comes_less_often_is_described(learner: Learner, staff_client: Client) -> None:
    learner.enrolled_at = START
    learner.save()
    visits = [*(7 * week + day for week in range(4) for day in range(4)), 30]
    rows = [Row(to_microseconds(START + timedelta(days=day, hours=1)), 0, 0, 0, NONE, NONE, -1) for day in visits]
    chunk = HistoryChunk.objects.get()
    chunk.first, chunk.last, chunk.events, chunk.data = rows[0].time, rows[-1].time, len(rows), pack(rows)
    chunk.save()
    Clock.objects.update(site_time=START + timedelta(days=34, hours=5))
    says = staff_client.get(address(learner)).json()["change"]
    assert says == "Used to be here on 4 days a week; in the last seven days on 1."
    with translation.override("de"):
        german = told(Learner.objects.get(), START + timedelta(days=34))["change"]
    assert german == "War sonst an 4 Tagen in der Woche da, in den letzten sieben Tagen an 1."
    learner.state = "finished"
    learner.save()
    assert staff_client.get(address(learner)).json()["change"] is None


@pytest.mark.parametrize(
    ("row", "due", "state"),
    [
        ({"score": 1, "possible": 1}, -1, "graded"),
        ({}, -1, "not_graded"),
        ({"score": 0, "possible": 1, "handed_in": False}, -1, "excused"),
        ({"handed_in": False}, -1, "missing"),
        (None, -1, "missing"),
        (None, 0, "missing"),
        (None, 1, "not_yet"),
        (None, None, "not_yet"),
    ],
)
def test_where_a_learner_stands_with_a_task(
    site: Any, learner: Learner, staff_client: Client, row: Any, due: Any, state: str
) -> None:
    Submission.objects.all().delete()
    if row is not None:
        Submission.objects.create(learner=learner, block=HOMEWORK, **{"last_at": 5, **row})
    at = None if due is None else to_microseconds(NOW) + due * 1_000_000
    site.run.graded = [[HOMEWORK, 1.0, at, "Homework 1"]]
    site.run.save()
    (task,) = staff_client.get(address(learner)).json()["tasks"]
    assert task["state"] == state
    assert (task["at"] is not None) is (state in ("graded", "not_graded"))


def test_a_learners_own_due_date_and_an_overridden_subsection_are_told(
    site: Any, learner: Learner, staff_client: Client
) -> None:
    Submission.objects.all().delete()
    site.run.graded = [[HOMEWORK, 1.0, to_microseconds(START), "Homework 1", "subsection"]]
    site.run.own_dates = True
    site.run.save()
    DueDate.objects.create(learner=learner, block=HOMEWORK, due=to_microseconds(NOW) + 1_000_000)
    (task,) = staff_client.get(address(learner)).json()["tasks"]
    assert (task["state"], task["due"]) == ("not_yet", "2024-01-31T00:00:01Z")
    DueDate.objects.all().delete()
    Submission.objects.create(learner=learner, block="subsection", score=1, possible=1, handed_in=False, last_at=0)
    (task,) = staff_client.get(address(learner)).json()["tasks"]
    assert (task["state"], task["score"]) == ("excused", None)


def test_nothing_says_who_the_learner_is(learner: Learner, staff_client: Client) -> None:
    response = staff_client.get(address(learner))
    told = (response.content.decode() + repr(response.headers)).lower()
    assert "marked" not in told
    assert str(learner.user_id) not in told


def test_whoever_looks_at_a_learner_is_written_down(site: Any, learner: Learner, staff_client: Client) -> None:
    staff_client.get(address(learner))
    record = AccessRecord.objects.get()
    assert (record.user_id, record.action) == (site.users["staff"].pk, "look")
    assert record.detail == {"learner": learner.pseudonym}


def test_somebody_without_clicks_has_empty_lists(site: Any, staff_client: Client) -> None:
    body = staff_client.get(address(site.learner(5, state="never_started"))).json()
    assert (body["weeks"], body["activity"], body["messages"], body["last_active"]) == ([], [], [], None)
    assert body["probabilities"] == {"certify": None, "complete": None, "leave": None}


def test_weeks_of_the_self_paced_begin_at_enrolment(learner: Learner, staff_client: Client) -> None:
    CourseRun.objects.update(self_paced=True)
    Learner.objects.update(enrolled_at=START + timedelta(days=7))
    weeks = [week["week"] for week in staff_client.get(address(learner)).json()["activity"]]
    assert weeks == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("pseudonym", ["zzzzzzzz", "A" * 8, "0", "ada@example.org", "a" * 300, "%00", "'"])
def test_a_pseudonym_that_is_not_there_is_not_found(learner: Learner, staff_client: Client, pseudonym: str) -> None:
    response = staff_client.get(address(learner).replace(learner.pseudonym, pseudonym))
    assert_problem(response, 404)
    assert not AccessRecord.objects.exists()


def test_a_learner_of_another_course_is_not_found_and_nobody_who_left(
    site: Any, learner: Learner, staff_client: Client
) -> None:
    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=START)
    elsewhere = Learner.objects.create(course_run=other, user_id=5, enrolled_at=START)
    assert_problem(staff_client.get(address(learner).replace(learner.pseudonym, elsewhere.pseudonym)), 404)
    assert_problem(staff_client.get(address(site.learner(6, state="left"))), 404)


@pytest.mark.parametrize("much", [1, 40])
def test_the_number_of_queries_does_not_grow_with_what_there_is(
    learner: Learner, staff_client: Client, much: int
) -> None:
    for number in range(much):
        write_to(learner, "Hello", "sent", START)
        DailySnapshot.objects.create(learner=learner, day=date(2024, 2, 1) + timedelta(days=number), model="m")
    with questions() as asked:
        assert staff_client.get(address(learner)).status_code == 200
    assert len(asked) <= 13


def test_why_is_told_in_words_of_what_is_shown(learner: Learner, staff_client: Client) -> None:
    kept = '{"certify":[["silence",-0.81,9.4],["tasks",0.4,0.67],["of a later version",0.3,1]],"leave":[["silence",1.2,9.4]]}'
    Prediction.objects.filter(learner=learner).update(reasons=kept)
    assert staff_client.get(address(learner)).json()["reasons"] == {
        "certify": [
            {"text": "no activity for 9 days", "effect": -0.81},
            {"text": "67 % of the points that were due handed in", "effect": 0.4},
        ]
    }
