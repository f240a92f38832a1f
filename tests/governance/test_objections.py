"""An objection holds in the engine: at once, in every consumer, in a backfill, and until it is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engage_backend.engagement.live import roster
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.roster import sync_run
from engage_backend.governance.objections import erase, hide, object_to, objecting, take_back
from engage_backend.governance.retirement import retire
from engage_backend.models import (
    CourseRun,
    DailySnapshot,
    HistoryChunk,
    Learner,
    LearnerState,
    Objection,
    Prediction,
    Submission,
)
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import COURSE, DAY, START, clicks
from tests.engagement.live.conftest import LiveSite

PROFILE = (HistoryChunk, LearnerState, DailySnapshot, Submission)


def started(live: LiveSite) -> Engine:
    """An engine that has taken in, and passed over, the clicks of two learners."""
    engine = live.engine()
    engine.ingest([*clicks(101, 80), *clicks(102, 80)])
    engine.tick()
    assert all(model.objects.filter(learner__user_id=101).exists() for model in PROFILE)
    return engine


def say(
    now: Any = None, *, user: int = 101, run: CourseRun | None = None, no: bool = True, waits: bool = False
) -> None:
    """Object, or take it back. The clock looks a day later, unless `waits`: then it has only hidden the learner."""
    now = now or get_platform().now()
    (object_to if no else take_back)(run, user, now)
    hide(now)
    if not waits:
        erase(now + timedelta(days=1))


def held(user: int = 101) -> dict[str, int]:
    return {model.__name__: model.objects.filter(learner__user_id=user).count() for model in PROFILE}


NOTHING = dict.fromkeys(("HistoryChunk", "LearnerState", "DailySnapshot", "Submission"), 0)


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_learner_who_objects_is_no_longer_predicted_and_their_clicks_are_erased(
    live: LiveSite, everywhere: bool
) -> None:
    started(live)
    run = CourseRun.objects.get()
    say(run=None if everywhere else run)
    assert objecting(run) == {101}
    assert held() == NOTHING
    assert live.shown()[101] == (None, None, None)
    assert live.states()[101] == "left"
    assert all(held(102).values())


def test_open_pages_are_told_to_drop_the_row(live: LiveSite) -> None:
    started(live)
    before = CourseRun.objects.get().version
    say(run=CourseRun.objects.get())
    assert Prediction.objects.get(learner__user_id=101).version > before


@pytest.mark.parametrize("process", ["the one that knows the roster", "a new one"])
def test_what_a_learner_who_objects_clicks_is_not_taken_in(live: LiveSite, process: str) -> None:
    engine = started(live)
    say(run=CourseRun.objects.get())
    if process == "a new one":
        engine = live.engine()
    engine.ingest([*clicks(101, 50, seed=1), *clicks(102, 5, seed=1)])
    engine.settle()
    live.clock(43)
    engine.tick()
    assert held() == NOTHING
    assert (live.states()[101], live.shown()[101]) == ("left", (None, None, None))


def test_an_objection_before_the_first_roster_leaves_no_row_at_all(live: LiveSite) -> None:
    say(run=None)
    engine = live.engine()
    engine.ingest(clicks(101, 50))
    engine.tick()
    assert 101 not in live.states()
    assert 102 in live.states()


def test_after_taking_it_back_only_what_comes_then_counts_however_old_the_log_is(live: LiveSite) -> None:
    engine = started(live)
    run = CourseRun.objects.get()
    say(run=run)
    live.clock(45)
    say(run=run, no=False)
    assert objecting(run) == set()
    sync_run(get_platform(), COURSE)
    assert live.states()[101] == "never_started"
    old = clicks(101, 80)  # a backfill of the whole log
    new = [old[0]._replace(time=START + 45 * DAY + n * 1_000_000, kind="play_video") for n in range(1, 8)]
    live.clock(46)
    engine.ingest([*old, *new])
    engine.settle()
    live.engine().ingest([*old, *new])
    assert sum(HistoryChunk.objects.filter(learner__user_id=101).values_list("events", flat=True)) == len(new)
    assert not Submission.objects.filter(learner__user_id=101).exists()
    assert live.states()[101] == "active"
    assert None not in live.shown()[101]


def test_who_takes_back_everywhere_before_enrolling_begins_at_that_moment_too(live: LiveSite) -> None:
    say(run=None)
    live.clock(44)
    say(run=None, no=False)
    live.engine().ingest(clicks(101, 50))  # of the first forty days
    assert live.states()[101] == "never_started"
    assert not HistoryChunk.objects.filter(learner__user_id=101).exists()


def test_an_objection_everywhere_outlives_one_that_was_taken_back_here(live: LiveSite) -> None:
    started(live)
    run = CourseRun.objects.get()
    say(run=run)
    say(run=None)
    say(run=run, no=False)
    assert objecting(run) == {101}
    assert live.states()[101] == "left"
    say(run=None, no=False)
    assert objecting(run) == set()
    sync_run(get_platform(), COURSE)
    assert live.states()[101] == "never_started"


def test_saying_it_twice_and_again_later_keeps_one_row(live: LiveSite) -> None:
    started(live)
    run = CourseRun.objects.get()
    now = get_platform().now()
    for n, no in enumerate((True, True, False, False, True)):
        say(now + timedelta(days=n), run=run, no=no)
    (only,) = Objection.objects.all()
    assert (only.since, only.until) == (now + timedelta(days=4), None)
    assert held() == NOTHING


def test_for_a_day_an_objection_can_be_undone_and_all_is_as_it_was(live: LiveSite) -> None:
    engine = started(live)
    run, shown, before = CourseRun.objects.get(), live.shown()[101], held()
    state = live.states()[101]
    say(run=run, waits=True)
    assert held() == before, "nothing is erased yet"
    assert live.states()[101] == "left"
    engine.ingest(clicks(101, 50, seed=1))
    engine.settle()
    live.clock(41.9)
    engine.tick()
    assert held() == before, "and nothing is added: no click, no snapshot of the day"
    erase(get_platform().now())
    assert held() == before
    say(run=run, no=False, waits=True)
    assert not Objection.objects.exists()
    sync_run(get_platform(), COURSE)
    assert (live.states()[101], live.shown()[101]) == (state, shown)
    erase(get_platform().now() + timedelta(days=2))
    assert held() == before


def test_after_the_day_it_is_erased_and_can_only_be_begun_anew(live: LiveSite) -> None:
    started(live)
    run, said = CourseRun.objects.get(), get_platform().now()
    say(said, run=run, waits=True)
    erase(said + timedelta(hours=23, minutes=59))
    assert all(held().values())
    erase(said + timedelta(days=1))
    assert held() == NOTHING
    say(said + timedelta(days=2), run=run, no=False)
    assert Learner.objects.get(user_id=101).counted_from == said + timedelta(days=2)
    assert Objection.objects.get().until == said + timedelta(days=2)


def test_a_second_objection_that_is_undone_leaves_the_end_of_the_first(live: LiveSite) -> None:
    started(live)
    run, said = CourseRun.objects.get(), get_platform().now()
    say(said, run=run)
    say(said + timedelta(days=2), run=run, no=False)
    say(said + timedelta(days=3), run=run, waits=True)
    say(said + timedelta(days=3), run=run, no=False, waits=True)
    assert Objection.objects.get().until == said + timedelta(days=2)
    assert Learner.objects.get(user_id=101).counted_from == said + timedelta(days=2)


def test_an_objection_during_a_reading_of_the_roster_wins(live: LiveSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who was away and is enrolled again objects after the reading began: it does not bring them back."""
    started(live)
    run = CourseRun.objects.get()
    Learner.objects.filter(user_id=101).update(state="left")
    Learner.objects.filter(user_id=102).delete()
    before_locks = roster.lock_learners

    def objects_first(ids: Any) -> None:
        for user in (101, 102):
            object_to(run, user, get_platform().now())
        before_locks(ids)

    monkeypatch.setattr(roster, "lock_learners", objects_first)
    sync_run(get_platform(), COURSE)
    assert live.states().get(101) == "left"
    assert 102 not in live.states(), "nor is a row made for one who is new"


