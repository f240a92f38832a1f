"""The platform retires somebody: by either signal or by none, after a request that may still be cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.djangoapps.student.models import CourseEnrollment
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from openedx.core.djangoapps.user_api.accounts.signals import USER_RETIRE_LMS_CRITICAL, USER_RETIRE_LMS_MISC
from openedx.core.djangoapps.user_api.models import RetirementState, UserRetirementRequest, UserRetirementStatus

from engage_backend.engagement.live import changes
from engage_backend.engagement.live.roster import sync_run, sync_users
from engage_backend.governance import sweep
from engage_backend.governance.housekeeping import Housekeeping
from engage_backend.governance.sweep import RetirementSearch
from engage_backend.models import (
    AccessRecord,
    CourseRun,
    HistoryChunk,
    Learner,
    LearnerStatus,
    Objection,
    Prediction,
    Tombstone,
)
from tests.edx_platform.course import KEY

COURSE = str(KEY)
SIGNALS = [USER_RETIRE_LMS_MISC, USER_RETIRE_LMS_CRITICAL]


@pytest.fixture
def learner(run: Any, platform: Any) -> Learner:
    """A learner with clicks and figures, as their row is after the roster was read."""
    sync_run(platform, COURSE)
    row = Learner.objects.get(user_id=run.users["learner"].id)
    row.state, row.last_active = LearnerStatus.ACTIVE, platform.now() - timedelta(days=1)
    row.save()
    Prediction.objects.filter(learner=row).update(certify=900, complete=800, leave=100)
    HistoryChunk.objects.create(learner=row, number=0, events=1, first=1, last=1, data=b"x")
    return row


def request_retirement(user: Any, state: str = "PENDING") -> UserRetirementStatus:
    """What `create_retirement_request_and_deactivate_account` leaves: the account stays active, and enrolled."""
    made, _ = RetirementState.objects.get_or_create(
        state_name=state, defaults={"state_execution_order": RetirementState.objects.count() + 1}
    )
    UserRetirementRequest.objects.get_or_create(user=user)
    status, _ = UserRetirementStatus.objects.update_or_create(
        user=user,
        defaults={"original_username": user.username, "current_state": made, "last_state": made, "responses": ""},
    )
    user.email, user.password = f"retired__user_{user.pk}@retired.invalid", "!unusable"
    user.save()
    return status


def read_again(platform: Any, after: timedelta = timedelta(minutes=1)) -> None:
    """What a consumer does about the course runs that are to be read again."""
    for course_key, users in changes.take_changes(datetime.now(UTC) + after):
        assert users is not None
        sync_users(platform, CourseRun.objects.get(course_key=course_key), users)
    changes.forget()


def shown(run: Any) -> dict[str, Any]:
    """Pseudonym -> the learner's three figures, as the page of the course team gets them."""
    client = Client()
    client.force_login(run.users["staff"])
    answer = client.get(f"/engage/api/v1/courses/{COURSE}/predictions").json()
    columns = zip(answer["learners"], answer["certify"], strict=True)
    return dict(columns)


@pytest.mark.parametrize("signal", SIGNALS, ids=["misc", "critical"])
def test_who_is_retired_is_gone_after_the_commit_and_does_not_come_back(
    platform: Any, learner: Learner, signal: Any, django_capture_on_commit_callbacks: Any
) -> None:
    user = CourseEnrollment.objects.get(user_id=learner.user_id).user
    with django_capture_on_commit_callbacks(execute=True):
        signal.send(sender=None, user=user)  # plain `send`: an error of ours would stall the retirement
        assert Learner.objects.filter(pk=learner.pk).exists()
    sync_run(platform, COURSE)
    assert not Learner.objects.filter(user_id=learner.user_id).exists()
    assert Tombstone.objects.filter(user_id=learner.user_id).exists()


@pytest.mark.parametrize("signal", SIGNALS, ids=["misc", "critical"])
@pytest.mark.django_db(transaction=True)
def test_a_retirement_that_is_rolled_back_erases_nothing(
    run: Any, platform: Any, learner: Learner, signal: Any
) -> None:
    class Stalled(Exception):
        pass

    with pytest.raises(Stalled), transaction.atomic():
        signal.send(sender=None, user=run.users["learner"])
        raise Stalled
    assert Learner.objects.filter(pk=learner.pk).exists()
    assert not Tombstone.objects.exists()


