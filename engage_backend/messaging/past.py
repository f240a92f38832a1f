"""What was shown earlier: the snapshots that the daily pass keeps."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Subquery

from engage_backend.models import CourseRun, DailySnapshot

WEEK = timedelta(days=7)
_MISSED = timedelta(days=2)  # a consumer that was away for so long leaves a week's comparison standing


def day_a_week_ago(run: CourseRun, today: date) -> Subquery:
    """The day a week before `today` of which snapshots are kept; up to two days earlier when none are; else null.

    A part of a query, to compare `DailySnapshot.day` with: it costs no query of its own.
    """
    lately = (today - WEEK - _MISSED, today - WEEK)
    kept = DailySnapshot.objects.filter(learner__course_run=run.pk, day__range=lately)
    return Subquery(kept.order_by("-day").values("day")[:1])
