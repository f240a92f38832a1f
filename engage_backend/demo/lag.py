"""How far the consumer has come, from the outside: what its checkpoint says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engage_backend.models import Checkpoint, CourseRun

ALIVE = timedelta(seconds=30)
LITTLE = 8_000_000  # bytes of log: about half a second of work


def bytes_read(tracking_log: Path) -> int:
    """Bytes of the log that the consumer has taken in; 0 where none has ever read it."""
    position = (
        Checkpoint.objects.filter(source__endswith=str(tracking_log)).values_list("position", flat=True).first() or {}
    )
    return int(position.get("offset", 0))


def events_read(tracking_log: Path) -> int:
    """Lines of the log that became events; 0 where none was ever read."""
    return Checkpoint.objects.filter(source__endswith=str(tracking_log)).values_list("events", flat=True).first() or 0


def consumer_keeps_up(tracking_log: Path) -> bool:
    """Whether little waits in the log; also True where no consumer runs, as nobody is to wait for that one."""
    mark = Checkpoint.objects.filter(source__endswith=str(tracking_log)).first()
    if mark is None or datetime.now(UTC) - mark.updated > ALIVE:
        return True
    return tracking_log.stat().st_size - int(mark.position.get("offset", 0)) <= LITTLE


def is_read(tracking_log: Path) -> bool:
    """Whether the consumer has taken the whole log in."""
    return bytes_read(tracking_log) >= tracking_log.stat().st_size


def is_shown(course_key: str, tracking_log: Path, day: date) -> bool:
    """Whether the log is taken in and every learner was looked at on that day: what is shown then is kept."""
    return is_read(tracking_log) and CourseRun.objects.filter(course_key=course_key, clock_day=day).exists()
