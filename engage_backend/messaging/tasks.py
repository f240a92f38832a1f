"""The graded blocks of a course run, as people speak of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from engage_backend.models import CourseRun
from engage_backend.platform.moments import from_microseconds
from engage_backend.platform.protocol import GradedBlock

_NEVER = datetime.max.replace(tzinfo=UTC)


class Task(NamedTuple):
    """A graded block."""

    block: str  # usage key
    name: str  # never empty
    due: datetime | None
    points: float  # share of the course grade, 0 to 1


def graded(run: CourseRun) -> list[GradedBlock]:
    """Return the graded blocks as last read from the platform."""
    return [GradedBlock(*stored) for stored in run.graded]


def tasks_of(run: CourseRun) -> list[Task]:
    """The tasks as last read from the platform, the one due first before the others; without a due date last."""
    tasks = [
        Task(
            one.block,
            one.name or _last_part(one.block),
            None if one.due is None else from_microseconds(one.due),
            one.points,
        )
        for one in graded(run)
    ]
    return sorted(tasks, key=lambda task: task.due or _NEVER)


def _last_part(usage_key: str) -> str:
    """What stands for a name where there is none: the end of the key, `hw1` of `...+type@problem+block@hw1`."""
    return usage_key.replace("@", "/").rstrip("/").rpartition("/")[2] or usage_key
