"""What was shown earlier: the snapshots that the daily pass keeps, and whom criteria would have selected then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, Value, When

from engage_backend.conf import engage_settings
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.selection import (
    NOBODY,
    by_hand,
    in_parts,
    of_enrolment,
    ranges,
    silent,
    written_to,
)
from engage_backend.models import CourseRun, DailySnapshot
from engage_backend.platform.moments import to_minutes

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
_MISSED = 2  # days that a consumer may have been away, and a week's comparison stands


def a_week_ago(run: CourseRun, today: date) -> date | None:
    """The day a week before `today` of which snapshots are kept; up to two days earlier when none are; else None.

    One query, which looks at an earlier day only when it has found nothing of the later one.
    """
    if run.pk is None:
        return None
    of_day = DailySnapshot.objects.filter(learner__course_run=OuterRef("pk"))
    days = [today - WEEK - number * DAY for number in range(_MISSED + 1)]
    first = Case(
        *(When(Exists(of_day.filter(day=day)), then=Value(number)) for number, day in enumerate(days)),
        output_field=IntegerField(),
    )
    number = CourseRun.objects.filter(pk=run.pk).values_list(first, flat=True).first()
    return None if number is None else days[number]


def counts_then(run: CourseRun, several: Sequence[Criteria], day: date) -> list[int | None]:
    """How many each of the criteria would have selected on a day of which snapshots are kept.

    None where snapshots cannot tell: who had not started yet, and what was handed in by then. Mode and cohort are today's.
    One query, unless the criteria name very many learners.
    """
    numbers: list[int | None] = []
    kept = DailySnapshot.objects.filter(learner__course_run=run.pk, day=day)
    for part in in_parts(several):
        holds = [_selected_then(criteria, day) for criteria in part]
        found = kept.aggregate(**{f"n{at}": Count("pk", filter=one) for at, one in enumerate(holds) if one is not None})
        numbers += [found.get(f"n{at}") for at in range(len(part))]
    return numbers


def _selected_then(criteria: Criteria, day: date) -> Q | None:
    """What holds for the snapshots of those selected on that day. The pass that keeps them runs when a day begins."""
    if criteria.task is not None or "never_started" in criteria.states:
        return None
    begins = datetime.combine(day, time(), tzinfo=UTC)
    holds = _state_then(criteria.states, begins) & of_enrolment(criteria, "learner__") & ranges(criteria, "")
    if criteria.days_inactive is not None:
        holds &= silent(criteria.days_inactive, to_minutes(begins))
    if criteria.written_to is not None:
        holds &= written_to(criteria, to_minutes(begins), OuterRef("learner"), until=begins + DAY)
    return by_hand(holds, criteria, "learner__pseudonym")


def _state_then(states: Sequence[str], begins: datetime) -> Q:
    finished = Q(learner__finished_at__isnull=False) & Q(learner__finished_at__lt=begins + DAY)
    came = Q(last_active__gte=begins - timedelta(days=engage_settings().active_days))
    each = {"finished": finished, "active": ~finished & came, "gone": ~finished & ~came}
    holds = NOBODY
    for state in states:
        holds |= each[state]
    return holds