def test_a_retirement_of_somebody_unknown_leaves_a_tombstone(run: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        USER_RETIRE_LMS_CRITICAL.send(sender=None, user=run.users["stranger"])
    assert Tombstone.objects.filter(user_id=run.users["stranger"].id).exists()


@pytest.mark.parametrize("signal", SIGNALS, ids=["misc", "critical"])
@pytest.mark.django_db(transaction=True)
def test_a_retirement_goes_through_without_our_tables(run: Any, caplog: Any, signal: Any) -> None:
    learner, table = run.users["stranger"], Tombstone._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        with transaction.atomic():
            signal.send(sender=None, user=learner)
            learner.username = "retired__user_1"
            learner.save()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    learner.refresh_from_db()
    assert learner.username == "retired__user_1"
    assert f"engage_retire {learner.id}" in caplog.text


def complete(user: Any) -> None:
    request_retirement(user, "COMPLETE")


def close(user: Any) -> None:
    request_retirement(user, "ERASING")
    user.is_active = False
    user.save()


def rename(user: Any) -> None:
    request_retirement(user).delete()
    user.username = "retired__user_3f2a9c"
    user.save()


def clean_up(user: Any) -> None:
    """The end: the status is deleted, the request stays for ever."""
    status = request_retirement(user, "COMPLETE")
    status.delete()
    user.is_active = False
    user.save()


def delete(user: Any) -> None:
    user.delete()


@pytest.mark.parametrize("how", [complete, close, rename, clean_up, delete])
def test_who_was_retired_is_found_without_any_signal(platform: Any, run: Any, learner: Learner, how: Any) -> None:
    others = set(Learner.objects.exclude(pk=learner.pk).values_list("pk", flat=True))
    how(run.users["learner"])
    Housekeeping().run()
    assert set(Learner.objects.values_list("pk", flat=True)) == others
    assert not HistoryChunk.objects.exists()
    assert list(Tombstone.objects.values_list("user_id", flat=True)) == [learner.user_id]


def deactivate(user: Any) -> None:
    """An administrator disabled the account, or it was never activated."""
    user.is_active = False
    user.save()


def rename_by_choice(user: Any) -> None:
    user.username, user.email = "retired__user_fan", "me@retired.invalid"
    user.save()


@pytest.mark.parametrize("how", [deactivate, rename_by_choice, request_retirement])
def test_who_was_not_retired_keeps_everything(run: Any, platform: Any, learner: Learner, how: Any) -> None:
    how(run.users["learner"])
    Housekeeping().run()
    assert Learner.objects.filter(pk=learner.pk).exists()
    assert HistoryChunk.objects.filter(learner=learner).exists()
    assert not Tombstone.objects.exists()


def test_a_site_whose_retired_names_have_no_prefix_erases_nobody_who_only_asked(
    run: Any, platform: Any, learner: Learner, settings: Any
) -> None:
    settings.RETIRED_USERNAME_FMT = "{}"
    request_retirement(run.users["learner"])
    Housekeeping().run()
    assert not Tombstone.objects.exists()
    settings.RETIRED_USERNAME_FMT = "gone-{}"
    run.users["learner"].username = "gone-1"
    run.users["learner"].save()
    Housekeeping().run()
    assert Tombstone.objects.exists()


def test_a_retired_member_of_the_team_and_an_objection_alone_are_found_too(run: Any, platform: Any) -> None:
    made = sync_run(platform, COURSE)
    staff, stranger = run.users["staff"], run.users["stranger"]
    AccessRecord.objects.create(course_run=made, user_id=staff.id, action="open")
    Objection.objects.create(user_id=stranger.id, since=datetime.now(UTC))
    for user in (staff, stranger):
        close(user)
    Housekeeping().run()
    assert not AccessRecord.objects.filter(user_id=staff.id).exists()
    assert not Objection.objects.exists()
    assert set(Tombstone.objects.values_list("user_id", flat=True)) == {staff.id, stranger.id}
    Housekeeping().run()  # what is left of them is told apart from somebody whose account is gone
    assert Tombstone.objects.count() == 2


def test_a_site_of_many_users_is_searched_part_by_part(
    run: Any, platform: Any, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "USERS_AT_ONCE", 2)
    users = Learner.objects.values("user_id").distinct().count()
    assert users > 3
    close(run.users["learner"])
    search = RetirementSearch()
    for _ in range(users // 2 + 1):
        search.run()
    assert Tombstone.objects.filter(user_id=learner.user_id).exists()


def test_who_asked_to_be_retired_is_not_shown_and_not_written_to_and_nothing_is_deleted(
    run: Any, platform: Any, learner: Learner, django_capture_on_commit_callbacks: Any
) -> None:
    search = RetirementSearch()
    before = shown(run) if settings.ROOT_URLCONF != "cms.urls" else {}
    request_retirement(run.users["learner"])
    (person,) = platform.recipients(COURSE, [learner.user_id])
    assert (person.is_reachable, person.reason, person.email) == (False, "account closed", "")
    assert platform.find_people(COURSE, run.users["learner"].username) == []
    with django_capture_on_commit_callbacks(execute=True):
        search.run()
    read_again(platform)
    learner.refresh_from_db()
    assert learner.state == LearnerStatus.LEFT
    assert HistoryChunk.objects.filter(learner=learner).exists()
    assert learner.prediction.certify == 900
    if before:
        assert learner.pseudonym in before
        assert learner.pseudonym not in shown(run)


def test_a_cancelled_retirement_leaves_all_as_it_was(
    run: Any, platform: Any, learner: Learner, django_capture_on_commit_callbacks: Any
) -> None:
    search, user = RetirementSearch(), run.users["learner"]
    address = user.email
    status = request_retirement(user)
    with django_capture_on_commit_callbacks(execute=True):
        search.run()
    read_again(platform)
    # `cancel_retirement` restores the address and deletes the status; the request goes with it.
    status.delete()
    UserRetirementRequest.objects.filter(user=user).delete()
    user.email = address
    user.set_password("a new one")  # which the platform leaves to the user: until then bulk e-mail does not reach them
    user.save()
    with django_capture_on_commit_callbacks(execute=True):
        search.run()
    read_again(platform)
    learner.refresh_from_db()
    assert learner.state == LearnerStatus.ACTIVE
    (person,) = platform.recipients(COURSE, [learner.user_id])
    assert (person.is_reachable, person.email) == (True, address)
    assert learner.prediction.certify == 900
    assert HistoryChunk.objects.filter(learner=learner).exists()
