"""What came of a learner: the three labels that the model is trained on and judged by.

They come from the end-state tables and from the whole log, so they are known after the end only. Times are microseconds
since 1970, UTC.
"""

from __future__ import annotations

from engage_backend.engagement.counters import DAY, Counters, Plan, is_attempted
from engage_backend.engagement.trees import TARGETS

__all__ = ["TARGETS", "complete", "leave", "leave_is_judged"]
COMES_BACK_WITHIN = 2 * DAY  # whoever is seen no more after this long has left
RECENTLY_ACTIVE = 14 * DAY  # `leave` is shown and calibrated of those; it is learnt from the others too
BLIND = 14 * DAY  # before the end, where nobody can tell who would have come back
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
