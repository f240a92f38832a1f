"""Whose clicks are not taken in: of those who object to being predicted, and of those who were retired.

What the learner says is written by `governance`, in a transaction that locks the learner's row first; here it is read behind
the same lock, so that an objection holds from the moment in which it is stored, in every consumer and in a backfill.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from engage_backend.models import CourseRun, Learner, LearnerStatus, Objection, Tombstone
from engage_backend.platform.moments import to_microseconds

_SLACK = 60_000_000  # µs: clocks of an LMS's servers differ


def left_out(run: CourseRun, users: Collection[int] | None = None) -> set[int]:
    """Those who object in this run or everywhere, or were retired; of `users` alone. Ask after the learners were read."""
    asked = {} if users is None else {"user_id__in": users}
    return {
        *_objections(run).filter(until=None, **asked).values_list("user_id", flat=True),
        *Tombstone.objects.filter(**asked).values_list("user_id", flat=True),
    }


def resumed(run: CourseRun) -> dict[int, datetime]:
    """Those who objected once: user id -> the end of it."""
    found = _objections(run).filter(until__isnull=False).order_by("until")
    return {user_id: until for user_id, until in found.values_list("user_id", "until") if until is not None}


def counted_from(run: CourseRun, learners: Collection[Learner]) -> dict[int, int]:
    """Learner -> since when clicks count (µs; 0: all), without those who are left out. The rows have to be locked.

    Nobody was active in a course before they were enrolled, nor is what was clicked before an objection ended taken in.

    Who objects is LEFT, so that the objections are asked for only where somebody has left.
    """
    left = [one.user_id for one in learners if one.state == LearnerStatus.LEFT]
    out = left_out(run, left) if left else set()
    return {
        one.pk: max(
            to_microseconds(one.counted_from) if one.counted_from else 0, to_microseconds(one.enrolled_at) - _SLACK
        )
        for one in learners
        if one.user_id not in out
    }


def _objections(run: CourseRun) -> QuerySet[Objection]:
    return Objection.objects.filter(Q(course_run=run) | Q(course_run=None))
