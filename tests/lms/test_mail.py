"""Whom an LMS lets us write to: bulk e-mail's own rules, and its own table of those who said no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from lms.djangoapps.bulk_email.models import BulkEmailFlag, CourseAuthorization, DisabledCourse, Optout
from openedx.core.djangoapps.site_configuration import helpers
from openedx.core.djangoapps.user_api.models import UserPreference
from xmodule.modulestore import django as modulestore

from engage_backend.engagement.live.roster import sync_run
from engage_backend.messaging.automation.daily import look
from engage_backend.messaging.mail import sender
from engage_backend.models import AutomationDay, CourseRun
from engage_backend.tasks import tell
from tests.edx_platform.course import KEY, OTHER

COURSE = str(KEY)


def test_an_address_and_a_name_are_read_for_learners_and_nobody_else_is_reached(run: Any, platform: Any) -> None:
    users = run.users
    users["beta_tester"].is_active = False
    users["beta_tester"].save()
    UserPreference.objects.create(user=users["learner"], key="pref-lang", value="de")
    UserPreference.objects.create(user=users["data_researcher"], key="time_zone", value="Europe/Berlin")
    found = {one.user_id: one for one in platform.recipients(COURSE, [user.id for user in users.values()])}
    learner = found[users["learner"].id]
    assert (learner.email, learner.full_name) == ("marked-learner@address.example", "Marked Name learner")
    reached = {who for who, user in users.items() if found[user.id].is_reachable}
    assert reached == {"learner", "data_researcher", "staff_elsewhere"}
    assert {who for who, user in users.items() if found[user.id].language} == {"learner"}
    assert learner.language == "de"
    assert all(one.reason for one in found.values() if not one.is_reachable)


def test_accounts_that_bulk_mail_leaves_out_are_left_out(run: Any, platform: Any) -> None:
    disabled, abroad, reached = (run.users[role] for role in ("learner", "data_researcher", "staff_elsewhere"))
    disabled.set_unusable_password()
    disabled.save()
    User.objects.filter(pk=abroad.pk).update(email="ännå@address.example")
    found = {one.user_id: one.reason for one in platform.recipients(COURSE, [disabled.id, abroad.id, reached.id])}
    assert found == {
        disabled.id: "account disabled",
        abroad.id: "an address that bulk e-mail cannot reach",
        reached.id: "",
    }


@pytest.mark.parametrize(("months", "left_out"), [(None, False), (0, False), (6, True), (24, False), (True, False)])
def test_a_site_may_leave_out_who_has_not_logged_in_for_months(
    run: Any, platform: Any, settings: Any, months: Any, left_out: bool
) -> None:
    settings.BULK_COURSE_EMAIL_LAST_LOGIN_ELIGIBILITY_PERIOD = months
    away, never = run.users["learner"], run.users["data_researcher"]
    User.objects.filter(pk=away.pk).update(last_login=datetime.now(UTC) - timedelta(days=300))
    found = {one.user_id: one.reason for one in platform.recipients(COURSE, [away.id, never.id])}
    assert found == {away.id: "not logged in for a long time" if left_out else "", never.id: ""}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"DEFAULT_FROM_EMAIL": "uni@uni.example"}, "Ada <uni@uni.example>"),
        ({"DEFAULT_FROM_EMAIL": "Uni <uni@uni.example>"}, "Ada via Uni <uni@uni.example>"),
        ({"DEFAULT_FROM_EMAIL": "uni@uni.example", "PLATFORM_NAME": "Uni"}, "Ada via Uni <uni@uni.example>"),
        ({"BULK_EMAIL_DEFAULT_FROM_EMAIL": "bulk@uni.example"}, "Ada <bulk@uni.example>"),
        ({"ENGAGE": {"FROM_EMAIL": "own@uni.example"}}, "Ada <own@uni.example>"),
        (
            {"BULK_EMAIL_DEFAULT_FROM_EMAIL": "bulk@uni.example", "EMAIL_USE_COURSE_ID_FROM_FOR_BULK": True},
            "Testing Course Staff <T101-bulk@uni.example>",
        ),
    ],
)
def test_a_message_comes_from_where_bulk_mail_comes_from(
    run: Any, settings: Any, given: dict[str, Any], expected: str
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    assert sender(CourseRun(course_key=COURSE, display_name="Testing"), "Ada") == expected


def test_the_address_of_a_course_is_that_of_its_site(run: Any, platform: Any, settings: Any, monkeypatch: Any) -> None:
    settings.EMAIL_USE_COURSE_ID_FROM_FOR_BULK = True
    monkeypatch.setitem(helpers.VALUES, KEY.org, {"email_from_address": "mail@site.example"})
    assert platform.mail_from(COURSE, "Physics").address == "T101-mail@site.example"
    long = platform.mail_from(COURSE, "Ü" * 200)
    assert (long.name, long.is_course) == ("T101 Course Staff", True)


def test_an_opt_out_is_the_platforms_own(run: Any, platform: Any) -> None:
    learner = run.users["learner"]
    Optout.objects.create(user=learner, course_id=OTHER)
    assert not platform.has_opted_out(COURSE, learner.id)
    for _ in range(2):
        platform.opt_out(COURSE, learner.id, True)
    assert Optout.objects.filter(user=learner, course_id=KEY).count() == 1
    assert platform.has_opted_out(COURSE, learner.id)
    assert [one.reason for one in platform.recipients(COURSE, [learner.id])] == ["opted out"]
    platform.opt_out(COURSE, learner.id, False)
    assert not platform.has_opted_out(COURSE, learner.id)
    assert Optout.objects.filter(user=learner, course_id=OTHER).exists()


@pytest.mark.parametrize(
    ("flag", "authorized", "disabled", "may"),
    [
        (None, False, False, False),
        ({"enabled": False}, True, False, False),
        ({"enabled": True, "require_course_email_auth": False}, False, False, True),
        ({"enabled": True, "require_course_email_auth": False}, False, True, False),
        ({"enabled": True}, False, False, False),
        ({"enabled": True}, True, False, True),
    ],
)
def test_a_course_may_send_where_bulk_mail_may(
    run: Any, platform: Any, flag: dict[str, bool] | None, authorized: bool, disabled: bool, may: bool
) -> None:
    if flag is not None:
        BulkEmailFlag.objects.create(**flag)
    if authorized:
        CourseAuthorization.objects.create(course_id=KEY, email_enabled=True)
    if disabled:
        DisabledCourse.objects.create(course_id=KEY)
    assert platform.may_send(COURSE) is may


def test_people_are_found_by_what_the_platform_calls_them(run: Any, platform: Any) -> None:
    learner = run.users["learner"].id
    for query in ("MARKED-username-learner", "marked-LEARNER@address.example", "marked name Learner"):
        assert platform.find_people(COURSE, query) == [learner]
    assert platform.find_people(COURSE, "marked-username-stranger") == []
    assert platform.find_people(COURSE, "marked") == []


@pytest.mark.skipif(settings.ROOT_URLCONF == "cms.urls", reason="Studio sends nothing")
def test_what_authors_forbid_in_studio_does_not_go_out_by_itself(run: Any, platform: Any) -> None:
    made = sync_run(platform, COURSE)
    assert made is not None
    client = Client()
    client.force_login(run.users["staff"])
    url = f"/engage/api/v1/courses/{COURSE}/communications"
    address = f"{url}/{client.post(url, {'subject': 'Hello'}, content_type='application/json').json()['id']}"
    switched_on = client.patch(address, {"automation": "ask"}, content_type="application/json")
    assert switched_on.status_code == 200, "no Communicator is published, and nobody has forbidden it"
    blocks = [SimpleNamespace(category="engage_communicator", automation_allowed=False)]
    modulestore.COURSES[KEY].blocks = blocks
    now = platform.now()
    made.clock_day = now.date()
    made.save()
    look(now)
    assert "in Studio" in client.get(address).json()["paused_because"]
    refused = client.patch(address, {"automation": "ask"}, content_type="application/json")
    assert (refused.status_code, "in Studio" in refused.json()["detail"]) == (409, True)
    blocks.append(SimpleNamespace(category="engage_communicator", automation_allowed=True))
    assert client.patch(address, {"automation": "ask"}, content_type="application/json").status_code == 200


@pytest.mark.skipif(settings.ROOT_URLCONF == "cms.urls", reason="Studio sends nothing")
@pytest.mark.parametrize(("chosen", "subject"), [("de", "Pausiert: Hello"), ("", "Paused: Hello")])
def test_an_author_reads_the_daily_mail_in_the_language_that_they_chose(
    run: Any, platform: Any, mailoutbox: list[Any], chosen: str, subject: str
) -> None:
    made = sync_run(platform, COURSE)
    assert made is not None
    if chosen:
        UserPreference.objects.create(user=run.users["staff"], key="pref-lang", value=chosen)
    client = Client()
    client.force_login(run.users["staff"])
    url = f"/engage/api/v1/courses/{COURSE}/communications"
    address = f"{url}/{client.post(url, {'subject': 'Hello'}, content_type='application/json').json()['id']}"
    client.patch(address, {"automation": "ask"}, content_type="application/json")
    made.clock_day = platform.now().date()
    made.save()
    look(platform.now())  # nobody has fed it a click: it pauses
    assert tell(AutomationDay.objects.get().pk)
    (letter,) = mailoutbox
    assert (letter.subject, letter.to) == (subject, [run.users["staff"].email])
