"""Of many processes one does the daily pass; when it dies another one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from engage_backend.engagement.live.lease import JobLease, database_time
from engage_backend.models import CourseRun, DailySnapshot, Lease
from engage_backend.platform.standalone.models import Course, Enrolment
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LiveSite
from tests.operations.sites import DiskSite
from tests.services import PATIENCE, until

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_lease_is_held_by_one_and_kept_by_the_one_that_asks_again() -> None:
    one, other = JobLease("clock", seconds=60), JobLease("clock", seconds=60)
    assert one.take(NOW)
    assert not other.take(NOW)
    assert one.take(NOW + timedelta(seconds=50))
    assert not other.take(NOW + timedelta(seconds=70))  # it was kept for 60 s from second 50 on


@pytest.mark.django_db
def test_a_dead_holders_lease_runs_out() -> None:
    dead, other = JobLease("clock", seconds=60), JobLease("clock", seconds=60)
    assert dead.take(NOW)
    assert not other.take(NOW + timedelta(seconds=59))
    assert other.take(NOW + timedelta(seconds=60))
    assert not dead.take(NOW + timedelta(seconds=61))


@pytest.mark.django_db
def test_a_released_lease_is_free_and_only_its_holder_releases_it() -> None:
    one, other = JobLease("clock"), JobLease("clock")
    assert one.take(NOW)
    other.release()
    assert not other.take(NOW)
    one.release()
    assert other.take(NOW)


@pytest.mark.django_db
def test_leases_of_different_names_are_different() -> None:
    assert JobLease("clock").take(NOW)
    assert JobLease("other").take(NOW)
    assert Lease.objects.count() == 2


@pytest.mark.django_db
def test_leases_run_out_by_the_databases_clock_which_goes_on_within_a_transaction() -> None:
    begun = database_time()
    assert abs(begun - datetime.now(UTC)) < timedelta(minutes=1)
    until(lambda: database_time() > begun)
    one, other = JobLease("clock", seconds=60), JobLease("clock", seconds=60)
    assert one.take()
    assert not other.take()
    Lease.objects.update(expires=begun)
    assert other.take()


def test_of_two_engines_one_passes(live: LiveSite) -> None:
    one, other = live.engine(), live.engine()
    assert one.tick() == [COURSE]
    assert other.tick() == []
    live.clock(42)
    assert other.tick() == [COURSE]  # whoever comes first
    assert one.tick() == []


def test_while_another_one_holds_the_lease_events_go_in_and_the_pass_waits(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    dead = JobLease("clock", seconds=60)
    assert dead.take(NOW)
    live.clock(43)
    assert engine.tick(real=NOW + timedelta(seconds=30)) == []
    engine.ingest(clicks(101, 3))
    assert len(live.histories()) == 1
    day = CourseRun.objects.get().clock_day
    assert engine.tick(real=NOW + timedelta(seconds=61)) == [COURSE]
    assert CourseRun.objects.get().clock_day != day


def enrol_many(count: int) -> None:
    """So many more learners: more than one part of a pass."""
    course = Course.objects.get()
    users = User.objects.bulk_create(User(id=n, username=f"learner{n}") for n in range(1_000, 1_000 + count))
    Enrolment.objects.bulk_create(
        Enrolment(course=course, user=user, created=NOW - timedelta(days=900)) for user in users
    )


def test_a_pass_in_parts_lets_events_in_between_and_ends_when_all_had_their_turn(live: LiveSite) -> None:
    enrol_many(450)
    engine = live.engine()
    engine.ingest(clicks(101, 3))
    assert engine.tick(seconds=0.0) == []
    engine.ingest(clicks(102, 3))
    assert len(live.histories()) == 2
    assert live.engine().tick() == []  # it holds on to the lease
    assert engine.tick(seconds=0.0) == []
    assert CourseRun.objects.get().clock_day is None
    assert engine.tick(seconds=0.0) == [COURSE]
    assert CourseRun.objects.get().clock_day is not None
    assert DailySnapshot.objects.filter(learner__user_id=101).count() == 1
    assert live.engine().tick() == []


def test_who_loses_the_lease_stops_and_another_one_passes_over_everybody(live: LiveSite) -> None:
    enrol_many(450)
    lost, other = live.engine(), live.engine()
    lost.ingest(clicks(101, 3))
    assert lost.tick(real=NOW, seconds=0.0) == []
    later = NOW + timedelta(hours=1)
    assert other.tick(real=later, seconds=0.0) == []
    assert lost.tick(real=later, seconds=0.0) == []
    assert CourseRun.objects.get().clock_day is None
    assert other.tick(real=later) == [COURSE]
    assert lost.tick(real=later) == []


def test_three_silent_days_change_states_and_figures_through_the_command_for_cron(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    engine.ingest(clicks(102, 90))
    before = live.shown()[102]
    last = max(event.time for event in clicks(102, 90))
    assert live.states()[102] == "active"
    live.clock((last / 1e6 - 1_704_067_200) / 86_400 + 13)
    call_command("engage_tick", stdout=StringIO())
    assert live.states()[102] == "active"
    told = StringIO()
    live.clock((last / 1e6 - 1_704_067_200) / 86_400 + 16)
    call_command("engage_tick", stdout=told)
    assert COURSE in told.getvalue()
    assert live.states()[102] == "gone"
    assert live.shown()[102] != before
    assert DailySnapshot.objects.filter(learner__user_id=102).count() == 2
    told = StringIO()
    call_command("engage_tick", stdout=told)
    assert told.getvalue() == "nothing is due\n"


def test_of_processes_that_tick_at_the_same_moment_one_passes(disk_site: DiskSite) -> None:
    disk_site.set_up(learners=400)
    ticking = [disk_site.start("tick") for _ in range(3)]
    told = [process.communicate(timeout=PATIENCE) for process in ticking]
    assert [process.returncode for process in ticking] == [0, 0, 0], told
    assert sorted(out.startswith(COURSE) for out, _ in told) == [False, False, True]
