"""Examples see what was known at their clock, and nothing else."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.counters import DAY, FEATURES
from engage_backend.engagement.dataset import NOT_JUDGED, WEEK, Run, load_run, run_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import Package, read_package
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, WEEKS, people, write_package, write_table

LEAVE = 2


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return read_package(write_package(tmp_path_factory.mktemp("dataset"), count=12, clicks=2))


@pytest.fixture(scope="module")
def events(package: Package) -> list[ClickEvent]:
    return parse_lines(package.lines())[0]


def made(package: Package, events: list[ClickEvent]) -> Run:
    return run_of(package, events, KindTable(sorted({event.kind for event in events})), seed=1)


def column(run: Run, name: str) -> np.ndarray:
    return run.features[:, FEATURES.index(name)]


def test_a_log_is_read_whole_and_every_line_is_reported(package: Package, events: list[ClickEvent]) -> None:
    lines: list[int] = []
    run = load_run(package, KindTable(), seed=1, progress=lines.append)
    assert sum(lines) == len(list(package.lines()))
    assert len(run.kinds) == len(events) == run.begins[-1]


def test_every_week_has_an_example_of_everyone_who_has_come_by_then(package: Package, events: list[ClickEvent]) -> None:
    run = made(package, events)
    assert set(run.week.tolist()) == set(range(WEEKS + 1))  # 0: moments within a week
    for week in range(1, WEEKS + 1):
        assert set(run.clock[run.week == week].tolist()) == {micros(START) + week * WEEK}
        assert (run.week == week).sum() == len(run.learners) == 12


def test_features_see_no_event_after_the_clock(package: Package, events: list[ClickEvent]) -> None:
    """Cut the log at the end of week 4: the examples up to there stay the same, bit for bit."""
    cut = micros(START) + 4 * WEEK
    whole = made(package, events)
    early = run_of(package, [e for e in events if e.time <= cut], KindTable(sorted({e.kind for e in events})), seed=1)
    for week in range(1, 5):
        mine, theirs = whole.week == week, early.week == week
        assert np.array_equal(whole.features[mine], early.features[theirs])
        assert np.array_equal(whole.seen[mine], early.seen[theirs])


def test_the_level_counts_the_days_of_the_week_after_the_clock(package: Package, events: list[ClickEvent]) -> None:
    run = made(package, events)
    last = run.clock > micros(START) + (WEEKS - 1) * WEEK
    assert (run.level[last] == NOT_JUDGED).all()
    assert last.any()
    for at in np.flatnonzero(~last):
        clock, user = run.clock[at], run.learners[run.who[at]]
        after = [event.time - clock for event in events if event.learner == user and 0 < event.time - clock <= WEEK]
        assert run.level[at] == len({-(-later // DAY) for later in after})
    assert len(set(run.level[~last].tolist())) > 2


def test_an_example_counts_the_events_up_to_its_clock(package: Package, events: list[ClickEvent]) -> None:
    run = made(package, events)
    for at in range(0, len(run.who), 7):
        mine = [event for event in events if event.learner == run.learners[run.who[at]]]
        assert run.seen[at] == sum(event.time <= run.clock[at] for event in mine) == column(run, "events")[at]


def test_order_and_repetition_of_the_log_change_nothing(package: Package, events: list[ClickEvent]) -> None:
    shuffled = events * 2
    random.Random(5).shuffle(shuffled)
    first, second = made(package, events), made(package, shuffled)
    for name in ("kinds", "carried", "features", "labels", "clock", "seen"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_end_state_tables_reach_labels_only(package: Package, events: list[ClickEvent]) -> None:
    flipped = [
        learner._replace(certified=not learner.certified, is_active=not learner.is_active, grade=None)
        for learner in package.learners
    ]
    first = made(package, events)
    second = made(Package(package.folder, package.schedule, flipped, package.event_files), events)
    assert np.array_equal(first.features, second.features) and np.array_equal(first.kinds, second.kinds)
    assert np.array_equal(first.labels[:, 0], 1 - second.labels[:, 0])


def test_labels_follow_what_became_of_the_learner(package: Package, events: list[ClickEvent]) -> None:
    run, by_id = made(package, events), {person.user_id: person for person in people(12)}
    for at in range(len(run.who)):
        person = by_id[int(run.learners[run.who[at]])]
        assert run.labels[at, 0] == person.certified
        assert run.labels[at, 1] == (person.hands_in >= 2)
        last = max(event.time for event in events if event.learner == person.user_id)
        if run.labels[at, LEAVE] != NOT_JUDGED:
            assert run.labels[at, LEAVE] == (last <= run.clock[at] + 2 * DAY)
    assert {0, 1, NOT_JUDGED} == set(run.labels[:, LEAVE].tolist())
    silent = (column(run, "days_silent") > 14) & (run.labels[:, LEAVE] != NOT_JUDGED)
    assert silent.any() and run.labels[silent, LEAVE].all()  # learnt from, and not what a figure is calibrated on:
    assert not run.shown()[silent, LEAVE].any() and run.shown()[~silent & (run.labels[:, LEAVE] >= 0), LEAVE].all()
    assert (run.labels[run.week > WEEKS - 2, LEAVE] == NOT_JUDGED).all()


def test_clicks_that_stop_end_the_weeks_and_outcomes_still_count(package: Package, events: list[ClickEvent]) -> None:
    stop = micros(START + timedelta(days=27, hours=23))
    kept = [event for event in events if event.time <= stop or event.possible is not None]
    run = made(package, kept)
    assert run.week.max() == 4
    assert (run.labels[run.week == 3, LEAVE] == NOT_JUDGED).all()  # day 21 lies in the last 14 days of the clicks
    assert np.array_equal(np.unique(run.labels[:, 1]), np.unique(made(package, events).labels[:, 1]))


def test_staff_and_strangers_are_no_examples(tmp_path: Path) -> None:
    folder = write_package(tmp_path, count=6, clicks=1)
    write_table(folder, "2024", "student_courseaccessrole", "user_id\trole", ["1001\tstaff"])
    package = read_package(folder)
    events = parse_lines(package.lines())[0]
    stranger = [event._replace(learner=77) for event in events[:20]]
    elsewhere = [event._replace(course="course-v1:Other+X+1") for event in events[:20]]
    run = made(package, events + stranger + elsewhere)
    assert set(run.learners.tolist()) == {1000, 1002, 1003, 1004, 1005}
    assert len(run.kinds) == sum(event.learner != 1001 for event in events)


def test_nobody_counts_before_enrolling(package: Package, events: list[ClickEvent]) -> None:
    late = [learner._replace(enrolled_at=START + timedelta(weeks=3)) for learner in package.learners]
    run = made(Package(package.folder, package.schedule, late, package.event_files), events)
    assert run.clock.min() >= micros(START + timedelta(weeks=3))


def test_a_log_without_events_gives_a_run_without_examples(package: Package) -> None:
    run = made(package, [])
    assert len(run.who) == len(run.learners) == len(run.kinds) == 0


def test_weeks_of_a_self_paced_run_begin_with_each_learners_own_enrolment(
    package: Package, events: list[ClickEvent]
) -> None:
    learners = [
        learner._replace(enrolled_at=START + timedelta(days=number)) for number, learner in enumerate(package.learners)
    ]
    schedule = package.schedule._replace(self_paced=True)
    run = made(Package(package.folder, schedule, learners, package.event_files), events)
    for at in np.flatnonzero(run.week > 0):
        own = micros(START) + int(run.who[at]) * DAY
        assert run.clock[at] == own + int(run.week[at]) * WEEK
