"""Criteria: one meaning, on the table of cases that the page's JavaScript is tested on too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engage_backend.messaging.criteria import MOST_NAMES, Criteria, CriteriaProblem
from engage_backend.messaging.describe import describe
from engage_backend.messaging.selection import counts, select
from engage_backend.models import (
    Communication,
    CommunicationVersion,
    CourseRun,
    Delivery,
    DeliveryState,
    DueDate,
    Learner,
    Prediction,
    Submission,
)

TABLE = json.loads((Path(__file__).parents[1] / "data" / "criteria_cases.json").read_text(encoding="utf-8"))
NOW = datetime.fromtimestamp(TABLE["now"] * 60 + 59, tz=UTC)  # seconds do not count: the page has minutes

MINUTE = 60_000_000  # microseconds


def named(part: str) -> Any:
    return pytest.mark.parametrize("case", TABLE[part], ids=lambda case: case["name"])


def moment(minutes: int | None) -> datetime | None:
    return None if minutes is None else datetime.fromtimestamp(minutes * 60 + 30, tz=UTC)


@pytest.fixture
def course(site: Any) -> CourseRun:
    """The course run of the table, in the database."""
    run: CourseRun = site.run
    minutes = {block: due and due * MINUTE for block, due in TABLE["due"].items()}
    run.graded = [[block, 0.25, minutes[block]] for block in TABLE["tasks"]]
    run.grace, run.own_dates = TABLE["grace"] * MINUTE, True
    run.save()
    message = Communication.objects.create(course_run=run, author_id=1)
    version = CommunicationVersion.objects.create(communication=message, number=1, author_id=1, criteria={})
    unsent = Communication.objects.create(course_run=run, author_id=1)
    for number, one in enumerate(TABLE["learners"], 1):
        learner = Learner.objects.create(
            course_run=run,
            user_id=number,
            enrolled_at=NOW,
            last_active=moment(one["last_active"]),
            **{key: one[key] for key in ("pseudonym", "state", "mode", "cohort")},
        )
        figures = {target: one[target] for target in ("certify", "complete", "leave")}
        Prediction.objects.create(learner=learner, course_run=run, as_of=NOW, version=1, **figures)
        for block, own in TABLE["own_due"].items():
            if one["pseudonym"] in own:
                due = own[one["pseudonym"]]
                DueDate.objects.create(learner=learner, block=block, due=due and due * MINUTE)
        for block in [block for block, who in TABLE["excused"].items() if one["pseudonym"] in who]:
            Submission.objects.create(learner=learner, block=block, score=1, possible=1, handed_in=False, last_at=0)
        for block in one["handed_in"]:
            Submission.objects.create(learner=learner, block=block, score=0, possible=1, last_at=0)
        if one["written"] is not None:
            sent = {"learner": learner, "communication": message, "version": version, "state": DeliveryState.SENT}
            Delivery.objects.create(**sent, finished_at=moment(one["written"]))
        # What never went out is not a message that somebody had.
        failed = {"learner": learner, "communication": unsent, "version": version, "state": DeliveryState.FAILED}
        Delivery.objects.create(**failed, finished_at=NOW)
    twin = CourseRun.objects.create(course_key="course-v1:TestX+Twin+2024", start=run.start, graded=run.graded)
    Learner.objects.create(course_run=twin, user_id=1, pseudonym="aaaaaaaa", state="active", enrolled_at=NOW)
    return run


def pseudonyms(run: CourseRun, criteria: Criteria) -> list[str]:
    chosen = Learner.objects.filter(pk__in=select(run, criteria, NOW), course_run=run)
    return sorted(chosen.values_list("pseudonym", flat=True))


@pytest.mark.django_db
def test_the_table_of_cases_holds(course: CourseRun) -> None:
    wrong = {}
    for case in TABLE["cases"]:
        criteria = Criteria.from_json(case["criteria"])
        chosen = pseudonyms(course, criteria)
        if chosen != sorted(case["selected"]) or counts(course, [criteria], NOW) != [len(case["selected"])]:
            wrong[case["name"]] = chosen
    assert wrong == {}


@named("cases")
def test_criteria_come_back_from_json_as_they_went(case: dict[str, Any]) -> None:
    criteria = Criteria.from_json(case["criteria"])
    assert Criteria.from_json(json.loads(json.dumps(criteria.to_json()))) == criteria


@named("refused")
def test_what_is_no_criteria_is_refused_by_the_key_that_is_wrong(case: dict[str, Any]) -> None:
    with pytest.raises(CriteriaProblem) as problem:
        Criteria.from_json(case["criteria"])
    assert problem.value.key == case["key"]
    assert str(problem.value).startswith(case["key"])


def test_ten_thousand_can_be_ticked_one_by_one_and_no_more() -> None:
    names = [f"{number:08d}" for number in range(MOST_NAMES + 1)]
    assert len(Criteria.from_json({"version": 1, "include": names[1:]}).include) == MOST_NAMES
    with pytest.raises(CriteriaProblem, match="include: has 10001 entries"):
        Criteria.from_json({"version": 1, "include": names})


@pytest.mark.django_db
def test_ten_thousand_names_are_asked_for_in_one_query(course: CourseRun) -> None:
    names = tuple(f"{number:08d}" for number in range(MOST_NAMES - 1))
    criteria = Criteria(include=(*names, "hhhhhhhh"), exclude=(*names, "aaaaaaaa"))
    with CaptureQueriesContext(connection) as queries:
        chosen = select(course, criteria, NOW)
    assert len(chosen) == 7
    assert len(queries) == 1


@pytest.mark.django_db
def test_time_moves_learners_in_and_out_to_the_minute(course: CourseRun) -> None:
    silent = Criteria(days_inactive=(9, None))
    at = NOW.replace(second=0)
    lapsing = Learner.objects.get(course_run=course, pseudonym="ffffffff").pk  # nine days in a minute
    assert lapsing not in select(course, silent, at)
    assert lapsing not in select(course, silent, at + timedelta(seconds=59))
    assert lapsing in select(course, silent, at + timedelta(minutes=1))


@named("cases")
def test_every_case_is_said_in_plain_words(case: dict[str, Any]) -> None:
    said = describe(Criteria.from_json(case["criteria"]), tasks={TABLE["tasks"][0]: "Homework 1"})
    assert said
    assert "{" not in said and "_" not in said.replace(TABLE["tasks"][1], "")


def test_criteria_in_plain_words_say_all_that_they_ask() -> None:
    data = {
        "version": 1,
        "states": ["active", "gone"],
        "ranges": {"certify": [0, 205], "complete": [800, 1000]},
        "days_inactive": [9, None],
        "modes": ["audit"],
        "cohorts": ["North", ""],
        "task": {"block": TABLE["tasks"][0], "handed_in": False},
        "written_to": {"days": 7, "had": False},
        "include": ["aaaaaaaa"],
        "exclude": ["bbbbbbbb", "cccccccc"],
    }
    assert describe(Criteria.from_json(data), tasks={TABLE["tasks"][0]: "Homework 1"}) == (
        "active or gone; certify 0–20.5 %; complete 80–100 %; silent for 9 days or more; enrolment mode audit; "
        "cohort North or none; “Homework 1” not handed in; not written to in the last 7 days; 2 left out by hand; "
        "1 added by hand"
    )
