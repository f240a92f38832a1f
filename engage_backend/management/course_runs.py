"""The course run that a command is told of."""

from __future__ import annotations

from django.core.management.base import CommandError

from engage_backend.models import CourseRun


def course_run(key: str) -> CourseRun:
    """The run of this key; CommandError where there is none."""
    run = CourseRun.objects.filter(course_key=key).first()
    if run is None:
        raise CommandError(f"no course run {key} here: is the key written as in the course's address?")
    return run
