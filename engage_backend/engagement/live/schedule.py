"""Between the database's moments and the core's microseconds, and the schedule of a run as counters read it."""

from __future__ import annotations

from datetime import UTC, datetime

from engage_backend.engagement.counters import Plan
from engage_backend.models import CourseRun, Learner
from engage_backend.platform.protocol import CourseSchedule, GradedBlock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(when: datetime) -> int:
    """Microseconds since 1970, UTC, exactly."""
    gap = when - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def from_microseconds(time: int) -> datetime:
    """The moment, time zone aware, UTC."""
    seconds, rest = divmod(time, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)


def schedule_of(run: CourseRun) -> CourseSchedule:
    """The schedule as it was last read from the platform."""
    return CourseSchedule(
        run.course_key,
        run.display_name,
        to_microseconds(run.start),
        to_microseconds(run.end) if run.end else None,
        run.time_zone,
        run.self_paced,
        run.passing_grade,
        tuple(GradedBlock(*block) for block in run.graded),
    )


def plan_for(schedule: CourseSchedule, learner: Learner) -> Plan:
    """The schedule as counters read it for this learner."""
    return Plan.of(schedule, to_microseconds(learner.enrolled_at))