def test_objecting_in_a_web_process_asks_little_and_waits_for_nobody(live: LiveSite) -> None:
    started(live)
    run, now = CourseRun.objects.get(), get_platform().now()
    with CaptureQueriesContext(connection) as queries:
        object_to(run, 101, now)
    assert len([one for one in queries if "SAVEPOINT" not in one["sql"]]) <= 4
    assert not [one for one in queries if "engage_historychunk" in one["sql"] or "engage_courserun" in one["sql"]]
    assert live.states()[101] == "left", "no page that is opened now shows them"


def test_the_clock_erases_once_the_day_is_over(live: LiveSite) -> None:
    started(live)
    object_to(CourseRun.objects.get(), 101, get_platform().now() - timedelta(days=1, minutes=1))
    version = CourseRun.objects.get().version
    call_command("engage_tick")
    assert held() == NOTHING
    assert Prediction.objects.get(learner__user_id=101).version > version


def test_nobody_pays_for_objections_where_nobody_left(live: LiveSite) -> None:
    engine = started(live)
    with CaptureQueriesContext(connection) as queries:
        engine.ingest(clicks(102, 1, seed=2))
    assert not [one for one in queries if "engage_objection" in one["sql"] or "engage_tombstone" in one["sql"]]


def test_a_learner_whose_row_was_removed_meanwhile_stops_nobody_else(live: LiveSite) -> None:
    engine = started(live)
    Learner.objects.filter(user_id=101).delete()
    before = sum(HistoryChunk.objects.filter(learner__user_id=102).values_list("events", flat=True))
    engine.ingest([*clicks(101, 3, seed=3), *clicks(102, 3, seed=3)])
    assert sum(HistoryChunk.objects.filter(learner__user_id=102).values_list("events", flat=True)) == before + 3


