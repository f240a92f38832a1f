"""Who said "do not predict me"."""

from __future__ import annotations

from django.db.models import Q

from engage_backend.models import CourseRun, Objection


def objecting(run: CourseRun) -> set[int]:
    """User ids of those who object to being predicted in this course run, or everywhere. One query."""
    here = Q(course_run=run) | Q(course_run=None)
    return set(Objection.objects.filter(here).values_list("user_id", flat=True))
