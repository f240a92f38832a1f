"""Counters: what a stream keeps, and what is read from it at a moment."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest

from engage_backend.clickstream.names import OVERRIDDEN, RESCORED, SCORE_RESET, STATE_DELETED
from engage_backend.engagement.counters import (
    FEATURES,
    HOUR,
    MINUTE,
    MOST_UNITS,
    SECOND,
    UNKNOWN,
    Counters,
    Plan,
    regularity,
)
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import NONE, Row, block_number, merge, to_row
from engage_backend.engagement.indicators import INDICATORS, indicators, page
from engage_backend.platform.protocol import CourseSchedule
from tests.engagement.clicks import BLOCKS, DAY, START, clicks
from tests.operations.sites import ROOT

KINDS = KindTable()


def rows_of(learner: int, count: int) -> list[Row]:
    events = clicks(learner, count)
    for event in events:
        KINDS.number(event.kind)
    return merge([], [to_row(event, KINDS.numbers) for event in events])


def named(counters: Counters, plan: Plan, clock: int) -> dict[str, float]:
    return dict(zip(FEATURES, counters.features(plan, clock), strict=True))


def plan(**graded: tuple[float, int | None]) -> Plan:
    blocks = {block_number(BLOCKS[int(name[1:])]): value for name, value in graded.items()}
    return Plan(START, START + 100 * DAY, 0.5, blocks)


def submission(block: int, time: int, score: float, attempt: int = 1) -> Row:
    return Row(time, KINDS.number("problem_check_correct"), block_number(BLOCKS[block]), 1, score, 1.0, attempt)


def test_events_fed_in_any_pieces_give_the_same_counters() -> None:
    rows, dice = rows_of(1, 300), random.Random(7)
    whole = Counters()
    whole.update(rows, KINDS.categories)
    pieces = Counters()
    cuts = [0, *sorted(dice.sample(range(1, 300), 40)), 300]
    for begin, end in pairwise(cuts):
        pieces = Counters.from_bytes(pieces.to_bytes())  # as between two batches of a consumer
        pieces.update(rows[begin:end], KINDS.categories)
    assert pieces == whole
    assert pieces.to_bytes() == whole.to_bytes()


def test_silence_changes_the_features_and_not_the_counters() -> None:
    counters = Counters()
    counters.update(rows_of(2, 50), KINDS.categories)
    before = counters.to_bytes()
    early = named(counters, plan(), counters.last)
    late = named(counters, plan(), counters.last + 9 * DAY)
    assert (early["days_silent"], late["days_silent"]) == (0, 9)
    assert early["events_28d"] >= late["events_28d"] > 0 == late["events_7d"]
    assert counters.to_bytes() == before


def test_points_count_once_whatever_the_attempts_and_at_their_last() -> None:
    counters = Counters()
    tries = [
        submission(0, START + DAY, 0.2),
        submission(0, START + 2 * DAY, 1.0, 2),
        submission(0, START + 3 * DAY, 0.5, 3),
    ]
    counters.update(tries, KINDS.categories)
    seen = named(counters, plan(p0=(0.3, START + 10 * DAY), p1=(0.2, START + 20 * DAY)), START + 5 * DAY)
    assert (seen["points_attempted"], seen["points_earned"], seen["attempts_per_block"]) == (0.3, 0.15, 3.0)
    assert (seen["points_open"], seen["points_missed"], seen["lead_days"]) == (0.2, 0.0, 9.0)


def test_a_task_is_missed_from_its_due_date_on() -> None:
    due = START + 10 * DAY
    here = plan(p0=(0.3, due))
    assert named(Counters(), here, due - 1)["points_missed"] == 0.0
    assert named(Counters(), here, due)["points_missed"] == 0.3


def test_a_submission_told_by_two_events_is_one_block_handed_in() -> None:
    counters = Counters()
    checked = submission(0, START + DAY, 1.0)
    graded = checked._replace(time=START + DAY + 40_000, kind=KINDS.number("edx.grades.problem.submitted"), attempt=-1)
    counters.update([checked, graded], KINDS.categories)
    seen = named(counters, plan(), START + 2 * DAY)
    assert (seen["blocks_handed_in"], seen["attempts_per_block"], seen["correct"]) == (1, 1.0, 1)


@pytest.mark.parametrize(
    ("facts", "attempted", "earned", "missed", "reachable"),
    [
        ([], 0.3, 0.3, 0.0, 0.3),
        ([(STATE_DELETED, None)], 0.0, 0.0, 0.3, 0.0),
        ([(RESCORED, 0.5)], 0.3, 0.15, 0.0, 0.15),
        ([(STATE_DELETED, None), (OVERRIDDEN, 1.0)], 0.3, 0.3, 0.0, 0.3),
        ([(SCORE_RESET, None), ("openassessmentblock.create_submission", None)], 0.3, 0.0, 0.0, 0.3),
    ],
)
def test_the_current_score_counts_and_facts_are_no_activity(
    facts: list[tuple[str, float | None]], attempted: float, earned: float, missed: float, reachable: float
) -> None:
    kinds = KindTable(KINDS.names)
    first = submission(0, START + DAY, 1.0)
    rows = [first]
    for day, (kind, score) in enumerate(facts, start=2):
        points = (NONE, NONE) if score is None else (score, 1.0)
        rows.append(Row(START + day * DAY, kinds.number(kind), first.block, 0, *points, -1))
    counters = Counters()
    counters.update(rows, kinds.categories)
    seen = named(counters, plan(p0=(0.3, START + 10 * DAY)), START + 12 * DAY)
    names = ("points_attempted", "points_earned", "points_missed", "points_reachable")
    assert [seen[name] for name in names] == pytest.approx([attempted, earned, missed, reachable])
    own = sum(not kind.startswith("edx.grades") for kind, _ in facts) + 1
    assert (seen["events"], counters.last) == (own, max(row.time for row in kinds.clicks(rows)))


def test_a_course_without_graded_blocks_or_end_says_unknown_and_not_zero() -> None:
    counters = Counters()
    counters.update(rows_of(3, 20), KINDS.categories)
    seen = named(counters, Plan(START, None, 0.5, {}), START + 50 * DAY)
    assert {seen[name] for name in ("share_of_course", "days_to_end", "points_earned", "points_due")} == {UNKNOWN}


def test_a_moved_start_date_needs_no_event_to_be_read_again() -> None:
    counters = Counters()
    counters.update(rows_of(4, 20), KINDS.categories)
    moved = plan()
    later = Plan(moved.origin + 7 * DAY, moved.end, moved.passing_grade, moved.graded)
    clock = START + 50 * DAY
    assert named(counters, moved, clock)["days_since_start"] - named(counters, later, clock)["days_since_start"] == 7


def test_self_paced_weeks_count_from_ones_own_enrolment_and_never_from_before_the_start() -> None:
    schedule = CourseSchedule("course-v1:A+B+C", "Testing", START, None, self_paced=True)
    assert Plan.of(schedule, START + 5 * DAY).origin == START + 5 * DAY
    assert Plan.of(schedule, START - 5 * DAY).origin == START
    assert Plan.of(schedule._replace(self_paced=False), START + 5 * DAY).origin == START


def row(kind: str, time: int, block: str = "") -> Row:
    return Row(time, KINDS.number(kind), block_number(block), 1, NONE, NONE, -1)


def counted(*rows: Row) -> Counters:
    counters = Counters()
    counters.update(rows, KINDS.categories)
    return counters


def test_how_far_a_learner_has_come_by_tasks_in_the_courses_order() -> None:
    here = plan(p0=(0.2, None), p1=(0.3, None), p2=(0.5, None))
    seen = named(counted(submission(1, START + DAY, 1.0)), here, START + 50 * DAY)
    assert (seen["furthest_task"], seen["lag"], seen["units"]) == (0.5, 0.0, 1.0)
    assert named(Counters(), here, START + 50 * DAY)["furthest_task"] == 0.0
    assert named(Counters(), Plan(START, None, 0.5, {}), START + DAY)["furthest_task"] == UNKNOWN


def test_units_are_told_apart_and_never_without_end() -> None:
    videos = [row("play_video", START + n * SECOND, f"video{n % 700}") for n in range(1400)]
    assert named(counted(*videos[:1]), plan(), START + DAY)["units"] == 1
    full = counted(*videos)
    assert len(full.units) == MOST_UNITS and len(full.to_bytes()) < 6_000


def test_a_video_of_an_earlier_visit_is_watched_again() -> None:
    again = counted(
        row("play_video", START, "v"), row("pause_video", START + MINUTE, "v"), row("play_video", START + DAY, "v"),
        row("seek_video", START + DAY + MINUTE, "v"), row("play_video", START + DAY + MINUTE, "w"),
    )  # fmt: skip
    assert again.rewatched == 1


def test_who_fails_five_times_in_a_row_spins_and_who_succeeds_does_not() -> None:
    def answers(block: int, pattern: str) -> list[Row]:
        kinds = {"w": "problem_check_incorrect", "r": "problem_check_correct"}
        return [
            Row(START + (block * 100 + at) * MINUTE, KINDS.number(kinds[one]), block_number(BLOCKS[block]), 1, 0, 1, at)
            for at, one in enumerate(pattern, start=1)
        ]

    assert [counted(*answers(0, pattern)).spinning for pattern in ("wwww", "wwwwr", "wwwww", "wwwwwww")] == [0, 0, 1, 1]
    both = counted(*answers(0, "wwwr"), *answers(1, "wwwww"))
    assert (both.spinning, both.retried) == (1, 3 + 4)


def test_regularity_is_0_for_anybody_who_comes_at_all_hours_alike() -> None:
    assert regularity([0] * 24) == regularity([3] * 24) == 0.0
    assert regularity([0] * 23 + [10]) == pytest.approx(10 * math.log(24))


def test_the_hours_and_days_of_visits_are_counted_once_each() -> None:
    saturday = START + (5 - (START // DAY + 3) % 7) % 7 * DAY  # START is a midnight
    seen = named(
        counted(*(row("info", saturday + hour * HOUR + minute * MINUTE) for hour in (2, 20) for minute in range(30))),
        plan(),
        saturday + DAY,
    )
    assert (seen["night_share"], seen["evening_share"], seen["weekend_share"]) == (0.5, 0.5, 1.0)


def test_latency_runs_from_the_opening_or_the_enrolment_after_it() -> None:
    blocks = plan(p0=(0.5, None), p1=(0.5, None))
    opened = replace(blocks, opens=dict.fromkeys(blocks.graded, START), enrolled=START + DAY)
    both = counted(submission(0, START + 2 * DAY, 1.0), submission(1, START + 4 * DAY, 1.0))
    assert both.latency(opened) == 2.0
    assert both.latency(blocks) == UNKNOWN
    found = indicators(both, opened)
    assert found["latency_days"] == 2.0 and set(found) == {one.name for one in INDICATORS}


def test_the_page_of_indicators_is_made_from_their_table() -> None:
    written = (ROOT / "docs/indicators.md").read_text(encoding="utf-8")
    assert written == page(), "python -m engage_backend.engagement.indicators > docs/indicators.md"