def test_training_is_told_whom_to_leave_out(live: LiveSite, capsys: pytest.CaptureFixture[str]) -> None:
    started(live)
    say(run=CourseRun.objects.get(), user=102)
    say(run=None, user=103)
    retire(104)
    say(run=None, user=101)
    say(run=None, user=101, no=False)
    call_command("engage_left_out", "--course", COURSE)
    assert capsys.readouterr().out.split() == ["102", "103", "104"]
    with pytest.raises(CommandError, match="no course run"):
        call_command("engage_left_out", "--course", "course-v1:No+Such+Run")


def test_a_run_is_done_with_before_the_next_ones_learner_is_locked(live: LiveSite) -> None:
    """A consumer goes through runs in that order too: who held both learners first would wait for it, and it for them."""
    engine = started(live)
    begun = CourseRun.objects.get()
    other = CourseRun.objects.create(course_key="course-v1:a+first+one", start=begun.start)
    there = Learner.objects.create(course_run=other, user_id=101, enrolled_at=begun.start)
    assert engine is not None
    now = get_platform().now()
    object_to(None, 101, now)
    for act in (lambda: hide(now), lambda: erase(now + timedelta(days=1)), lambda: retire(101)):
        first, last = sorted((begun, other), key=lambda run: run.course_key)
        rows = {row.course_run_id: row.pk for row in Learner.objects.filter(user_id=101)}
        assert there.pk in rows.values()
        with CaptureQueriesContext(connection) as captured:
            act()
        said = [query["sql"] for query in captured]
        raised = next(n for n, sql in enumerate(said) if _raises(sql, first.pk))
        next_one = [n for n, sql in enumerate(said) if f'"id" = {rows[last.pk]}' in sql or _of_run(sql, last.pk)]
        assert next_one and raised < min(next_one)


def _raises(sql: str, run: int) -> bool:
    return sql.startswith('UPDATE "engage_courserun" SET "version"') and sql.endswith(f'"id" = {run}')


def _of_run(sql: str, run: int) -> bool:
    return 'FROM "engage_learner"' in sql and f'"course_run_id" = {run}' in sql
