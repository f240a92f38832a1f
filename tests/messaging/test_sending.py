"""From a draft to the mail server: to the right ones, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from engage_backend.demo.clock import set_clock
from engage_backend.messaging.clock import tick
from engage_backend.messaging.delivery import deliver
from engage_backend.models import AccessRecord, CommunicationVersion, CourseRun, Delivery, Objection, Sending
from engage_backend.platform.standalone.models import Course, CourseStaff, Enrolment, OptOut
from engage_backend.tasks import send_trial, tell_late
from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import html_of, text_of


def user_of(learner: Any) -> User:
    return User.objects.get(pk=learner.user_id)


def test_a_message_reaches_everyone_once_with_their_own_name(mailing: Mailing) -> None:
    communication = mailing.write(reply_to="help@team.example")
    accepted = mailing.send(communication, version=1, count=5)
    assert accepted["sending"]["state"] == "waiting"
    assert 55 <= accepted["sending"]["undo_seconds"] <= 60
    assert mailing.work() == 0, "not before it can no longer be undone"
    mailing.minute()
    mailing.work()
    assert sorted(mailing.smtp.addresses) == [f"l{n}@people.example" for n in range(1, 6)]
    letter = mailing.smtp.to("l3@people.example")
    assert letter["Subject"] == "Hello First3"
    assert text_of(letter).startswith("Dear First3 Last3,\n\nwelcome.\n")
    assert "<p>Dear First3 Last3,</p>\n<p><strong>welcome</strong>.</p>" in html_of(letter)
    assert letter["From"] == "MarkedFirst MarkedLast <courses@site.example>"
    assert letter["Reply-To"] == "help@team.example"
    assert letter["List-Unsubscribe"].strip().startswith("<https://courses.example/engage/unsubscribe/")
    assert "https://courses.example/engage/me/course-v1:TestX" in text_of(letter)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mailing.smtp.connections == 1, "one connection for the batch"
    whole = mailing.get(f"/{communication['id']}")
    assert (whole["state"], whole["counts"]["sent"]) == ("done", 5)
    assert mailing.work() == 0
    assert len(mailing.smtp.letters) == 5


def test_a_mail_ends_after_it_has_begun_and_a_second_attempt_too(mailing: Mailing) -> None:
    set_clock(datetime.now(UTC), speed=1)
    mailing.smtp.at_rcpt = lambda address, number: "550 no" if address.startswith("l1@") else None
    communication = mailing.write()
    mailing.send(communication)
    mailing.minute()
    mailing.work()
    mailing.smtp.at_rcpt = lambda address, number: None
    mailing.send(communication)
    mailing.minute()
    mailing.work()
    times = list(Delivery.objects.values_list("begun_at", "finished_at"))
    assert len(times) == 5
    assert all(begun <= finished for begun, finished in times)


def test_pressing_again_sends_nothing_more(mailing: Mailing) -> None:
    communication = mailing.write()
    first = mailing.post(f"/{communication['id']}/send", {"key": "the-same-press"}, status=202)
    again = mailing.post(f"/{communication['id']}/send", {"key": "the-same-press"}, status=202)
    by_header = mailing.post(
        f"/{communication['id']}/send", {}, status=202, headers={"Idempotency-Key": "the-same-press"}
    )
    assert first["sending"]["id"] == again["sending"]["id"] == by_header["sending"]["id"]
    refused = mailing.send(communication, status=409)
    assert "is being written to: 5" in refused["detail"]
    mailing.minute()
    mailing.work()
    assert "has had it: 5" in mailing.send(communication, status=409)["detail"]
    mailing.work()
    assert len(mailing.smtp.letters) == 5


def test_a_task_that_comes_twice_finds_nothing_to_do(mailing: Mailing) -> None:
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    (batch,) = Delivery.objects.values_list("batch", flat=True).distinct()
    assert deliver(batch) == 0
    assert len(mailing.smtp.letters) == 5


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("leaves", "not enrolled"),
        ("is closed", "account closed"),
        ("joins the team", "of the course team"),
        ("opts out", "opted out"),
        ("objects", "objects"),
        ("loses the address", "no address"),
    ],
)
@pytest.mark.parametrize("when", ["before", "between confirm and send"])
def test_who_must_not_be_written_to_is_not(mailing: Mailing, what: str, reason: str, when: str) -> None:
    user, course = user_of(mailing.learners[0]), mailing.site.course

    def happens() -> None:
        if what == "leaves":
            Enrolment.objects.filter(user=user).update(is_active=False)
        elif what == "is closed":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif what == "joins the team":
            CourseStaff.objects.create(course=course, user=user)
        elif what == "opts out":
            OptOut.objects.create(course=course, user=user)
        elif what == "objects":
            Objection.objects.create(user_id=user.pk, course_run=mailing.site.run, since=datetime.now(UTC))
        else:
            User.objects.filter(pk=user.pk).update(email="")

    communication = mailing.write()
    if when == "before":
        happens()
    shown = mailing.post(f"/{communication['id']}/preview")["audience"]
    left_out = {reason: 1} if when == "before" else {}
    assert shown == {"selected": 5, "to_write": 5 - len(left_out), "left_out": left_out}
    accepted = mailing.send(communication, count=shown["to_write"])
    assert accepted["sending"]["left_out"] == left_out
    if when != "before":
        happens()
    mailing.minute()
    mailing.work()
    assert len(mailing.smtp.letters) == 4
    assert user.email not in mailing.smtp.addresses
    if when != "before":
        assert mailing.get(f"/{communication['id']}")["skipped"] == {reason: 1}


def test_what_was_confirmed_can_shrink_and_never_grow(mailing: Mailing) -> None:
    user = user_of(mailing.learners[0])
    Enrolment.objects.filter(user=user).update(is_active=False)
    communication = mailing.write()
    assert mailing.post(f"/{communication['id']}/preview")["audience"]["to_write"] == 4
    Enrolment.objects.filter(user=user).update(is_active=True)
    assert "5 would be written to, and you confirmed 4" in mailing.send(communication, count=4, status=409)["detail"]
    assert Delivery.objects.count() == 0
    mailing.enrol(1)  # who matches later is not on the list
    assert mailing.send(communication, count=5)["sending"]["selected"] == 5


def test_it_can_be_undone_before_the_first_mail_and_not_after(mailing: Mailing) -> None:
    communication = mailing.write()
    mailing.send(communication)
    assert mailing.post(f"/{communication['id']}/undo") == {"undone": True}
    mailing.minute()
    assert mailing.work() == 0
    assert (mailing.smtp.letters, Delivery.objects.count()) == ([], 0)
    assert mailing.get(f"/{communication['id']}")["state"] == "draft"
    mailing.send(communication)
    mailing.minute()
    mailing.post(f"/{communication['id']}/undo", status=409)
    mailing.work()
    assert len(mailing.smtp.letters) == 5


def test_stop_keeps_back_what_has_not_gone_out(mailing: Mailing) -> None:
    communication = mailing.write()
    mailing.send(communication)
    mailing.minute()
    tick()
    (batch,) = Delivery.objects.exclude(batch="").values_list("batch", flat=True).distinct()
    answer = mailing.post(f"/{communication['id']}/stop")
    assert deliver(batch) == 0
    assert (answer["stopped"], answer["counts"]["skipped"], answer["counts"]["queued"]) == (5, 5, 0)
    assert mailing.smtp.letters == []
    assert mailing.get(f"/{communication['id']}")["state"] == "stopped"


def test_stop_holds_for_a_batch_that_is_on_its_way(mailing: Mailing, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "MAILS_PER_SECOND": 1}
    communication = mailing.write()
    mailing.send(communication)
    mailing.minute()
    tick()
    (batch,) = Delivery.objects.exclude(batch="").values_list("batch", flat=True).distinct()

    def press_stop(seconds: float) -> None:
        mailing.post(f"/{communication['id']}/stop")

    sent = deliver(batch, pause=press_stop)
    assert 0 < sent < 5
    assert mailing.states() == {"sent": sent, "skipped": 5 - sent}


def test_a_message_can_be_sent_at_a_time(mailing: Mailing) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    set_clock(noon, speed=0)
    communication = mailing.write()
    mailing.send(communication, send_at="2024-03-02T09:00:00Z")
    mailing.minute()
    assert mailing.work() == 0
    set_clock(noon + timedelta(hours=21), speed=0)
    mailing.work()
    assert len(mailing.smtp.letters) == 5
    assert mailing.get(f"/{communication['id']}")["sendings"][0]["released_at"] == "2024-03-02T09:00:00Z"


def test_a_time_in_the_past_is_refused(mailing: Mailing) -> None:
    refused = mailing.send(mailing.write(), send_at="2020-01-01T00:00:00Z", status=409)
    assert "has passed" in refused["detail"]


def test_a_course_whose_bulk_mail_is_disabled_does_not_send(mailing: Mailing) -> None:
    communication = mailing.write()
    Course.objects.filter(pk=mailing.site.course.pk).update(bulk_email=False)
    assert "disabled" in mailing.send(communication, status=409)["detail"]
    Course.objects.update(bulk_email=True)
    mailing.send(communication)
    Course.objects.update(bulk_email=False)
    mailing.minute()
    mailing.work()
    assert mailing.smtp.letters == []
    assert mailing.get(f"/{communication['id']}")["skipped"] == {"bulk e-mail is disabled": 5}


def test_without_an_address_of_the_site_nothing_is_sent(mailing: Mailing, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "ROOT_URL": None}
    assert "ROOT_URL" in mailing.send(mailing.write(), status=409)["detail"]


def test_what_was_sent_stays_as_it_was(mailing: Mailing) -> None:
    communication = mailing.write()
    mailing.send(communication)
    changed = mailing.patch(f"/{communication['id']}", {"subject": "Another"})
    assert (changed["version"], changed["frozen"]) == (2, False)
    mailing.minute()
    mailing.work()
    assert {letter["Subject"] for letter in mailing.smtp.letters} == {f"Hello First{n}" for n in range(1, 6)}
    assert mailing.get(f"/{communication['id']}?version=1")["subject"] == "Hello [:firstname:]"
    assert CommunicationVersion.objects.get(number=1).sent_at is not None
    mailing.get(f"/{communication['id']}?version=3", status=404)


def test_the_version_that_was_confirmed_is_the_one_that_is_sent(mailing: Mailing) -> None:
    communication = mailing.write()
    mailing.send(communication)
    mailing.post(f"/{communication['id']}/undo")
    mailing.send(communication)
    mailing.patch(f"/{communication['id']}", {"subject": "Changed by a colleague"})
    assert "is version 2 by now" in mailing.send(communication, version=1, status=409)["detail"]


def test_a_resend_reaches_those_who_have_not_had_it(mailing: Mailing) -> None:
    mailing.smtp.at_rcpt = lambda address, number: "550 no such user" if address.startswith("l2@") else None
    communication = mailing.write(criteria={"version": 1, "states": ["active"]})
    mailing.send(communication)
    mailing.minute()
    mailing.work()
    assert mailing.states() == {"failed": 1, "sent": 4}
    mailing.smtp.at_rcpt = lambda address, number: None
    mailing.enrol(2)
    shown = mailing.post(f"/{communication['id']}/preview", {"now": True})["audience"]
    assert shown == {"selected": 7, "to_write": 3, "left_out": {"has had it": 4}}
    for _ in range(2):
        mailing.post(f"/{communication['id']}/resend", {"key": "once-more", "count": 3}, status=202)
    mailing.minute()
    mailing.work()
    assert sorted(mailing.smtp.addresses) == sorted(f"l{n}@people.example" for n in range(1, 8))


def test_who_sent_what_to_how_many_is_recorded(mailing: Mailing) -> None:
    communication = mailing.write(course_notice=True)
    mailing.send(communication)
    record = AccessRecord.objects.get(action="send")
    assert record.user_id == mailing.site.users["staff"].pk
    expected = {"communication": communication["id"], "version": 1, "learners": 5, "course_notice": True}
    assert record.detail == expected


def test_a_test_goes_to_its_author_alone(mailing: Mailing) -> None:
    communication = mailing.write()
    assert mailing.post(f"/{communication['id']}/test", status=202) == {"to": "you"}
    staff = mailing.site.users["staff"]
    words = {name: communication[name] for name in ("reply_to", "subject", "body")}
    assert send_trial(mailing.site.run.course_key, staff.pk, words)
    assert mailing.smtp.addresses == [staff.email]
    assert mailing.smtp.letters[0]["Subject"] == "[Test] Hello MarkedFirst"
    assert Delivery.objects.count() == 0


def test_a_worker_that_is_lost_leaves_what_had_begun_in_doubt_and_the_rest_to_others(mailing: Mailing) -> None:
    mailing.send(mailing.write())
    mailing.minute()
    tick()
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    begun, *waiting = Delivery.objects.order_by("pk")
    Delivery.objects.update(state="claimed", claimed_at=long_ago)
    Delivery.objects.filter(pk=begun.pk).update(begun_at=long_ago)
    mailing.work()
    assert mailing.states() == {"sent": len(waiting), "uncertain": 1}
    assert deliver(begun.batch) == 0, "the lost one comes back, and finds that nothing is its own any more"
    assert len(mailing.smtp.letters) == 4


def test_a_task_that_got_lost_is_told_again(mailing: Mailing) -> None:
    mailing.send(mailing.write())
    mailing.minute()
    tick()
    (lost,) = Delivery.objects.exclude(batch="").values_list("batch", flat=True).distinct()
    tick()
    assert {lost} == set(Delivery.objects.values_list("batch", flat=True)), "not while it may still come"
    Delivery.objects.update(announced_at=datetime.now(UTC) - timedelta(hours=1))
    mailing.work()
    assert mailing.states() == {"sent": 5}
    assert deliver(lost) == 0


def test_a_site_setting_says_where_mails_come_from(mailing: Mailing, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "FROM_EMAIL": "team@other.example"}
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    assert mailing.smtp.letters[0]["From"] == "MarkedFirst MarkedLast <team@other.example>"


NIGHT = datetime(2024, 3, 1, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def at_night(mailing: Mailing, settings: Any) -> Mailing:
    """It is 23:10, in the quiet hours."""
    settings.ENGAGE = {**settings.ENGAGE, "QUIET_HOURS": [21, 8]}
    set_clock(NIGHT, speed=0)
    return mailing


def later(mailing: Mailing, hours: float, *, since: datetime = NIGHT) -> int:
    """So many hours later the clock looks, and a worker works; how many letters there are."""
    set_clock(since + hours * HOUR, speed=0)
    mailing.minute()
    mailing.work()
    mailing.retry()
    mailing.work()
    return len(mailing.smtp.letters)


def test_what_is_sent_at_night_goes_out_in_the_morning_and_that_is_said_before(at_night: Mailing) -> None:
    communication = at_night.write()
    said = at_night.post(f"/{communication['id']}/preview")["quiet"]
    assert said == {"now": "2024-03-01T23:10:00Z", "until": "2024-03-02T08:00:00Z", "zone": "UTC"}
    assert at_night.send(communication)["sending"]["send_at"] == "2024-03-02T08:00:00Z"
    assert later(at_night, 5) == 0
    assert later(at_night, 9) == 5


def test_the_quiet_hours_are_those_of_the_course(at_night: Mailing) -> None:
    CourseRun.objects.update(time_zone="America/Denver")  # where it is 16:10
    communication = at_night.write()
    assert at_night.post(f"/{communication['id']}/preview")["quiet"] is None
    at_night.send(communication)
    assert later(at_night, 0.1) == 5


def test_the_author_can_send_it_now_all_the_same(at_night: Mailing) -> None:
    communication = at_night.write()
    assert "wait or send" in at_night.send(communication, status=400, quiet="yes")["detail"]
    assert at_night.send(communication, quiet="send")["sending"]["send_at"] is None
    assert later(at_night, 0.1) == 5


def about(mailing: Mailing, send_at: str) -> tuple[str, str | None]:
    """What the preview says of a time that is chosen, and until when what is sent then waits."""
    number = mailing.get()["communications"][0]["id"]
    shown = mailing.post(f"/{number}/preview", {"send_at": send_at, "audience": False})
    return shown["timing"], shown["quiet"] and shown["quiet"]["until"]


def test_a_time_at_night_is_said_to_be_one_and_waits_for_the_morning(at_night: Mailing) -> None:
    CourseRun.objects.update(time_zone="Europe/Berlin")  # an hour ahead
    communication = at_night.write()
    said, until = about(at_night, "2024-03-03T00:30:00Z")
    assert said == "That is 01:30 (Europe/Berlin), in the quiet hours. It goes out at 08:00."
    assert until == "2024-03-03T07:00:00Z"
    assert about(at_night, "2024-03-03T07:00:00Z") == ("", None)
    with translation.override("de"):
        assert about(at_night, "2024-03-03T00:30:00Z")[0] == (
            "Das ist 01:30 Uhr (Europe/Berlin), in der Ruhezeit. Es geht um 08:00 Uhr hinaus."
        )
    assert at_night.send(communication, send_at="2024-03-03T00:30:00Z")["sending"]["send_at"] == until
    assert later(at_night, 30) == 0
    assert later(at_night, 32) == 5


def test_a_time_after_the_course_is_said_to_be_one(at_night: Mailing) -> None:
    at_night.write()
    CourseRun.objects.update(end=datetime(2024, 5, 4, 12, tzinfo=UTC))
    after = "The course ends on May 4, 2024; this would go out after it."
    assert about(at_night, "2024-05-04T11:59:00Z") == ("", None)
    assert about(at_night, "2024-05-04T12:00:00Z") == (after, None)
    assert about(at_night, "2024-05-05T02:00:00+00:00") == (
        f"That is 02:00 (UTC), in the quiet hours. It goes out at 08:00. {after}",
        "2024-05-05T08:00:00Z",
    )
    assert about(at_night, "2024-03-01T00:00:00Z")[0].startswith("The time to send at has passed")
    assert about(at_night, "9999-12-31T23:59:59Z")[0].startswith("The time to send at has passed")
    CourseRun.objects.update(end=NIGHT - HOUR)
    assert about(at_night, "2024-03-03T12:00:00Z")[0] == (
        "The course ended on March 1, 2024; this would go out after it."
    )


def test_a_time_in_the_courses_last_night_is_asked_about(at_night: Mailing) -> None:
    communication = at_night.write()
    CourseRun.objects.update(end=NIGHT + 3 * HOUR)
    chosen = "2024-03-02T01:00:00Z"
    said, until = about(at_night, chosen)
    assert (said[:47], until) == ("That is in the quiet hours, and the course ends", "2024-03-02T08:00:00Z")
    assert at_night.send(communication, status=409, send_at=chosen)["detail"] == said
    assert at_night.send(communication, send_at=chosen, quiet="send")["sending"]["send_at"] == chosen
    assert later(at_night, 2) == 5


@pytest.mark.parametrize("path", ["preview", "send"])
@pytest.mark.parametrize("wrong", ["tomorrow", "2024-02-30T09:00:00Z", "0001-01-01T00:00:00+14:00", 7, [], ""])
def test_a_time_that_is_none_is_refused(mailing: Mailing, path: str, wrong: Any) -> None:
    communication = mailing.write()
    given = {"send_at": wrong, **({"key": "long-enough"} if path == "send" else {})}
    assert "send_at" in mailing.post(f"/{communication['id']}/{path}", given, status=400)["detail"]
    assert not Sending.objects.exists()


def test_a_time_that_the_author_insists_on_is_meant_and_an_outage_in_that_night_is_not(at_night: Mailing) -> None:
    first, second = at_night.write(), at_night.write()
    at_night.send(first, send_at="2024-03-02T01:00:00Z", quiet="send")
    at_night.send(second, send_at="2024-03-01T23:30:00Z", quiet="send")
    assert later(at_night, 2) == 5, "one is on time; the other would be an hour and a half late, at night"
    assert later(at_night, 9) == 10


@pytest.mark.parametrize(("hours", "letters"), [(15, 0), (20, 5), (23.9, 5), (24.1, 0), (40 * 24, 0)])
def test_after_an_outage_nothing_leaves_at_night_or_more_than_a_day_late(
    at_night: Mailing, hours: float, letters: int
) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    set_clock(noon, speed=0)
    at_night.send(at_night.write())
    assert later(at_night, hours, since=noon) == letters


@pytest.mark.parametrize("chosen", [False, True])
def test_nothing_goes_out_after_the_course_unless_it_was_chosen_so(at_night: Mailing, chosen: bool) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    set_clock(noon, speed=0)
    CourseRun.objects.update(end=noon + 2 * HOUR)
    at_night.send(at_night.write(), **({"send_at": "2024-03-01T15:00:00Z"} if chosen else {}))
    assert later(at_night, 3, since=noon) == (5 if chosen else 0)


def test_what_would_wait_beyond_the_end_of_the_course_is_asked_about(at_night: Mailing) -> None:
    CourseRun.objects.update(end=NIGHT + HOUR)
    communication = at_night.write()
    assert "ends before the quiet hours do" in at_night.send(communication, status=409)["detail"]
    at_night.send(communication, quiet="send")
    assert later(at_night, 0.1) == 5


@pytest.mark.parametrize("released", [False, True])
def test_what_came_too_late_is_told_to_its_author_once_and_shown(at_night: Mailing, released: bool) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    set_clock(noon, speed=0)
    communication = at_night.write()
    at_night.send(communication)
    at_night.minute()
    if released:
        tick()  # the clock let it go, and no worker was there
    assert later(at_night, 30, since=noon) == 0
    whole = at_night.get(f"/{communication['id']}")
    assert whole["skipped"] == {"too late": 5}
    (sending,) = whole["sendings"]
    assert (sending["late"], sending["latest_at"]) == (5, "2024-03-02T12:00:00Z")
    tick()
    assert Sending.objects.get().announced_at is not None
    assert tell_late(sending["id"])
    assert not tell_late(sending["id"]), "once"
    assert at_night.smtp.addresses == [at_night.site.users["staff"].email]
    assert at_night.smtp.letters[0]["Subject"] == "Not sent, too late: Hello (first name)"
    assert "was not sent to 5 learners" in text_of(at_night.smtp.letters[0])
    assert "March 1, 2024, noon (UTC)" in text_of(at_night.smtp.letters[0])


FAST = 3600  # the demo's


@pytest.fixture
def fast(at_night: Mailing) -> Mailing:
    """A site whose clock runs an hour a second, with quiet hours; it is day."""
    run_on(datetime(2024, 3, 1, 10, 30, tzinfo=UTC))
    return at_night


def run_on(now: datetime, speed: float = FAST) -> None:
    """It is `now`, and the clock runs on."""
    set_clock(now, speed=speed)


def minute_on(mailing: Mailing, since: datetime, hour: int) -> None:
    """The minute to undo is over, 60 hours of the site later, at this hour; where that is quiet, also the next morning."""
    mailing.minute()
    run_on((since + timedelta(minutes=1) * FAST).replace(hour=hour))
    mailing.work()
    if hour >= 21:
        assert not mailing.smtp.letters, "it is quiet"
        run_on((since + timedelta(minutes=1) * FAST + timedelta(days=1)).replace(hour=8))
        mailing.work()


@pytest.mark.parametrize("released", [12, 23])
@pytest.mark.parametrize("begun", [3, 9])
@pytest.mark.parametrize("chosen", [False, True])
def test_what_is_sent_on_a_site_with_a_fast_clock_goes_out(
    fast: Mailing, chosen: bool, begun: int, released: int
) -> None:
    since = datetime(2024, 3, 1, begun, tzinfo=UTC)
    run_on(since)
    fast.send(fast.write(), **({"send_at": "2024-03-02T09:00:00Z"} if chosen else {}))
    minute_on(fast, since, released)
    assert fast.states() == {"sent": 5}


def test_what_was_sent_while_the_clock_stood_still_goes_out_when_it_runs_on(fast: Mailing) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    run_on(noon, speed=0)
    fast.send(fast.write())
    minute_on(fast, noon, 12)
    assert fast.states() == {"sent": 5}


def test_a_course_that_ends_on_a_fast_clock_during_the_minute_to_undo_keeps_nothing_back(fast: Mailing) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    CourseRun.objects.update(end=noon + 2 * HOUR)
    run_on(noon)
    fast.send(fast.write())
    minute_on(fast, noon, 12)
    assert fast.states() == {"sent": 5}


def test_what_is_put_off_into_a_night_of_a_fast_clock_waits_for_its_morning(fast: Mailing) -> None:
    noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
    run_on(noon)
    fast.send(fast.write())
    fast.minute()
    run_on(noon + 72 * HOUR)
    tick()  # released by day; the worker comes at night
    run_on(noon + 86 * HOUR)
    for batch in set(Delivery.objects.values_list("batch", flat=True)):
        deliver(batch)
    assert fast.states() == {"queued": 5}
    latest = max(Delivery.objects.values_list("due_at", flat=True))
    assert latest < datetime.now(UTC) + timedelta(seconds=10), "six hours of the site"


def test_a_clock_so_fast_that_a_night_is_nothing_has_no_quiet_hours(fast: Mailing) -> None:
    run_on(datetime(2024, 3, 1, 12, tzinfo=UTC), speed=1e6)
    fast.send(fast.write())
    fast.minute()
    run_on(datetime(2026, 3, 1, 3, tzinfo=UTC), speed=1e6)
    fast.work()
    assert fast.states() == {"sent": 5}
