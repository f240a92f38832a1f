"""Who of the course team looked at whom, and who sent what: written where it happens, read by the course's instructors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from engage_backend.models import AccessRecord, CourseRun


class Action(StrEnum):
    """What is recorded. `detail` holds pseudonyms and counts; never a name, an address or what was typed into a search."""

    OPEN = "open"  # the page of all learners; once a day for a person and a course run
    LOOK = "look"  # at one learner: {"learner": pseudonym}
    LOOK_UP = "look-up"  # by name or address: {"learners": [pseudonyms found]}
    SEND = "send"  # {"communication": id, "learners": count}


def record(run: CourseRun, user_id: int, action: str, detail: Mapping[str, Any] | None = None) -> None:
    """Write down that this member of the course team did this now; in the caller's transaction."""
    AccessRecord.objects.create(course_run=run, user_id=user_id, action=action, detail=dict(detail or {}))


def record_daily(run: CourseRun, user_id: int, action: str) -> None:
    """The same, unless it was written down today (UTC): for what a page does again and again. One statement."""
    today = datetime.now(UTC).date()
    written = AccessRecord(course_run=run, user_id=user_id, action=action, once=f"{today}/{run.pk}/{user_id}/{action}")
    AccessRecord.objects.bulk_create([written], ignore_conflicts=True)
