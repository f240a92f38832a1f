"""The daily pass keeps what came of those active two weeks ago, and says it beside `leave`."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.live.engine import Engine
from engage_backend.models import CourseRun, DailySnapshot, Learner, LeaveCohort
from engage_backend.platform.standalone.models import Course, Enrolment
from tests.engagement.clicks import COURSE, DAY, START, click
from tests.engagement.live.conftest import LiveSite

FIRST = 1_000  # user ids begin here
BEGINS = datetime.fromtimestamp(START / 1e6, UTC)


@pytest.fixture
def course(live: LiveSite) -> LiveSite:
    """Sixty more learners are enrolled."""
    for user_id in range(FIRST, FIRST + 60):
        user = User.objects.create(id=user_id, username=f"learner{user_id}")
        Enrolment.objects.create(course=Course.objects.get(), user=user, created=BEGINS)
    return live


def visit(user: int, day: float) -> ClickEvent:
    """One click of a learner on a day of the course."""
    return click(user, START + int(day * DAY), "courseware", random.Random(f"{user} {day}"))


def days(live: LiveSite, engine: Engine, visits: Mapping[int, Any], until: int, *, begin: int = 1) -> None:
    """Let the days pass: each day's clicks, then its pass. `visits`: day -> user ids."""
    for day in range(begin, until + 1):
        live.clock(day + 0.3)
        engine.ingest([visit(user, day - 0.5) for user in visits.get(day, ())])
        engine.tick()


EVERYBODY = range(FIRST, FIRST + 60)
STAY = range(FIRST, FIRST + 40)


def test_of_those_active_two_weeks_ago_it_is_told_how_many_have_not_been_back(course: LiveSite, client: Any) -> None:
    engine = course.engine()
    days(course, engine, {5: EVERYBODY, 9: STAY, 20: STAY}, 20)
    run = CourseRun.objects.get()
    # Of day 6, two weeks before: all sixty were active; twenty were not seen from day 8 on.
    assert run.leave_fact == [(BEGINS + timedelta(days=6)).date().isoformat(), 60, 20]
    client.force_login(User.objects.create_user("boss", is_superuser=True, is_staff=True))
    answer = json.loads(client.get(f"/engage/api/v1/courses/{COURSE}/predictions").content)
    assert answer["leave_fact"] == {"day": "2024-01-07", "active": 60, "not_back": 20}
    assert (answer["leave_shown_as"], answer["leave_correction"]) == ("rank", None)
    # The next pass speaks of the next day, and the page hears of it by its cursor.
    days(course, engine, {}, 21, begin=21)
    later = json.loads(client.get(f"/engage/api/v1/courses/{COURSE}/predictions?since={answer['cursor']}").content)
    assert later["leave_fact"]["day"] == "2024-01-08"


@pytest.mark.parametrize(("active", "stay"), [(49, 20), (60, 46), (60, 14)])
def test_nothing_is_told_of_fewer_than_50_learners_or_15_of_either_outcome(
    course: LiveSite, active: int, stay: int
) -> None:
    days(course, course.engine(), {5: EVERYBODY[:active], 9: EVERYBODY[:stay], 20: EVERYBODY[:stay]}, 20)
    assert CourseRun.objects.get().leave_fact is None
    # And it is told where there is one more.
    users = range(FIRST + 100, FIRST + 130)
    for user_id in users:
        user = User.objects.create(id=user_id, username=f"learner{user_id}")
        Enrolment.objects.create(course=Course.objects.get(), user=user, created=BEGINS)
    CourseRun.objects.all().delete()
    seen = {5: [*EVERYBODY[:active], *users], 9: [*EVERYBODY[:stay], *users[:15]]}
    days(course, course.engine(), seen, 20)
    told = CourseRun.objects.get().leave_fact
    assert told is not None and told[1:] == [active + 30, active - stay + 15]


def test_what_came_is_read_at_14_days_and_stays_whatever_comes_later(course: LiveSite) -> None:
    engine = course.engine()
    days(course, engine, {5: EVERYBODY, 12: STAY, 21: STAY}, 21)
    kept = LeaveCohort.objects.get()
    assert kept.day == (BEGINS + timedelta(days=7)).date()
    assert [sum(column) for column in list(zip(*kept.shown, strict=True))[1:]] == [60, 20]
    before = kept.shown
    days(course, engine, {22: EVERYBODY, 23: EVERYBODY}, 28, begin=22)  # those who were away are back, on the 15th day
    assert LeaveCohort.objects.get(day=kept.day).shown == before
    # Read from snapshots alone it is the same, though everybody's last visit is later by now.
    LeaveCohort.objects.all().delete()
    Learner.objects.update(last_active=BEGINS + timedelta(days=27))
    days(course, engine, {}, 29, begin=29)
    assert LeaveCohort.objects.get(day=kept.day).shown == before


def test_figures_are_those_that_were_shown_on_the_day(course: LiveSite) -> None:
    engine = course.engine()
    days(course, engine, {5: EVERYBODY, 12: STAY}, 7)
    shown = sorted(
        DailySnapshot.objects.filter(day=(BEGINS + timedelta(days=7)).date()).values_list("leave", flat=True)
    )
    days(course, engine, {12: STAY}, 21, begin=8)
    kept = LeaveCohort.objects.get()
    assert [figure for figure, count, _ in kept.shown for _ in range(count)] == shown
    assert kept.model == CourseRun.objects.get().model


def test_a_week_without_snapshots_has_no_cohort_and_a_late_pass_stands_for_its_day(course: LiveSite) -> None:
    engine = course.engine()
    for day in (*range(1, 7), 8, *range(12, 20), 22):  # away on the 7th and at the second week's end
        days(course, engine, {5: EVERYBODY, 12: STAY}, day, begin=day)
    assert [one.day for one in LeaveCohort.objects.all()] == [(BEGINS + timedelta(days=8)).date()]
    for day in range(23, 30):
        days(course, engine, {}, day, begin=day)
    ends = sorted((one.day - BEGINS.date()).days for one in LeaveCohort.objects.all())
    assert ends == [8, 14]


def test_a_percentage_is_offered_once_it_has_proved_itself_and_goes_with_the_model(
    course: LiveSite, client: Any, settings: Any
) -> None:
    engine = course.engine()
    days(course, engine, {5: EVERYBODY}, 5)
    run = CourseRun.objects.get()
    for week in range(1, 11):  # as earlier passes left them: a third of what comes was said
        day = BEGINS.date() + timedelta(weeks=week)
        rows = [[figure, 100, round(0.3 * figure)] for figure in (40, 80, 120, 160)]
        LeaveCohort.objects.create(course_run=run, day=day, model=run.model, shown=rows)
    course.clock(77.3)
    engine.tick()
    client.force_login(User.objects.create_user("boss", is_superuser=True, is_staff=True))
    answer = json.loads(client.get(f"/engage/api/v1/courses/{COURSE}/predictions").content)
    assert answer["leave_shown_as"] == "share"
    assert answer["leave_correction"]["intercept"] > 0.5
    LeaveCohort.objects.update(model="another/0123456789abcdef")
    course.clock(78.3)
    engine.tick()
    answer = json.loads(client.get(f"/engage/api/v1/courses/{COURSE}/predictions").content)
    assert (answer["leave_shown_as"], answer["leave_correction"]) == ("rank", None)
