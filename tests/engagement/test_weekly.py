"""The twelve features, worked out by hand, and that nothing is known before its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.comparison.material import Material, material_of
from engage_backend.engagement.comparison.weekly import TWELVE
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import Package, read_package
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, block, course_key, write_package

MINUTE = 60 * 1_000_000
DAY = 24 * 60 * MINUTE
LEARNER = 1000


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return read_package(write_package(tmp_path_factory.mktemp("weekly"), count=12, clicks=2))


def made(package: Package, events: list[ClickEvent]) -> Material:
    kinds = KindTable(sorted({event.kind for event in events}))
    return material_of(package, events, kinds, seed=1)


def at(minutes: float, kind: str, name: str = "", score: float | None = None) -> ClickEvent:
    """An event of the learner so many minutes after the course began; handed in for one point where it has a score."""
    usage = block("2024", name) if name else ""
    time = micros(START) + round(minutes * MINUTE)
    return ClickEvent(course_key("2024"), LEARNER, time, kind, usage, "", score, None if score is None else 1.0)


def of_week(material: Material, week: int) -> dict[str, float]:
    (row,) = material.features[(material.week == week) & (material.learners[material.who] == LEARNER)]
    return dict(zip(TWELVE, row.tolist(), strict=True))


def test_each_feature_is_what_its_definition_says(package: Package) -> None:
    week = 7 * 24 * 60
    events = [
        at(0, "seq_next"),
        at(10, "play_video"),  # the first lasted 10 minutes
        at(15, "seq_next"),  # the video 5
        at(600, "problem_show"),  # a new session
        at(602, "problem_check_incorrect", "p0", 0.5),
        at(604, "problem_check_correct", "p0", 1.0),
        at(604 + 1 / 60, "edx.grades.problem.submitted", "p0", 1.0),  # the same submission, told again
        at(605, "problem_check_incorrect", "p1", 0.0),
        at(week + 600, "edx.grades.problem.submitted", "p2", 1.0),  # all points, and no check beside it
        at(8 * week - 1, "seq_next"),
    ]
    material = made(package, events)
    first = of_week(material, 1)
    durations = np.array([600, 300, 120, 120, 60])  # a grade is no event of its own
    assert first["total_time"] == pytest.approx(15 * 60 + 5 * 60)
    assert (first["problems"], first["correct_problems"], first["attempts_per_problem"]) == (2, 1, 1.5)
    assert first["time_per_correct"] == first["total_time"] and first["attempted_per_correct"] == 2
    assert first["time_since_last"] == pytest.approx((week - 605) * 60)
    # p0 is due at the end of week 1, p1 at the end of week 3
    assert first["lead_time"] == pytest.approx(60 * np.mean([week - 602, week - 604, 3 * week - 605]))
    assert first["longest_event"] == 600 and first["video_time"] == 300
    assert first["deviation"] == pytest.approx(durations.std())
    assert first["share_of_course"] == pytest.approx(1 / 8)
    second = of_week(material, 2)
    assert (second["problems"], second["correct_problems"]) == (3, 2)
    assert second["total_time"] == first["total_time"] and second["longest_event"] == 600
    assert of_week(material, 8)["share_of_course"] == 1


def test_a_feature_knows_nothing_of_what_comes_after_its_week(package: Package) -> None:
    """Cut the log at the end of week 4: all weeks up to there stay the same, bit for bit."""
    events = parse_lines(package.lines())[0]
    cut = micros(START) + 4 * WEEK
    # A session that runs across the cut: its last pause must not be known before it has ended.
    person = events[0].learner
    across = [events[0]._replace(learner=person, time=cut + minutes * MINUTE) for minutes in (-9, -2, 3, 11)]
    whole, early = made(package, events + across), made(package, [e for e in events + across if e.time <= cut])
    for week in range(1, 5):
        mine, theirs = whole.week == week, early.week == week
        assert np.array_equal(whole.features[mine], early.features[theirs])
        assert np.array_equal(whole.recent[mine], early.recent[theirs])
        assert np.array_equal(whole.undecided[mine], early.undecided[theirs])
        assert np.array_equal(whole.single[mine], early.single[theirs])


def test_order_and_repetition_of_the_log_change_nothing(package: Package) -> None:
    events = parse_lines(package.lines())[0]
    names = sorted({event.kind for event in events})
    first, second = made(package, events), made(package, (events * 2)[::-1])
    assert np.array_equal(first.features, second.features)
    assert first.digest("run", names) == second.digest("run", names)


def test_answers_stay_true_of_other_numbers_of_kinds_and_not_of_other_events(package: Package) -> None:
    events = parse_lines(package.lines())[0]
    kinds, names = KindTable(["a", "b"]), sorted({event.kind for event in events})
    first, second = made(package, events), material_of(package, events, kinds, seed=1)
    for reads in ("single", "features", "events"):
        assert first.digest(reads, names) == second.digest(reads, kinds.names)
    renamed = [event._replace(kind="book") if event.kind == "play_video" else event for event in events]
    other, others = made(package, renamed), sorted({event.kind for event in renamed})
    assert first.digest("events", names) != other.digest("events", others)
    assert first.digest("single", names) == other.digest("single", others)
    moved = replace(first, features=first.features + 1, single=first.single + 1)
    assert first.digest("events", names) == moved.digest("events", names)
    assert first.digest("features", names) != moved.digest("features", names)


def test_leaving_is_told_of_the_long_silent_too_and_they_can_be_told_apart(package: Package) -> None:
    material = made(package, parse_lines(package.lines())[0])
    week = material.week == 6
    silent = week & ~material.among("active_14d")
    assert silent.any() and (material.truths[silent, 2] == 1).all()
    recent = material.among("active_14d")
    assert np.array_equal(recent & (material.truths[:, 2] >= 0), material.run.shown()[material.at, 2])
    assert (material.among("active_7d") <= recent).all() and material.among("all").all()


def test_decided_is_who_has_handed_in_enough_or_cannot_any_more(package: Package) -> None:
    """Four problems of a quarter each, due at the end of weeks 1, 3, 5 and 7; half of the points are enough."""
    material = made(package, parse_lines(package.lines())[0])
    for week, still_open in ((4, 2), (5, 1), (6, 1)):
        chosen = material.week == week
        problems = material.features[chosen, TWELVE.index("problems")]
        enough, possible = problems >= 2, problems + still_open >= 2
        assert np.array_equal(material.undecided[chosen], ~enough & possible)


def test_a_grade_that_comes_later_is_a_submission_and_no_activity(package: Package) -> None:
    week = 7 * 24 * 60
    events = [at(0, "seq_next"), at(10, "play_video"), at(8 * week - 1, "seq_next")]
    graded = at(3 * week - 5, "edx.grades.problem.submitted", "p0", 1.0)
    without, beside = made(package, events), made(package, [*events, graded])
    for week_, name in ((3, "time_since_last"), (3, "total_time"), (8, "longest_event"), (8, "deviation")):
        assert of_week(beside, week_)[name] == of_week(without, week_)[name], name
    assert (of_week(without, 3)["problems"], of_week(beside, 3)["problems"]) == (0, 1)
    assert np.array_equal(without.recent, beside.recent)
