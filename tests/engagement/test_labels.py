"""The outcomes, and the active days to come, at their edges."""

from __future__ import annotations

import pytest

from engage_backend.engagement.counters import Counters, Plan
from engage_backend.engagement.history import block_number
from engage_backend.engagement.labels import active_days_next_week, complete, leave, leave_is_judged
from engage_backend.platform.protocol import CourseSchedule, GradedBlock

DAY = 86_400 * 1_000_000
END = 100 * DAY


def plan(*points: float, passing: float = 0.5) -> Plan:
    graded = tuple(GradedBlock(f"b{number}", share, None) for number, share in enumerate(points))
    return Plan.of(CourseSchedule("course-v1:a+b+c", "", 0, END, passing_grade=passing, graded=graded))


def handed_in(*names: str) -> Counters:
    return Counters(handed_in={block_number(name): [0, 3, DAY, 2 * DAY] for name in names})


def test_completing_takes_points_attempted_whatever_the_score() -> None:
    assert complete(handed_in("b0", "b1"), plan(0.2, 0.3, 0.5)) is True
    assert complete(handed_in("b0", "ungraded"), plan(0.2, 0.3, 0.5)) is False


def test_completing_survives_shares_that_do_not_add_up_exactly() -> None:
    assert complete(handed_in("b0", "b1", "b2"), plan(0.1, 0.1, 0.1, 0.7, passing=0.3)) is True


def test_completing_cannot_be_told_where_nothing_is_graded() -> None:
    assert complete(handed_in("b0"), plan()) is None


@pytest.mark.parametrize(("days_later", "left"), [(-1, True), (0, True), (2, True), (2.01, False), (30, False)])
def test_who_is_seen_no_more_after_two_days_has_left(days_later: float, left: bool) -> None:
    assert leave(50 * DAY + int(days_later * DAY), 50 * DAY) is left


@pytest.mark.parametrize(
    ("clock", "end_of_data", "certified_at", "judged"),
    [
        (50, 100, None, True),
        (86, 100, None, True),
        (87, 100, None, False),  # the course's last 14 days
        (50, 63, None, False),  # the clicks stop before one could tell
        (50, 64, None, True),
        (50, 100, 51, True),
        (50, 100, 50, False),  # holds the certificate
    ],
)
def test_leaving_is_judged_only_where_it_can_be_told(
    clock: int, end_of_data: int, certified_at: int | None, judged: bool
) -> None:
    certified = None if certified_at is None else certified_at * DAY
    asked = leave_is_judged(clock * DAY, end_of_course=END, end_of_data=end_of_data * DAY, certified_at=certified)
    assert asked is judged


def test_a_course_without_an_end_is_judged_up_to_the_end_of_the_clicks() -> None:
    def asked(clock: int) -> bool:
        return leave_is_judged(clock * DAY, end_of_course=None, end_of_data=300 * DAY, certified_at=None)

    assert asked(286) and not asked(287)


@pytest.mark.parametrize(
    ("days_later", "count"),
    [
        ([], 0),
        ([-1, 0, 7.001], 0),  # the clock itself has been seen; what comes after seven days counts for no week
        ([0.001, 0.9, 1], 1),  # one day of 24 hours
        ([0.001, 1.001], 2),
        ([number / 4 for number in range(1, 29)], 7),
        ([6.5, 7], 1),
    ],
)
def test_active_days_of_the_week_after_the_clock(days_later: list[float], count: int) -> None:
    clock = 50 * DAY + DAY // 3  # no midnight: a calendar would have touched eight days
    times = sorted(clock + int(days * DAY) for days in days_later)
    assert active_days_next_week(times, clock, end_of_course=END, end_of_data=END) == count


@pytest.mark.parametrize(
    ("clock", "end_of_course", "end_of_data", "told"),
    [(93, 100, 100, True), (93.1, 100, 100, False), (90, 100, 96, False), (90, None, 97, True), (93, 99, 200, False)],
)
def test_a_week_that_is_not_over_has_no_level(
    clock: float, end_of_course: int | None, end_of_data: int, told: bool
) -> None:
    end = None if end_of_course is None else end_of_course * DAY
    count = active_days_next_week([], int(clock * DAY), end_of_course=end, end_of_data=end_of_data * DAY)
    assert (count is not None) is told
