"""What the platform tells of itself, sent as it sends it, and how soon consumers act on it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.djangoapps.student.models import CourseEnrollment
from django.contrib.auth.models import User
from django.db import connection, transaction
from lms.djangoapps.certificates.models import GeneratedCertificate
from lms.djangoapps.grades.models import PersistentCourseGrade
from openedx.core.djangoapps.user_api.accounts.signals import USER_RETIRE_LMS_CRITICAL
from openedx_events.learning import data, signals
from xmodule.modulestore.django import SignalHandler

from engage_backend import signals as ours
from engage_backend.engagement.live import changes
from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import CourseRun, Learner, LearnerStatus, Prediction, ReadAgain
from engage_backend.platform import edx_signals
from tests.edx_platform.course import KEY, enrol

COURSE = str(KEY)


def person(user: Any) -> data.UserData:
    pii = data.UserPersonalData(username=user.username, email=user.email, name="Marked Name")
    return data.UserData(pii=pii, id=user.id, is_active=True)


def send_enrolment(user: Any, signal: Any = signals.COURSE_ENROLLMENT_CREATED) -> None:
    enrolment = data.CourseEnrollmentData(
        user=person(user),
        course=data.CourseData(course_key=KEY),
        mode="audit",
        is_active=True,
        creation_date=datetime.now(UTC),
    )
    signal.send_event(enrollment=enrolment)


def send_grade(user: Any, passed: datetime | None) -> None:
    grade = data.PersistentCourseGradeData(
        user_id=user.id,
        course=data.CourseData(course_key=KEY),
        course_edited_timestamp=datetime.now(UTC),
        course_version="",
        grading_policy_hash="",
        percent_grade=0.7,
        letter_grade="Pass",
        passed_timestamp=passed,
    )
    signals.PERSISTENT_GRADE_SUMMARY_CHANGED.send_event(grade=grade)


def send_certificate(user: Any, signal: Any = signals.CERTIFICATE_CREATED) -> None:
    certificate = data.CertificateData(
        user=person(user),
        course=data.CourseData(course_key=KEY),
        mode="audit",
        grade="0.7",
        download_url="",
        name="",
        current_status="downloadable",
    )
    signal.send_event(certificate=certificate)


def send_cohort(user: Any) -> None:
    cohort = data.CohortData(user=person(user), course=data.CourseData(course_key=KEY), name="Reds")
    signals.COHORT_MEMBERSHIP_CHANGED.send_event(cohort=cohort)


def send_role(user: Any) -> None:
    role = data.CourseAccessRoleData(user=person(user), course_key=KEY, org_key=KEY.org, role="staff")
    signals.COURSE_ACCESS_ROLE_ADDED.send_event(course_access_role_data=role)


def send_passing(user: Any) -> None:
    status = data.CoursePassingStatusData(is_passing=True, course=data.CourseData(course_key=KEY), user=person(user))
    signals.COURSE_PASSING_STATUS_UPDATED.send_event(course_passing_status=status)


ROSTER = {
    "enrolment": send_enrolment,
    "enrolment changed": lambda user: send_enrolment(user, signals.COURSE_ENROLLMENT_CHANGED),
    "unenrolment": lambda user: send_enrolment(user, signals.COURSE_UNENROLLMENT_COMPLETED),
    "passing grade": lambda user: send_grade(user, datetime.now(UTC)),
    "certificate": send_certificate,
    "certificate changed": lambda user: send_certificate(user, signals.CERTIFICATE_CHANGED),
    "certificate revoked": lambda user: send_certificate(user, signals.CERTIFICATE_REVOKED),
    "cohort": send_cohort,
    "role": send_role,
    "passing status": send_passing,
}


@pytest.mark.parametrize("what", list(ROSTER))
def test_the_run_is_read_again_within_seconds(run: Any, what: str, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ROSTER[what](run.users["learner"])
        assert not ReadAgain.objects.exists()  # not before the platform's own transaction is through
    now = datetime.now(UTC)
    assert list(changes.take_changes(now)) == []
    assert list(changes.take_changes(now + timedelta(seconds=5))) == [(COURSE, [run.users["learner"].id])]
    assert list(changes.take_changes(now + timedelta(seconds=5))) == []


def test_publishing_is_waited_for_until_the_structure_is_there(
    run: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        SignalHandler.course_published.send_robust(sender=None, course_key=KEY)
    now = datetime.now(UTC)
    assert list(changes.take_changes(now + timedelta(seconds=31))) == []
    assert list(changes.take_changes(now + timedelta(seconds=61))) == [(COURSE, None)]


def test_a_grade_that_does_not_pass_is_no_news(run: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        send_grade(run.users["learner"], None)
    assert not ReadAgain.objects.exists()


def test_a_thousand_changes_of_one_learner_cost_a_process_one_row(
    run: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(1_000):
            send_enrolment(run.users["learner"])
    assert ReadAgain.objects.count() == 1


def test_of_a_thousand_enrolments_at_once_the_first_are_named_and_then_all_are_read(
    run: Any, django_capture_on_commit_callbacks: Any
) -> None:
    some = User(id=1, username="many", email="many@people.example")
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(1_000):
            some.id = 10_000 + number
            send_enrolment(some)
    assert ReadAgain.objects.count() == changes.MAX_NAMED + 1
    ((course_key, users),) = changes.take_changes(datetime.now(UTC) + timedelta(seconds=5))
    assert (course_key, users) == (COURSE, None)


def test_a_role_in_an_organisation_counts_in_its_courses(run: Any, django_capture_on_commit_callbacks: Any) -> None:
    for key in (COURSE, "course-v1:Other+T101+2024", f"{KEY.org}/Old/2013", f"course-v1:{KEY.org}s+T101+2024"):
        CourseRun.objects.get_or_create(course_key=key, defaults={"start": datetime.now(UTC)})
    user = run.users["learner"]
    for signal in (signals.COURSE_ACCESS_ROLE_ADDED, signals.COURSE_ACCESS_ROLE_REMOVED):
        ReadAgain.objects.all().delete()
        changes.forget()
        with django_capture_on_commit_callbacks(execute=True):
            role = data.CourseAccessRoleData(user=person(user), course_key=None, org_key=KEY.org, role="staff")
            signal.send_event(course_access_role_data=role)
        told = set(ReadAgain.objects.values_list("course_key", "user_id"))
        assert told == {(COURSE, user.id), (f"{KEY.org}/Old/2013", user.id)}


def test_every_signal_that_we_know_is_sent_by_this_platform() -> None:
    assert ours.connect() == []


def test_our_receivers_have_names_that_an_operator_can_read_in_the_log() -> None:
    def receivers(signal: Any) -> list[Any]:
        found = signal._live_receivers(None)
        return list(found[0] if isinstance(found, tuple) else found)  # Django 5 keeps those that are async apart

    names = {
        receiver.__name__
        for signal in (signals.COURSE_ENROLLMENT_CREATED, USER_RETIRE_LMS_CRITICAL)
        for receiver in receivers(signal)
        if receiver.__module__.startswith("engage_backend")
    }
    assert names == {"engage_on_course_enrollment_created", "engage_on_user_retire_lms_critical"}


def test_a_signal_that_a_release_lacks_is_told_and_the_others_are_heard(
    run: Any, monkeypatch: Any, caplog: Any, django_capture_on_commit_callbacks: Any
) -> None:
    gone = edx_signals.SIGNALS[0]._replace(path="openedx_events.learning.signals.NOT_THERE_ANY_MORE")
    monkeypatch.setattr(edx_signals, "SIGNALS", (gone, *edx_signals.SIGNALS))
    assert ours.connect() == [gone.path]
    assert "NOT_THERE_ANY_MORE" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_without_our_tables_the_platform_goes_on_and_nobody_is_named(run: Any, caplog: Any) -> None:
    learner, table = run.users["stranger"], ReadAgain._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        with caplog.at_level(logging.DEBUG), transaction.atomic():
            enrol(learner)
            send_enrolment(learner)
        assert CourseEnrollment.objects.filter(user=learner).exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert "is not read again at once (OperationalError)" in caplog.text
    assert "arked" not in caplog.text


def test_what_a_signal_carries_wrongly_is_logged_without_it(run: Any, caplog: Any) -> None:
    SignalHandler.course_published.send(sender=None, course="marked-wrong-argument")
    assert "course_published was not understood: KeyError" in caplog.text
    assert "marked-wrong" not in caplog.text


def test_who_has_passed_is_finished_and_not_predicted_to_leave(run: Any, platform: Any) -> None:
    sync_run(platform, COURSE)
    learner = Learner.objects.get(user_id=run.users["learner"].id)
    Prediction.objects.filter(learner=learner).update(certify=900, complete=900, leave=300)
    passed = datetime(2024, 3, 1, tzinfo=UTC)
    PersistentCourseGrade.objects.create(
        user_id=learner.user_id, course_id=KEY, percent_grade=0.7, passed_timestamp=passed
    )
    before = learner.course_run.version
    made = sync_run(platform, COURSE)
    learner.refresh_from_db()
    assert (learner.state, learner.finished_at) == (LearnerStatus.FINISHED, passed)
    assert (learner.prediction.certify, learner.prediction.leave) == (900, None)
    assert made is not None
    assert learner.prediction.version == made.version > before
    assert sync_run(platform, COURSE).version == made.version  # type: ignore[union-attr]


def test_whose_certificate_is_withdrawn_goes_on(run: Any, platform: Any) -> None:
    sync_run(platform, COURSE)
    learner = Learner.objects.get(user_id=run.users["learner"].id)
    certificate = GeneratedCertificate.objects.create(user_id=learner.user_id, course_id=KEY, status="downloadable")
    sync_run(platform, COURSE)
    learner.refresh_from_db()
    assert learner.state == LearnerStatus.FINISHED
    certificate.status = "unavailable"
    certificate.save()
    made = sync_run(platform, COURSE)
    learner.refresh_from_db()
    assert (learner.state, learner.finished_at) == (LearnerStatus.NEVER_STARTED, None)
    assert sync_run(platform, COURSE).version == made.version  # type: ignore[union-attr]


def test_whose_certificate_is_withdrawn_but_has_passed_has_finished(run: Any, platform: Any) -> None:
    learner, passed = run.users["learner"], datetime(2024, 3, 1, tzinfo=UTC)
    PersistentCourseGrade.objects.create(user_id=learner.id, course_id=KEY, percent_grade=0.7, passed_timestamp=passed)
    GeneratedCertificate.objects.create(user=learner, course_id=KEY, status="unavailable")
    sync_run(platform, COURSE)
    assert Learner.objects.get(user_id=learner.id).state == LearnerStatus.FINISHED


def test_who_enrols_and_leaves_is_a_learner_and_then_gone(run: Any, platform: Any) -> None:
    sync_run(platform, COURSE)
    stranger = run.users["stranger"]
    enrolment = enrol(stranger)
    sync_run(platform, COURSE)
    assert Learner.objects.get(user_id=stranger.id).state == LearnerStatus.NEVER_STARTED
    CourseEnrollment.objects.filter(pk=enrolment.pk).update(is_active=False)
    sync_run(platform, COURSE)
    assert Learner.objects.get(user_id=stranger.id).state == LearnerStatus.LEFT


@pytest.mark.parametrize(
    ("courses", "is_read"),
    [(None, True), ([COURSE], True), (["course-v1:TestX+*"], True), ([], False), (["course-v1:Other+*"], False)],
)
def test_a_site_may_leave_courses_out(run: Any, platform: Any, settings: Any, courses: Any, is_read: bool) -> None:
    settings.ENGAGE = {"COURSES": courses}
    assert (sync_run(platform, COURSE) is not None) is is_read
    assert Learner.objects.exists() is is_read
