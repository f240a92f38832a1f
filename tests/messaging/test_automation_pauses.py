"""Messages that go out by themselves do not when in doubt: automation pauses, and its author is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engage_backend.messaging.automation.guards import (
    Health,
    Past,
    Today,
    data_problems,
    delivery_problems,
    volume_problems,
)
from engage_backend.models import AutomationDay, Checkpoint, Communication, CourseRun, Kind
from engage_backend.tasks import tell
from tests.messaging.automatic import DAY, FIRST, Course


def test_a_stopped_log_pauses_and_tells_the_author(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    course.day(1, fed=False)
    assert "no click has come for 25 hours" in course.paused()
    day = AutomationDay.objects.latest("day")
    assert tell(day.pk)
    assert course.smtp.letters[0]["Subject"] == "Paused: Hello (first name)"
    assert course.smtp.addresses == [course.site.users["staff"].email]


def test_a_hole_in_the_log_pauses(course: Course) -> None:
    for learner in course.learners:
        course.clicks(learner, 1, 2.5, 3, 4)
    course.automatic("send")
    course.day(0)
    assert "gap of 36 hours" in course.paused()


def test_lost_records_pause(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    Checkpoint.objects.update(position={"gaps": 1})
    course.day(1)
    assert "records of the log were lost" in course.paused()


def test_another_model_pauses(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    CourseRun.objects.update(model="engage-base/another")
    course.day(1)
    assert "the model has changed" in course.paused()
    assert course.smtp.letters == []


def test_clicks_that_the_model_does_not_know_pause(course: Course) -> None:
    Kind.objects.update(name="a kind of a new release")
    course.automatic("send")
    course.day(0)
    assert "knows only 0% of the latest clicks" in course.paused()


def test_a_model_that_reads_something_else_pauses(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    CourseRun.objects.update(drift={"colour": "amber", "why": [], "nights": []})
    course.day(1)
    assert course.paused() == ""
    CourseRun.objects.update(drift={"colour": "red", "why": [], "nights": []})
    course.day(2)
    assert "what the model reads of this course has changed" in course.paused()


def test_clicks_of_kinds_that_no_heard_part_reads_do_not_pause(course: Course) -> None:
    Kind.objects.update(name="xblock_view:vertical")  # a page: the trees know it, the vocabulary of the LSTM does not
    course.automatic("send")
    course.day(0)
    assert course.paused() == ""


def test_more_matches_than_usual_pause(course: Course) -> None:
    for learner in course.learners[2:10]:
        course.leave(learner, 900)
    course.automatic("send")
    course.day(0)
    course.day(1)
    assert "10 learners match, more than 5% of the course" in course.paused()
    assert course.smtp.letters == []


def test_deliveries_that_fail_pause(course: Course) -> None:
    course.smtp.at_rcpt = lambda address, number: "550 no"
    course.automatic("send")
    for number in range(3):
        course.day(number)
        course.work()
    assert "2 of 2 messages of the last seven days did not get through" in course.paused()


def test_after_a_pause_the_author_turns_it_on_again_and_it_begins_anew(course: Course) -> None:
    made = course.automatic("send")
    course.day(0)
    course.day(3)
    assert course.paused()
    course.patch(f"/{made['id']}", {"automation": "send"})
    assert course.paused() == ""
    course.day(4)
    course.day(5)
    course.work()
    assert len(course.smtp.letters) == 2


def test_automation_ends_with_the_course(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    CourseRun.objects.update(end=FIRST + DAY)
    course.day(1)
    assert (Communication.objects.get().automation, course.paused()) == ("off", "the course has ended")
    assert course.smtp.letters == []


OK = Health(lag=timedelta(hours=1), longest_gap=timedelta(hours=24), gaps=0, known_share=0.6)
FINE = Today(model="m", fresh=5, learners=100)


def test_the_edges_are_on_the_side_of_going_on() -> None:
    past = Past(days_since=1, model="m", gaps=0, fresh=[2, 1, 3], taken=10, failing=1)
    assert list(data_problems(OK, past, FINE)) == []
    assert list(delivery_problems(past)) == []
    assert list(volume_problems(past, FINE)) == []
    assert list(data_problems(OK, Past(), FINE)) == []


@pytest.mark.parametrize(
    "health",
    [
        Health(lag=None),
        Health(lag=timedelta(hours=24, seconds=1)),
        Health(lag=timedelta(), longest_gap=timedelta(hours=24, seconds=1)),
        Health(lag=timedelta(), gaps=1),
        Health(lag=timedelta(), known_share=0.59),
    ],
)
def test_one_step_further_is_too_far(health: Health) -> None:
    (reason,) = data_problems(health, Past(days_since=1, model="m"), FINE)
    assert reason


@pytest.mark.parametrize(
    ("past", "today"),
    [
        (Past(fresh=[1, 1, 1]), Today("m", 4, 100)),
        (Past(fresh=[0, 0, 0]), Today("m", 4, 1000)),
        (Past(), Today("m", 6, 100)),
    ],
)
def test_too_many_at_once_is_asked_about(past: Past, today: Today) -> None:
    (reason,) = volume_problems(past, today)
    assert "learners match" in str(reason)
