"""What learners handed in before Engage was there, and what the log never told: read from the platform's own tables."""

from __future__ import annotations

from engage_backend.engagement.live.compare import differences
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.roster import sync_dates, sync_run
from engage_backend.models import CourseRun


def catch_up(engine: Engine, course_key: str) -> int | None:
    """Compare all scores of a run with the platform; return how many facts were missing. None: no such run. Repeatable."""
    run = sync_run(engine.platform, course_key)
    if run is None:
        return None
    sync_dates(engine.platform, run)
    count = 0
    for part in differences(engine.platform, CourseRun.objects.get(pk=run.pk), engine.platform.now(), whole=True):
        engine.ingest(part)
        count += len(part)
    return count
