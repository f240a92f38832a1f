"""What an LMS or Studio process says to the consumers: this course run is to be read again. Loads nothing heavy.

Rosters and schedules are read again every few minutes anyway; this makes it seconds. A row is written after the commit of
whatever changed, so that a failure of ours costs the platform nothing, and for one course run every other second at most,
so that a thousand enrolments at once cost a process no more than one does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import transaction

from engage_backend.models import ReadAgain

log = logging.getLogger(__name__)

ROSTER_DELAY = timedelta(seconds=2)  # what else changes until then is read with it
# After publishing, the platform rebuilds the course's structure 30 s later (`COURSE_PUBLISH_TASK_DELAY`,
# openedx/core/djangoapps/content/block_structure/signals.py).
SCHEDULE_DELAY = timedelta(seconds=60)
_LONGEST = 255
_said: dict[tuple[str, timedelta], float] = {}  # what this process said -> until when that holds, monotonic


def read_again_soon(course_key: str, delay: timedelta = ROSTER_DELAY) -> None:
    """Once the current transaction is committed, ask the consumers to read this run again. Never raises."""
    transaction.on_commit(lambda: _say(course_key, delay), robust=True)


def _say(course_key: str, delay: timedelta) -> None:
    now = time.monotonic()
    if _said.get((course_key, delay), float("-inf")) > now or len(course_key) > _LONGEST:
        return  # a row that is not due yet covers this change, too
    if len(_said) > 10_000:
        _said.clear()
    # A second less than the delay: the row must fall due after the last change that relies on it.
    _said[course_key, delay] = now + delay.total_seconds() - 1.0
    try:
        ReadAgain.objects.create(course_key=course_key, due=datetime.now(UTC) + delay)
    except Exception as error:  # our tables may be missing, or the database gone: not the platform's concern
        log.warning("%s is not read again at once (%s); it is within minutes.", course_key, type(error).__name__)


def take_changes(now: datetime) -> Iterator[str]:
    """Yield the course runs that are to be read again now (the world's time), each once.

    A run is asked for no more when the caller comes back for the next one: what a process has in hand when it is killed, or
    cannot read, is left to the next.
    """
    due: dict[str, list[int]] = {}
    for pk, course_key in ReadAgain.objects.filter(due__lte=now).values_list("pk", "course_key"):
        due.setdefault(course_key, []).append(pk)
    for course_key, rows in sorted(due.items()):
        yield course_key
        ReadAgain.objects.filter(pk__in=rows).delete()
