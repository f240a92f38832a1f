"""Which course runs are due for a pass over all their learners.

Asked at every step of every consumer, so that a run that is not due must cost nothing: `CourseRun.next_pass` is an index, kept
by whoever changes what it follows from. It is worked out anew for all runs when a process starts, when the model changes, and
where the site's clock was put back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.db.models import Q

from engage_backend.conf import engage_settings
from engage_backend.models import CourseRun

NEVER = date.max
AFTER_THE_END = timedelta(days=60)  # grades and certificates still come; then a run is passed over no more
_AT_ONCE = 500  # runs in one statement


def next_pass(run: CourseRun, identity: str) -> date | None:
    """Return the day of the site's clock from which on the run is due; None: at once, NEVER: no more.

    `identity`: what the run's figures are to stand on now.
    """
    if not engage_settings().covers(run.course_key):
        return NEVER
    if run.clock_day is None or run.model != identity:
        return None
    if run.end is not None and run.clock_day >= (run.end + AFTER_THE_END).date():
        return NEVER
    return run.clock_day + timedelta(days=1)


def due_runs(now: datetime) -> list[CourseRun]:
    """Return the runs that are due, as the index says."""
    due = Q(next_pass=None) | Q(next_pass__lte=now.date())
    return list(CourseRun.objects.filter(due).order_by("pk"))


def work_out_all(now: datetime, identity_of: Callable[[CourseRun], str]) -> None:
    """Set the index of all runs. What another process sets meanwhile stays."""
    changed: dict[tuple[date | None, date | None], list[int]] = defaultdict(list)
    for run in CourseRun.objects.defer("graded").order_by("pk").iterator():
        wanted = next_pass(run, identity_of(run))
        if run.clock_day is not None and run.clock_day > now.date() and wanted != NEVER:
            wanted = None
        if wanted != run.next_pass:
            changed[run.next_pass, wanted].append(run.pk)
    for (before, wanted), pks in changed.items():
        for at in range(0, len(pks), _AT_ONCE):
            part = CourseRun.objects.filter(pk__in=pks[at : at + _AT_ONCE], next_pass=before)
            part.update(next_pass=wanted)


def look_again(run: CourseRun, day: date) -> None:
    """Have a run that is over passed over once more, from this day on: somebody came back to it."""
    CourseRun.objects.filter(pk=run.pk, next_pass=NEVER).update(next_pass=day)
