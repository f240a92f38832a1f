"""Who belongs to the course team is no learner: neither what they click nor they themselves are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from engage_backend.engagement.live.engine import Engine, Unplaced
from engage_backend.engagement.live.roster import sync_everyone, sync_run
from engage_backend.models import Checkpoint, CourseRun, HistoryChunk, Learner, LearnerStatus, ReadAgain, Submission
from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Course, CourseStaff, Enrolment
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line


def promote(user_id: int, how: str) -> None:
    """Make somebody course staff, global staff or a superuser; the enrolment stays, as on a real site."""
    if how == "course staff":
        CourseStaff.objects.create(course=Course.objects.get(), user_id=user_id)
    else:
        User.objects.filter(pk=user_id).update(**{how: True})


@pytest.mark.parametrize("how", ["course staff", "is_staff", "is_superuser"])
def test_events_of_the_course_team_are_counted_as_not_enrolled_and_kept_nowhere(live: LiveSite, how: str) -> None:
    promote(101, how)
    engine = live.engine()
    unplaced = engine.ingest([*clicks(101, 40), *clicks(102, 10)])
    assert unplaced == {Unplaced.LEARNER: 40}
    assert set(live.states()) == {102, 103, 104}
    assert {user for user, _ in live.histories()} == {102}
    assert not Submission.objects.filter(learner__user_id=101).exists()


def test_the_consumer_counts_them_and_anonymous_visitors_by_reason(live: LiveSite, tmp_path: Path) -> None:
    promote(101, "course staff")
    log = tmp_path / "tracking.log"
    anonymous = [event._replace(learner=0) for event in clicks(102, 3)]
    dashboard = line(clicks(102, 1)[0]._replace(kind=f"/courses/{Course.objects.get().key}/instructor/api/list"))
    dashboard = dashboard.replace(b'"browser"', b'"server"')
    log.write_bytes(b"".join(map(line, [*clicks(101, 5), *anonymous, *clicks(102, 4)])) + dashboard)
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    assert Checkpoint.objects.get().rejected == {"not enrolled": 5, "no learner": 3, "course team's tools": 1}
    assert sum(HistoryChunk.objects.values_list("events", flat=True)) == 4


def test_a_learner_who_joins_the_team_leaves_and_comes_back_with_all_that_was(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(clicks(101, 30))
    engine.tick()
    promote(101, "course staff")
    live.clock(42)
    engine.tick()
    assert live.states()[101] == LearnerStatus.LEFT
    assert engine.ingest(clicks(101, 5, seed=7)) + engine.settle() == {Unplaced.LEARNER: 5}
    CourseStaff.objects.all().delete()
    live.clock(43)
    engine.tick()
    assert live.states()[101] == LearnerStatus.ACTIVE
    assert sum(HistoryChunk.objects.filter(learner__user_id=101).values_list("events", flat=True)) == 30


def enrol(user_id: int) -> None:
    user = User.objects.create(id=user_id, username=f"learner{user_id}")
    began = Learner.objects.order_by("pk").values_list("enrolled_at", flat=True)[0]
    Enrolment.objects.create(course=Course.objects.get(), user=user, created=began)


def test_the_first_clicks_of_who_has_just_enrolled_wait_for_the_roster_and_are_not_lost(live: LiveSite) -> None:
    engine = live.engine()
    looking = clicks(105, 3)
    assert engine.ingest(looking) == {Unplaced.LEARNER: 3}  # a visitor of the course's page; the roster is read
    enrol(105)
    assert engine.ingest(clicks(105, 20, seed=1)) == {}
    assert engine.ingest([*clicks(105, 5, seed=2), *clicks(999, 4)]) == {}  # no stranger's click asks the platform
    assert (engine.waiting, live.histories()) == (29, {})
    assert engine.settle() == {Unplaced.LEARNER: 4}
    assert engine.waiting == 0
    assert sum(HistoryChunk.objects.values_list("events", flat=True)) == 25


def test_a_course_that_has_just_been_made_is_found_too(live: LiveSite) -> None:
    key = "course-v1:TestX+New+2024"
    event = clicks(101, 1)[0]._replace(course=key)
    engine = live.engine()
    assert engine.ingest([event]) == {Unplaced.COURSE: 1}
    course = Course.objects.create(key=key, schedule={**Course.objects.get().schedule, "course": key})
    Enrolment.objects.create(course=course, user_id=101, created=Enrolment.objects.first().created)  # type: ignore[union-attr]
    assert engine.ingest([event]) == {}
    assert engine.settle() == {}
    assert Learner.objects.get(course_run__course_key=key).last_active is not None


def test_what_waits_is_bounded_and_the_rest_is_counted(live: LiveSite) -> None:
    engine = Engine(get_platform(), max_waiting=10)
    assert engine.ingest(clicks(998, 1)) == {Unplaced.LEARNER: 1}  # the platform is asked about strangers
    assert engine.ingest(clicks(999, 25)) == {Unplaced.LEARNER: 15}
    assert engine.settle() == {Unplaced.LEARNER: 10}


def test_what_was_placed_in_a_transaction_that_did_not_last_waits_again(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    assert engine.ingest(clicks(998, 1)) == {Unplaced.LEARNER: 1}  # the platform is asked about strangers
    enrol(105)
    assert engine.ingest(clicks(105, 20)) == {}
    with transaction.atomic():
        engine.settle()
        assert live.histories() != {}
        transaction.set_rollback(True)
    assert live.histories() == {}
    engine.forget()
    assert engine.waiting == 20
    for _ in range(2):  # what began to wait in such a transaction comes again with its batch
        with transaction.atomic():
            engine.ingest(clicks(106, 7))
            transaction.set_rollback(True)
        engine.forget()
    assert engine.waiting == 20
    assert engine.ingest(()) == {}
    assert sum(HistoryChunk.objects.values_list("events", flat=True)) == 20


def test_a_consumer_that_ends_has_decided_what_waited(live: LiveSite, tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, [*clicks(101, 3), *clicks(999, 7)])))
    call_command("engage_consume", str(log), "--once", "--max-wait", "0", "--max-batch", "2")
    assert Checkpoint.objects.get().rejected == {"not enrolled": 7}


def test_the_rosters_of_many_runs_are_read_in_several_steps_and_none_is_left_out(live: LiveSite) -> None:
    first = Course.objects.get()
    keys = {first.key, *(f"course-v1:TestX+Many{number}+2024" for number in range(5))}
    for key in keys - {first.key}:
        made = Course.objects.create(key=key, schedule={**first.schedule, "course": key})
        Enrolment.objects.create(course=made, user_id=101, created=Enrolment.objects.first().created)  # type: ignore[union-attr]
    engine = live.engine()
    engine.tick(seconds=1e-9)
    assert CourseRun.objects.count() < len(keys)
    for _ in keys:
        engine.tick(seconds=0.2)
    assert set(CourseRun.objects.values_list("course_key", flat=True)) == keys
    assert Learner.objects.filter(user_id=101).count() == len(keys)


def enrol_many(count: int) -> None:
    User.objects.bulk_create(User(id=2_000 + number, username=f"many{number}") for number in range(count))
    course, began = Course.objects.get(), Learner.objects.order_by("pk").values_list("enrolled_at", flat=True)[0]
    Enrolment.objects.bulk_create(
        Enrolment(course=course, user_id=2_000 + number, created=began) for number in range(count)
    )


def test_a_step_of_a_comparison_costs_the_same_questions_however_long_the_roster_is(live: LiveSite) -> None:
    run = sync_run(get_platform(), COURSE)
    assert run is not None

    def questions() -> list[int]:
        """Of each step, where nothing has changed."""
        steps, counts = sync_everyone(get_platform(), run), []
        while True:
            with CaptureQueriesContext(connection) as asked:
                changed = next(steps, None)
            if changed is None:
                return counts
            assert changed == set()
            counts.append(len(asked))

    few = questions()
    enrol_many(1_700)
    Enrolment.objects.filter(user_id=102).update(mode="m" * 90, cohort="c" * 255)
    sync_run(get_platform(), COURSE)
    assert Learner.objects.get(user_id=102).cohort == "c" * 255
    many = questions()
    assert len(many) == 5
    assert max(many) <= max(few)


def test_a_long_roster_is_compared_in_steps_between_which_records_are_taken_in(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    enrol_many(1_700)
    Enrolment.objects.filter(user_id=102).delete()  # without a signal, and without a record
    live.clock(43)
    fresh = live.engine()
    for _ in range(3):
        fresh.tick(seconds=1e-9)
    assert 0 < Learner.objects.filter(user_id__gte=2_000).count() < 1_700
    assert fresh.ingest(clicks(3_699, 7)) == {}, "who is not read yet is asked for by name"
    assert sum(HistoryChunk.objects.filter(learner__user_id=3_699).values_list("events", flat=True)) == 7
    for _ in range(10):
        fresh.tick(seconds=1e-9)
    assert Learner.objects.filter(user_id__gte=2_000).exclude(state=LearnerStatus.LEFT).count() == 1_700
    assert live.states()[102] == LearnerStatus.LEFT


def test_a_change_that_is_known_by_name_costs_the_learners_whom_it_is_about(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    read = CourseRun.objects.get().roster_read
    Enrolment.objects.filter(user_id=102).update(is_active=False)
    Enrolment.objects.filter(user_id=103).update(mode="verified", cohort="Reds")
    Enrolment.objects.filter(user_id=104).update(mode="verified")  # of this nobody tells
    due = datetime.now(UTC)
    ReadAgain.objects.bulk_create(ReadAgain(course_key=COURSE, user_id=user, due=due) for user in (102, 103, 999))
    engine._rosters._changes_read = float("-inf")
    engine.tick()
    rows = dict(Learner.objects.values_list("user_id", "mode"))
    assert (live.states()[102], rows[103], rows[104]) == (LearnerStatus.LEFT, "verified", "")
    assert Learner.objects.get(user_id=103).cohort == "Reds"
    assert (CourseRun.objects.get().roster_read, ReadAgain.objects.count()) == (read, 0)
    assert engine.ingest(clicks(102, 5)) == {Unplaced.LEARNER: 5}


def test_of_two_consumers_one_compares_a_roster_within_an_hour(live: LiveSite) -> None:
    one, other = live.engine(), live.engine()
    one.tick()
    other.tick()  # at its start, whoever did it before
    live.clock(41 + 2 / 24)
    for engine, count in ((one, 1), (other, 0)):
        engine._rosters._courses_read = float("-inf")
        with CaptureQueriesContext(connection) as asked:
            engine.tick()
        assert len([1 for query in asked if "roster_read" in query["sql"] and "UPDATE" in query["sql"]]) == count
