"""The recipe of `docs/recipes.md` for those who have not handed in, with the bodies that stand there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from engage_backend.demo.clock import set_clock
from engage_backend.messaging.clock import tick
from engage_backend.messaging.said import in_words
from engage_backend.models import CourseRun, Delivery, DueDate, Submission
from engage_backend.platform.moments import to_microseconds
from tests.messaging.conftest import Mailing

RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCK = "block-v1:TestX+T101+2024+type@problem+block@hw3"
DUE = datetime(2024, 3, 10, 18, tzinfo=UTC)
HANDED_IN = {"block": BLOCK, "score": 1.0, "possible": 1.0, "last_at": 1}
MISSING = {"version": 1, "task": {"block": BLOCK, "handed_in": False}}


def body(pattern: str) -> Any:
    found = re.search(pattern, RECIPES, re.DOTALL)
    assert found is not None
    return json.loads(found[1].replace("BLOCK", BLOCK))


@pytest.fixture
def homework(mailing: Mailing, settings: Any) -> Mailing:
    """Homework 3 is due in 48 hours; the quiet hours are as a site has them that sets none."""
    settings.ENGAGE = {key: value for key, value in settings.ENGAGE.items() if key != "QUIET_HOURS"}
    at(48)
    CourseRun.objects.update(graded=[[BLOCK, 0.3, to_microseconds(DUE), "Homework 3"]])
    return mailing


def at(hours: float) -> datetime:
    """It is so many hours before homework 3 is due."""
    now = DUE - timedelta(hours=hours)
    set_clock(now, speed=0)
    return now


def reached() -> set[int]:
    return set(Delivery.objects.filter(state="sent").values_list("learner_id", flat=True))


def test_who_has_not_handed_in_by_then_is_written_to_once(homework: Mailing) -> None:
    mailing = homework
    early, late, *others = mailing.learners
    Submission.objects.create(learner=early, **HANDED_IN)
    draft = mailing.post(data=body(r"```json\n(.*?)```"), status=201)
    Submission.objects.create(learner=late, **HANDED_IN)  # after the draft was saved
    for _ in range(2):
        mailing.post(f"/{draft['id']}/resend", body(r"resend\".*?-d '(.*?)'"), status=202)
    mailing.minute()
    mailing.work()
    assert reached() == {learner.pk for learner in others}
    assert len(mailing.smtp.letters) == len(others)


def test_who_hands_in_during_the_quiet_hours_is_not_reminded_in_the_morning(homework: Mailing) -> None:
    early, night, *others = homework.learners
    at(42)  # midnight
    Submission.objects.create(learner=early, **HANDED_IN)
    draft = homework.post(data=body(r"```json\n(.*?)```"), status=201)
    homework.post(f"/{draft['id']}/resend", body(r"resend\".*?-d '(.*?)'"), status=202)
    homework.minute()
    assert homework.work() == 0
    Submission.objects.create(learner=night, **HANDED_IN)
    at(34)
    homework.work()
    assert reached() == {learner.pk for learner in others}
    assert homework.get(f"/{draft['id']}")["skipped"] == {"has handed in meanwhile": 1}


@pytest.mark.parametrize("released", [False, True])
def test_who_is_done_with_the_task_by_the_time_that_was_chosen_is_not_reminded(
    homework: Mailing, released: bool
) -> None:
    ungraded, excused, by_hand, without_date, other = homework.learners
    now = at(96)
    CourseRun.objects.update(own_dates=True)
    criteria = {**MISSING, "include": [by_hand.pseudonym], "task": {**MISSING["task"], "due_in_hours": [0, 100]}}
    made = homework.write(criteria=criteria, pseudonyms=[one.pseudonym for one in homework.learners])
    homework.send(made, send_at=(now + timedelta(hours=48)).isoformat())
    homework.minute()
    at(48)
    if released:
        tick()  # it waits for a worker
    Submission.objects.create(learner=ungraded, **{**HANDED_IN, "score": None})
    Submission.objects.create(learner=excused, **{**HANDED_IN, "handed_in": False})
    Submission.objects.create(learner=by_hand, **HANDED_IN)
    DueDate.objects.create(learner=without_date, block=BLOCK, due=None)
    homework.work()
    assert reached() == {other.pk}
    said = homework.get(f"/{made['id']}")
    assert said["skipped"] == {"has handed in meanwhile": 2, "does not have to hand in any more": 2}
    with translation.override("de"):
        assert [in_words(reason) for reason in sorted(said["skipped"], reverse=True)] == [
            "hat inzwischen abgegeben",
            "muss nicht mehr abgeben",
        ]


def test_only_the_task_is_asked_again_and_only_of_those_who_have_to_hand_it_in(homework: Mailing) -> None:
    now = at(96)
    Submission.objects.create(learner=homework.learners[0], **HANDED_IN)
    window = {**MISSING["task"], "due_in_hours": [72, 100]}  # which is over when the mail goes out
    for task in ({"block": BLOCK, "handed_in": True}, window):
        made = homework.post(
            data={"subject": "Homework", "body": "Dear [:fullname:],", "criteria": {"version": 1, "task": task}},
            status=201,
        )
        homework.send(made, send_at=(now + timedelta(hours=48)).isoformat())
    homework.minute()
    at(48)
    homework.work()
    assert homework.states() == {"sent": 5}
    assert reached() == {learner.pk for learner in homework.learners}
