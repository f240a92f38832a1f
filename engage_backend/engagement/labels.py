"""What came of a learner: the labels that the model is trained on and judged by, three outcomes and the active days to come.

They come from the end-state tables and from the whole log, so they are known after the end only. Times are microseconds
since 1970, UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engage_backend.engagement.counters import DAY, Counters, Plan, is_attempted
from engage_backend.engagement.trees import TARGETS

__all__ = ["TARGETS", "active_days_between", "active_days_next_week", "complete", "leave", "leave_is_judged"]
COMES_BACK_WITHIN = 2 * DAY  # whoever is seen no more after this long has left
RECENTLY_ACTIVE = 14 * DAY  # `leave` is shown and calibrated of those; it is learnt from the others too
BLIND = 14 * DAY  # before the end, where nobody can tell who would have come back
LEVEL_WINDOW = 7 * DAY  # the engagement level counts the active days in this time after the clock
_NEVER = (-1, 0, 0, 0)
_ROUNDING = 1e-6  # shares of a grade that were added up


def complete(counters: Counters, plan: Plan) -> bool | None:
    """Whether enough was handed in to be able to pass, given the counters at the end of the log.

    Graded points attempted (each block once, whatever its score) reach the lowest passing grade. None where the
    schedule grades nothing: it cannot be told then.
    """
    if not plan.graded:
        return None
    attempted = sum(
        points for block, (points, _) in plan.graded.items() if is_attempted(counters.handed_in.get(block, _NEVER))
    )
    return attempted >= plan.passing_grade - _ROUNDING


def leave(last_event: int, clock: int) -> bool:
    """Whether the learner's last event of the course lies no more than two days after the clock."""
    return last_event <= clock + COMES_BACK_WITHIN


def leave_is_judged(clock: int, *, end_of_course: int | None, end_of_data: int, certified_at: int | None) -> bool:
    """Whether `leave` can be told at the clock.

    Not in the last 14 days of the course or of the clicks (a click that never comes would look like leaving), not of those
    who hold their certificate already.
    """
    horizon = end_of_data if end_of_course is None else min(end_of_course, end_of_data)
    if clock > horizon - BLIND:
        return False
    return certified_at is None or clock < certified_at


def active_days_next_week(
    times: Sequence[int], clock: int, *, end_of_course: int | None, end_of_data: int
) -> int | None:
    """Return how many of the seven days after the clock have an event, 0 to 7. `times` are sorted.

    None where the seven days are not all over by the end of the course and of the clicks.
    """
    after = clock + LEVEL_WINDOW
    if after > (end_of_data if end_of_course is None else min(end_of_course, end_of_data)):
        return None
    return active_days_between(times, clock, after)


def active_days_between(times: Sequence[int], begin: int, end: int) -> int:
    """Return how many days have an event. Days are spans of 24 hours from `begin` on, which itself lies before the first.

    They are no calendar days, so that seven days never touch an eighth, and no time zone matters. `times` are sorted.
    """
    between = times[bisect_right(times, begin) : bisect_right(times, end)]
    return len({(time - begin - 1) // DAY for time in between})
