"""Messages that go out by themselves: asked for twice, and to those who match for sure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from engage_backend.demo.clock import set_clock
from engage_backend.messaging.automation.limits import over_limit, quiet_until
from engage_backend.messaging.clock import tick
from engage_backend.models import AutomationDay, Communication, CourseRun, Delivery, Kind, Objection, Sending
from engage_backend.platform.standalone.models import OptOut
from engage_backend.tasks import tell
from tests.messaging.automatic import FIRST, SILENT, Course
from tests.messaging.conftest import Mailing


def test_automation_begins_by_asking_and_sends_in_a_second_step_only(course: Course) -> None:
    made = course.write(criteria=SILENT)
    refused = course.patch(f"/{made['id']}", {"automation": "send"}, status=409)
    assert 'begins with "ask"' in refused["detail"]
    assert course.patch(f"/{made['id']}", {"automation": "ask"})["automation"] == "ask"
    assert course.patch(f"/{made['id']}", {"automation": "send"})["automation"] == "send"
    course.patch(f"/{made['id']}", {"automation": "always"}, status=409)


def test_a_change_is_saved_as_a_whole_or_not_at_all(course: Course) -> None:
    made = course.write(criteria=SILENT)
    before = course.get(f"/{made['id']}")
    course.patch(f"/{made['id']}", {"subject": "Another", "order": 7, "automation": "send"}, status=409)
    assert course.get(f"/{made['id']}") == before


def test_ask_me_mails_the_author_who_matches_and_nobody_else(course: Course) -> None:
    made = course.automatic("ask")
    course.day(0)
    assert AutomationDay.objects.get().fresh == [], "a match needs two days in a row"
    course.day(1)
    day = AutomationDay.objects.latest("day")
    assert day.fresh == [learner.pk for learner in course.learners[:2]]
    assert tell(day.pk)
    assert not tell(day.pk), "once"
    assert course.smtp.addresses == [course.site.users["staff"].email]
    assert course.smtp.letters[0]["Subject"] == "2 new learners match: Hello (first name)"
    assert Delivery.objects.count() == 0
    whole = course.get(f"/{made['id']}")
    assert whole["matches"] == {"day": "2024-03-02", "fresh": 2, "decided": False}
    accepted = course.send(made, matches="2024-03-02", count=2)
    assert accepted["sending"]["selected"] == 2
    assert course.get(f"/{made['id']}")["matches"]["decided"]
    course.minute()
    course.work()
    assert sorted(course.smtp.addresses[1:]) == ["l1@people.example", "l2@people.example"]


def test_a_day_that_automation_did_not_look_at_cannot_be_sent(course: Course) -> None:
    made = course.automatic("ask")
    assert "did not look" in course.send(made, matches="2024-01-01", status=409)["detail"]
    assert "did not look" in course.send(made, matches="yesterday", status=409)["detail"]


def test_send_by_itself_writes_to_each_learner_once(course: Course) -> None:
    course.automatic("send")
    for number in range(4):
        course.day(number)
        course.work()
    assert sorted(course.smtp.addresses) == ["l1@people.example", "l2@people.example"]
    assert AutomationDay.objects.count() == 4
    assert Sending.objects.get().automatic
    course.leave(course.learners[2], 900)
    course.day(4)
    course.day(5)
    course.work()
    assert course.smtp.addresses[2:] == ["l3@people.example"]


def test_a_match_of_one_day_or_of_two_days_apart_is_none(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    course.leave(course.learners[0], 100)
    course.day(1)
    course.leave(course.learners[0], 900)
    course.day(2)
    course.work()
    assert course.smtp.addresses == ["l2@people.example"]


def test_who_was_active_on_fewer_than_three_days_is_not_known_well_enough(course: Course) -> None:
    course.clicks(course.learners[0], 1, 1.01, 2)
    course.automatic("send")
    course.day(0)
    course.day(1)
    course.work()
    assert course.smtp.addresses == ["l2@people.example"]


def test_a_consumer_that_stood_still_for_two_days_sends_nothing(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    course.day(3)  # with fresh clicks, and with the pass done
    course.day(4)
    course.work()
    assert course.smtp.letters == []
    assert Delivery.objects.count() == 0
    assert "stood still" in course.paused()
    assert AutomationDay.objects.get(day=date(2024, 3, 4)).tell == "paused"


def test_a_message_of_before_the_standstill_does_not_go_out_after_it(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    course.day(1, hour=5)  # matched at night, to be sent in the morning
    assert Sending.objects.get().state == "waiting"
    course.day(3)
    assert course.smtp.letters == []
    assert course.states() == {"skipped": 2}
    assert Sending.objects.get().state == "stopped"


def test_nothing_goes_out_at_night_in_the_courses_time_zone(course: Course) -> None:
    CourseRun.objects.update(time_zone="America/New_York")
    course.automatic("send")
    course.day(0)
    course.day(1, hour=12)  # seven in the morning there
    assert course.smtp.letters == []
    course.day(1, hour=13)
    course.work()
    assert len(course.smtp.letters) == 2


def test_what_is_put_off_into_the_night_waits_for_the_morning(course: Course) -> None:
    course.smtp.at_rcpt = lambda address, number: "450 later"
    course.automatic("send")
    course.day(0)
    course.day(1, hour=20)
    course.smtp.at_rcpt = lambda address, number: None
    course.retry()
    course.day(1, hour=22)
    assert course.smtp.letters == []
    course.retry()
    course.day(2, hour=8)
    course.work()
    assert len(course.smtp.letters) == 2


def test_a_learner_gets_one_message_a_day_and_two_a_week_in_the_order_of_the_rules(course: Course) -> None:
    for number in range(3):
        course.automatic("send", subject=f"Rule {number}")
    Communication.objects.filter(versions__subject="Rule 2").update(order=0)
    got = []
    for number in range(9):
        course.day(number)
        course.work()
        got.append([letter["Subject"] for letter in course.smtp.letters if letter["To"] == "l1@people.example"])
    assert [len(day) for day in got] == [0, 1, 2, 2, 2, 2, 2, 2, 3]
    assert got[-1] == ["Rule 2", "Rule 0", "Rule 1"]


def test_who_had_enough_is_shown_as_held_back(course: Course) -> None:
    for number in range(2):
        course.automatic("send", subject=f"Rule {number}")
    course.day(0)
    course.day(1)
    course.work()
    assert course.states() == {"held_back": 2, "sent": 2}
    assert {row.reason for row in Delivery.objects.filter(state="held_back")} == {"1 message in 24 hours"}


@pytest.mark.parametrize(
    ("later", "is_over"),
    [
        (timedelta(days=1), False),
        (timedelta(days=1, milliseconds=-30), False),  # the same minute
        (timedelta(days=1, seconds=29), False),
        (timedelta(days=1, seconds=-31), True),
        (timedelta(hours=1), True),
        (timedelta(hours=15), False),  # at night: it would go out at eight, a day and more later
    ],
)
def test_a_message_of_the_same_minute_of_the_day_before_does_not_count(
    course: Course, later: timedelta, is_over: bool
) -> None:
    begins = FIRST.replace(hour=7 if later == timedelta(hours=15) else 9, second=30, microsecond=40_000)
    set_clock(begins, speed=0)
    who = course.learners[0]
    course.send(course.write(pseudonyms=[who.pseudonym]), quiet="send")
    course.minute()
    tick()  # it is let go, and has gone out a minute and a half later
    set_clock(begins + timedelta(seconds=90), speed=0)
    course.work()
    assert course.states() == {"sent": 1}
    run = CourseRun.objects.get(pk=course.site.run.pk)
    assert over_limit(run, [who.pk], begins + later) == ({who.pk: "1 message in 24 hours"} if is_over else {})


def test_a_course_notice_is_not_held_back(course: Course) -> None:
    course.automatic("send", subject="Rule")
    course.automatic("send", subject="Deadline", course_notice=True)
    course.day(0)
    course.day(1)
    course.work()
    assert course.states() == {"sent": 4}


def test_nothing_is_looked_at_before_the_daily_pass(course: Course) -> None:
    course.automatic("send")
    course.day(0, passed=False)
    assert AutomationDay.objects.count() == 0


def test_stop_ends_automation(course: Course) -> None:
    made = course.automatic("send")
    course.day(0)
    course.post(f"/{made['id']}/stop")
    course.day(1)
    course.day(2)
    assert course.smtp.letters == []
    assert Communication.objects.get().automation == "off"


@pytest.mark.parametrize(
    ("hour", "hours", "until"),
    [
        (20, (21, 8), None),
        (21, (21, 8), "2024-03-02T08:00:00+00:00"),
        (3, (21, 8), "2024-03-01T08:00:00+00:00"),
        (8, (21, 8), None),
        (13, (12, 14), "2024-03-01T14:00:00+00:00"),
        (14, (12, 14), None),
        (3, (5, 5), None),
    ],
)
def test_quiet_hours_may_span_midnight(hour: int, hours: tuple[int, int], until: str | None) -> None:
    found = quiet_until(datetime(2024, 3, 1, hour, tzinfo=UTC), "UTC", hours)
    assert (found and found.isoformat()) == until
    assert quiet_until(datetime(2024, 3, 1, 12, tzinfo=UTC), "No/Such_Zone", (21, 8)) is None


def test_undoing_a_sending_by_hand_leaves_automation_as_it_was(course: Course) -> None:
    first, second = (course.automatic("send", subject=f"Rule {number}") for number in range(2))
    course.day(0)
    course.day(1)
    course.work()
    held_back = list(Delivery.objects.filter(communication=second["id"]).values())
    assert [row["state"] for row in held_back] == ["held_back"] * 2
    names = [learner.pseudonym for learner in course.learners[:3]]
    course.patch(f"/{second['id']}", {"pseudonyms": names})
    course.send(second, count=3)
    assert course.states() == {"queued": 3, "sent": 2}
    course.post(f"/{second['id']}/undo")
    assert list(Delivery.objects.filter(communication=second["id"]).values()) == held_back
    for number in range(2, 9):
        course.day(number)
        course.work()
    assert Delivery.objects.filter(communication=second["id"], state="sent").count() == 2, "the rule went on"
    assert first["id"] != second["id"]


def test_undoing_what_was_sent_to_the_matches_of_a_day_lets_the_team_decide_again(course: Course) -> None:
    made = course.automatic("ask")
    course.day(0)
    course.day(1)
    course.send(made, matches="2024-03-02", count=2)
    course.post(f"/{made['id']}/undo")
    assert course.get(f"/{made['id']}")["matches"] == {"day": "2024-03-02", "fresh": 2, "decided": False}
    assert course.send(made, matches="2024-03-02", count=2)["sending"]["selected"] == 2


def test_undoing_another_try_keeps_why_the_first_one_failed(course: Course) -> None:
    course.smtp.at_rcpt = lambda address, number: "550 no such box" if address.startswith("l1@") else None
    set_clock(FIRST, speed=0)
    made = course.write(criteria=SILENT)
    course.send(made)
    course.minute()
    course.work()
    rows = Delivery.objects.order_by("pk").values_list("state", "reason", "attempts", "sending", "finished_at")
    before = list(rows)
    assert course.states() == {"failed": 1, "sent": 39}
    course.post(f"/{made['id']}/resend", {"key": "press-again"}, status=202)
    assert course.states() == {"queued": 1, "sent": 39}
    course.post(f"/{made['id']}/undo")
    assert list(rows.all()) == before


@pytest.mark.parametrize("mode", ["ask", "send"])
def test_who_cannot_be_written_to_is_no_match(course: Course, mode: str) -> None:
    optout(course, 0)
    objecting = course.learners[1]
    made = course.automatic(mode)
    course.day(0)
    Objection.objects.create(user_id=objecting.user_id, course_run=course.site.run, since=FIRST)
    course.day(1)
    assert course.paused() == ""
    assert AutomationDay.objects.latest("day").fresh == []
    assert AutomationDay.objects.latest("day").tell == ""
    course.leave(course.learners[2], 900)
    course.day(2)
    course.day(3)
    course.work()
    assert AutomationDay.objects.latest("day").fresh == [course.learners[2].pk]
    if mode == "ask":
        assert course.send(made, matches="2024-03-04", count=1)["sending"]["selected"] == 1
    else:
        assert course.smtp.addresses == ["l3@people.example"]


def optout(course: Course, number: int) -> None:
    OptOut.objects.create(user_id=course.learners[number].user_id, course=course.site.course)


@pytest.mark.parametrize("learners", [5, 12, 19])
def test_a_single_match_in_a_small_course_is_not_too_many(mailing: Mailing, learners: int) -> None:
    Kind.objects.create(number=1, name="play_video")
    small = Course(mailing.site, mailing.client, mailing.smtp, mailing.learners)
    if learners > 5:
        small.enrol(learners - 5)
    for learner in small.learners:
        small.clicks(learner, 1, 2, 3, 4)
    small.leave(small.learners[0], 900)
    small.automatic("send")
    small.day(0)
    small.day(1)
    small.work()
    assert (small.paused(), small.smtp.addresses) == ("", ["l1@people.example"])
