"""What an LMS or Studio process says to the consumers: this learner, or this course run, is to be read again.

Whole rosters are compared every hour; this makes a change count within seconds, at the cost of the learners whom it is about.
A row is written after the commit of whatever changed, so that a failure of ours costs the platform nothing; about one learner
once in two seconds at most, and about many of one course run a single row that names nobody, so that a thousand enrolments
at once cost a process a few rows. Loads nothing heavy.
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
MAX_NAMED = 200  # learners of one course run in the time of one delay; where there are more, the whole run is read
_LONGEST = 255
_Said = tuple[str, int | None, timedelta]
_said: dict[_Said, float] = {}  # what this process said -> until when that holds, monotonic
_named: dict[
    str, tuple[float, int]
] = {}  # course key -> until when (monotonic) it counts, how many learners were named


def read_again_soon(course_key: str, *, user: int | None = None, delay: timedelta = ROSTER_DELAY) -> None:
    """Once the current transaction is committed, ask the consumers to read this learner of the run, or all of it, again.

    Never raises.
    """
    transaction.on_commit(lambda: _say(course_key, user, delay), robust=True)


def _say(course_key: str, user: int | None, delay: timedelta) -> None:
    now = time.monotonic()
    if len(course_key) > _LONGEST or _is_said(course_key, user, delay, now):
        return
    if user is not None:
        until, count = _named.get(course_key, (now, 0))
        until, count = (until, count + 1) if until > now else (now + delay.total_seconds(), 1)
        _named[course_key] = until, count
        if count > MAX_NAMED:
            user = None
            if _is_said(course_key, user, delay, now):
                return
    if len(_said) > 10_000:
        forget()
    # A second less than the delay: the row must fall due after the last change that relies on it.
    _said[course_key, user, delay] = now + delay.total_seconds() - 1.0
    try:
        ReadAgain.objects.create(course_key=course_key, user_id=user, due=datetime.now(UTC) + delay)
    except Exception as error:  # our tables may be missing, or the database gone: not the platform's concern
        log.warning("%s is not read again at once (%s); it is within the hour.", course_key, type(error).__name__)


def forget() -> None:
    """Forget what this process has said, so that every change is a row again."""
    _said.clear()
    _named.clear()


def _is_said(course_key: str, user: int | None, delay: timedelta, now: float) -> bool:
    """Whether a row that is not due yet covers this change, too."""
    return any(_said.get((course_key, one, delay), float("-inf")) > now for one in {user, None})


def take_changes(now: datetime) -> Iterator[tuple[str, list[int] | None]]:
    """Yield what is to be read again now (the world's time): a course run, once, and its learners concerned; None: all.

    A run is asked for no more when the caller comes back for the next one: what a process has in hand when it is killed, or
    cannot read, is left to the next.
    """
    due: dict[str, dict[int, int | None]] = {}
    for pk, course_key, user in ReadAgain.objects.filter(due__lte=now).values_list("pk", "course_key", "user_id"):
        due.setdefault(course_key, {})[pk] = user
    for course_key, rows in sorted(due.items()):
        users = {user for user in rows.values() if user is not None}
        yield course_key, None if None in rows.values() else sorted(users)
        ReadAgain.objects.filter(pk__in=list(rows)).delete()
