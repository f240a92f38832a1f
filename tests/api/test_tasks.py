"""The course's tasks, and who has handed them in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from engage_backend.models import CourseRun, DueDate, Learner, Submission
from engage_backend.platform.moments import to_microseconds, to_minutes
from tests.api.counting import questions
from tests.api.test_access import assert_problem

ESSAY, SUMS, QUIZ = (f"block-v1:TestX+T101+2024+type@problem+block@{name}" for name in ("essay", "sums", "quiz"))
DUE = datetime(2024, 3, 4, 23, 59, tzinfo=UTC)
DATES = {"due": to_minutes(DUE) - 1440, "grace": 0, "own_due": {}}  # of SUMS


@pytest.fixture
def url(site: Any) -> str:
    """The endpoint's address, in a course with three tasks; one row is as it was stored before tasks had names."""
    late, early = to_microseconds(DUE), to_microseconds(DUE) - 86_400_000_000
    site.run.graded = [[QUIZ, 0.1, None], [ESSAY, 0.6, late, "The essay"], [SUMS, 0.3, early, "Homework 1: Sums"]]
    site.run.save()
    return f"/engage/api/v1/courses/{site.run.course_key}/tasks"


def hand_in(learner: Any, *blocks: str) -> None:
    for block in blocks:
        Submission.objects.create(learner=learner, block=block, score=0, possible=1, last_at=0)


def test_tasks_come_by_due_date_with_names_and_how_many_handed_in(site: Any, staff_client: Client, url: str) -> None:
    hand_in(site.learner(1), ESSAY, SUMS, "block-v1:TestX+T101+2024+type@problem+block@practice")
    hand_in(site.learner(2, state="gone"), SUMS)
    hand_in(site.learner(3, state="left"), SUMS)
    assert staff_client.get(url).json()["tasks"] == [
        {
            "block": SUMS,
            "name": "Homework 1: Sums",
            "due": "2024-03-03T23:59:00Z",
            "points": 0.3,
            "handed_in": 2,
            "of": 2,
        },
        {"block": ESSAY, "name": "The essay", "due": "2024-03-04T23:59:00Z", "points": 0.6, "handed_in": 1, "of": 2},
        {"block": QUIZ, "name": "quiz", "due": None, "points": 0.1, "handed_in": 0, "of": 2},
    ]


def test_who_handed_in_is_told_by_pseudonym(site: Any, staff_client: Client, url: str) -> None:
    one, other, gone = site.learner(1), site.learner(2), site.learner(3, state="left")
    hand_in(one, SUMS)
    hand_in(other, ESSAY)
    hand_in(gone, SUMS)
    excused, deleted = site.learner(4), site.learner(5)
    Submission.objects.create(learner=excused, block=SUMS, handed_in=False, score=1, possible=1, last_at=0)
    Submission.objects.create(learner=deleted, block=SUMS, handed_in=False, last_at=0)
    response = staff_client.get(f"{url}/handed_in", {"block": SUMS})
    assert response.json() == {"block": SUMS, "learners": [one.pseudonym], "excused": [excused.pseudonym], **DATES}
    again = staff_client.get(f"{url}/handed_in", {"block": SUMS}, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_for_whom_a_task_is_due_at_another_time_is_told(site: Any, staff_client: Client, url: str) -> None:
    later, never, same = site.learner(1), site.learner(2), site.learner(3)
    site.run.own_dates, site.run.grace = True, 7_200_000_000
    site.run.save()
    DueDate.objects.create(learner=later, block=SUMS, due=to_microseconds(DUE))
    DueDate.objects.create(learner=never, block=SUMS, due=None)
    DueDate.objects.create(learner=same, block=SUMS, due=to_microseconds(DUE) - 86_400_000_000)
    told = staff_client.get(f"{url}/handed_in", {"block": SUMS}).json()
    assert (told["due"], told["grace"]) == (to_minutes(DUE) - 1440, 120)
    assert told["own_due"] == {later.pseudonym: to_minutes(DUE), never.pseudonym: None}
    site.run.graded = [[SUMS, 1.0, None, "Homework 1", "", 86_400_000_000]]
    site.run.save()
    later.due_dates.all().delete()
    Learner.objects.filter(pk=later.pk).update(dates_from=to_microseconds(DUE))
    told = staff_client.get(f"{url}/handed_in", {"block": SUMS}).json()
    assert told["due"] is None
    assert told["own_due"] == {later.pseudonym: to_minutes(DUE) + 1440, same.pseudonym: to_minutes(DUE) - 1440}


@pytest.mark.parametrize("block", ["", "nonsense", SUMS.upper()])
def test_a_task_that_the_course_does_not_have_is_not_found(
    site: Any, staff_client: Client, url: str, block: str
) -> None:
    assert_problem(staff_client.get(f"{url}/handed_in", {"block": block}), 404)


def test_a_course_that_no_consumer_has_met_has_no_tasks(site: Any, staff_client: Client, url: str) -> None:
    CourseRun.objects.all().delete()
    assert staff_client.get(url).json() == {"tasks": []}


@pytest.mark.parametrize("learners", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_course(
    site: Any, staff_client: Client, url: str, learners: int
) -> None:
    for number in range(learners):
        hand_in(site.learner(number), SUMS, ESSAY, QUIZ)
    for address in (url, f"{url}/handed_in?block={SUMS.replace('+', '%2B')}"):
        with questions() as asked:
            assert staff_client.get(address).status_code == 200
        assert len(asked) < 10
