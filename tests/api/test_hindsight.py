"""How what was shown turned out, and when that is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from engage_backend.models import CourseRun, DailySnapshot, Learner, Submission
from engage_backend.platform.standalone.models import Clock
from tests.api.counting import questions

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
WEEK_4 = START.replace(hour=0) + timedelta(days=28)
END = START + timedelta(days=100)
EXAM, ESSAY = "block-v1:TestX+T101+2024+type@problem+block@exam", "block-v1:TestX+T101+2024+type@problem+block@essay"


@pytest.fixture
def url(site: Any) -> str:
    """The endpoint's address, in a run of a hundred days that is over."""
    site.run.start, site.run.end, site.run.passing_grade = START, END, 0.5
    site.run.graded = [[EXAM, 0.5, None, "Exam"], [ESSAY, 0.5, None, "Essay"]]
    site.run.save()
    Clock.objects.create(site_time=END, real_time=END, speed=0)
    return f"/engage/api/v1/courses/{site.run.course_key}/hindsight"


def shown(site: Any, number: int, figures: tuple[Any, Any, Any], *, days: int = 28, **values: Any) -> Learner:
    one: Learner = site.learner(number)
    Learner.objects.filter(pk=one.pk).update(**values)
    named = dict(zip(("certify", "complete", "leave"), figures, strict=True))
    day = START.date() + timedelta(days=days)
    DailySnapshot.objects.create(learner=one, day=day, model="m", **named)
    return one


def rows(client: Client, url: str, target: str) -> list[tuple[int, int, int, int, int]]:
    found = [row for row in client.get(url).json()["rows"] if row["target"] == target]
    return [tuple(row[key] for key in ("week", "low", "high", "learners", "happened")) for row in found]  # type: ignore[misc]


def test_of_those_who_were_called_so_and_so_it_is_told_how_many_certified(
    site: Any, staff_client: Client, url: str
) -> None:
    shown(site, 1, (700, 0, None), finished_at=END)
    shown(site, 2, (799, 0, None))
    shown(site, 3, (1000, 0, None), finished_at=END)
    shown(site, 4, (900, 0, None), finished_at=END, state="left")
    shown(site, 5, (99, 0, None))
    shown(site, 6, (0, 0, None), days=14)
    shown(site, 7, (500, 0, None), days=21)  # no week that we look back to
    site.learner(8, state="never_started")
    assert rows(staff_client, url, "certify") == [
        (2, 0, 99, 1, 0),
        (4, 0, 99, 1, 0),
        (4, 700, 799, 2, 1),
        (4, 900, 1000, 2, 2),
    ]


def test_to_complete_is_to_hand_in_enough_to_pass(site: Any, staff_client: Client, url: str) -> None:
    enough = shown(site, 1, (0, 850, None))
    Submission.objects.create(learner=enough, block=ESSAY, score=0, possible=1, last_at=0)
    ungraded = shown(site, 2, (0, 860, None))
    Submission.objects.create(learner=ungraded, block="practice", score=1, possible=1, last_at=0)
    shown(site, 3, (0, 100, None))
    assert rows(staff_client, url, "complete") == [(4, 100, 199, 1, 0), (4, 800, 899, 2, 1)]


def test_to_leave_is_not_to_come_back_after_two_days(site: Any, staff_client: Client, url: str) -> None:
    shown(site, 1, (0, 0, 900), last_active=WEEK_4 - timedelta(days=3))
    shown(site, 2, (0, 0, 900), last_active=WEEK_4 + timedelta(days=2))
    shown(site, 3, (0, 0, 900), last_active=WEEK_4 + timedelta(days=2, seconds=1))
    shown(site, 4, (0, 0, None), last_active=WEEK_4)
    assert rows(staff_client, url, "leave") == [(4, 900, 1000, 3, 2)]


def test_outcomes_are_told_as_soon_as_they_are_known_and_not_before(site: Any, staff_client: Client, url: str) -> None:
    shown(site, 1, (500, 500, 500), last_active=WEEK_4)

    def known(now: datetime) -> set[str]:
        Clock.objects.update(site_time=now)
        return {row["target"] for row in staff_client.get(url).json()["rows"]}

    assert known(WEEK_4 + timedelta(days=15)) == set()
    assert known(WEEK_4 + timedelta(days=16)) == {"leave"}
    assert known(END - timedelta(seconds=1)) == {"leave"}
    assert known(END) == {"certify", "complete", "leave"}
    CourseRun.objects.update(graded=[])
    assert known(END) == {"certify", "leave"}
    CourseRun.objects.update(end=None)
    assert known(END) == {"leave"}


@pytest.mark.parametrize(("late", "found"), [(-1, False), (0, True), (2, True), (3, False)])
def test_a_consumer_that_was_away_for_two_days_at_the_weeks_end_leaves_the_row(
    site: Any, staff_client: Client, url: str, late: int, found: bool
) -> None:
    shown(site, 1, (500, 500, 500), days=28 + late)
    assert bool(rows(staff_client, url, "certify")) is found


def test_of_several_days_the_first_stands_for_the_week(site: Any, staff_client: Client, url: str) -> None:
    one = shown(site, 1, (500, 500, 500), days=29)
    DailySnapshot.objects.create(learner=one, day=START.date() + timedelta(days=28), model="m", certify=100)
    assert rows(staff_client, url, "certify") == [(4, 100, 199, 1, 0)]


def test_without_snapshots_or_consumer_there_are_no_rows(site: Any, staff_client: Client, url: str) -> None:
    site.learner(1, shown=(1, 2, 3))
    assert staff_client.get(url).json() == {"rows": []}
    CourseRun.objects.all().delete()
    assert staff_client.get(url).json() == {"rows": []}


def test_the_number_of_queries_does_not_grow_and_an_answer_is_sent_once_a_day(
    site: Any, staff_client: Client, url: str
) -> None:
    for number in range(40):
        shown(site, number, (number, number, number), days=(7, 14, 28, 56)[number % 4])
    with questions() as asked:
        response = staff_client.get(url)
    assert response.json()["rows"]
    assert len(asked) < 10
    site.predict(site.learner(1), (5, 5, 5))
    assert staff_client.get(url, headers={"If-None-Match": response["ETag"]}).status_code == 304
    CourseRun.objects.update(clock_day=END.date())
    assert staff_client.get(url, headers={"If-None-Match": response["ETag"]}).status_code == 200
