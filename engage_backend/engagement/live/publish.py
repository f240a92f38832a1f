"""Writing what pages show: the cursor of a course run is raised in the transaction that writes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from engage_backend.models import CourseRun


def raise_version(run: CourseRun, now: datetime) -> int:
    """The next version of the run, for the rows that this transaction writes.

    The update locks the run's row until the transaction ends: whoever reads a version sees all rows up to it, and no late
    commit slips in below a cursor that a page already holds. Call it last, so that the lock is held for a short time only.
    """
    CourseRun.objects.filter(pk=run.pk).update(version=F("version") + 1, as_of=now)
    run.version, run.as_of = CourseRun.objects.values_list("version", "as_of").get(pk=run.pk)
    return run.version
