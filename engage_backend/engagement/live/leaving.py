"""What came of those who were active two weeks ago, kept by the daily pass: the fact beside `leave`, and its correction.

All of it is read from daily snapshots, so that figures and last visits are those of their day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Max

from engage_backend.engagement.labels import COMES_BACK_WITHIN, RECENTLY_ACTIVE
from engage_backend.engagement.leaving import KNOWN_AFTER, Cohort, correction
from engage_backend.engagement.recalibration import Shown
from engage_backend.models import CourseRun, DailySnapshot, LeaveCohort
from engage_backend.models.prediction import days_kept

DAY, WEEK = timedelta(days=1), timedelta(days=7)
_COMES_BACK = timedelta(microseconds=COMES_BACK_WITHIN)
_RECENTLY = timedelta(microseconds=RECENTLY_ACTIVE)
_MISSED = 2  # days that the consumer may have been away, and the next day's snapshots stand for a week's end
_LOOKED_BACK = 20  # weeks of which cohorts are still made, where an older version kept snapshots alone


def keep_cohorts(run: CourseRun, today: date) -> None:
    """Keep the cohorts of week-ends whose outcome can be read by `today`. One that is kept stays as it is."""
    start, latest = run.start.date(), today - KNOWN_AFTER
    last = (latest - start).days // 7
    kept = LeaveCohort.objects.filter(course_run=run).aggregate(Max("day"))["day__max"]
    first = max(1, last - _LOOKED_BACK + 1) if kept is None else (kept - start).days // 7 + 1
    weeks = [[start + week * WEEK + late * DAY for late in range(_MISSED + 1)] for week in range(first, last + 1)]
    there = _whole(run, [day for days in weeks for day in days if day <= latest])
    for days in weeks:
        if (day := next((day for day in days if day in there), None)) is not None:
            found, models = _what_came(run, day)
            LeaveCohort.objects.get_or_create(
                course_run=run,
                day=day,
                defaults={"shown": found.shown, "model": next(iter(models)) if len(models) == 1 else ""},
            )


def fact(run: CourseRun, today: date) -> list[str | int] | None:
    """Return [day, active, not back] of two weeks ago; None where snapshots or learners are too few.

    Where the consumer was away on that day or today, of a day or two before it.
    """
    there = _whole(run, [today - KNOWN_AFTER - late * DAY for late in range(_MISSED + 1)])
    if not there:
        return None
    day = max(there)
    found, _ = _what_came(run, day)
    return [day.isoformat(), found.learners, found.left] if found.is_enough else None


def correction_of(run: CourseRun, model: str, today: date) -> list[float] | None:
    """Return [slope, intercept] by which figures of this model are percentages; None where they are ranks.

    `model` is an identity: what came of one model's figures says nothing of another's.
    """
    if not model:
        return None
    kept = LeaveCohort.objects.filter(course_run=run, model=model).order_by("day")
    cohorts = [Cohort(day, [Shown(*row) for row in shown]) for day, shown in kept.values_list("day", "shown")]
    found = correction(cohorts, today)
    return None if found is None else [round(value, 6) for value in found]


def _whole(run: CourseRun, days: Sequence[date]) -> set[date]:
    """Those of the days of which snapshots are kept, and of 14 days later too."""
    kept = set(days_kept(run, {*days, *(day + KNOWN_AFTER for day in days)}))
    return {day for day in days if {day, day + KNOWN_AFTER} <= kept}


def _what_came(run: CourseRun, day: date) -> tuple[Cohort, set[str]]:
    """The cohort of a day, by what snapshots of 14 days later say; and the models that showed its figures.

    Who passed, gave up or objected meanwhile has no snapshot then: their last visit tells, unless it was later.
    """
    begins, then = datetime.combine(day, time(), tzinfo=UTC), day + KNOWN_AFTER
    active = DailySnapshot.objects.filter(
        learner__course_run=run, day=day, leave__isnull=False, last_active__gte=begins - _RECENTLY
    )
    later = DailySnapshot.objects.filter(learner__course_run=run, day=then, last_active__isnull=False)
    has_left = {
        learner: last is None or last <= begins + _COMES_BACK
        for learner, last in later.values_list("learner", "last_active").iterator()
    }
    learners, left, models = Counter[int](), Counter[int](), set[str]()
    told = active.values_list("learner", "leave", "model", "learner__last_active")
    for learner, figure, model, latest in told.iterator():
        if learner not in has_left and latest is not None and latest >= begins + KNOWN_AFTER + DAY:
            continue
        models.add(model)
        learners[figure or 0] += 1
        left[figure or 0] += has_left.get(learner, latest is None or latest <= begins + _COMES_BACK)
    return Cohort(day, [Shown(figure, learners[figure], left[figure]) for figure in sorted(learners)]), models
