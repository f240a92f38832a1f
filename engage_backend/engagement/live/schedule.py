"""The schedule of a run, as it was last read from the platform, and as counters read it."""

from __future__ import annotations

from engage_backend.engagement.counters import Plan
from engage_backend.models import CourseRun, Learner
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import CourseSchedule, GradedBlock


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
        run.expected_pass_rate,
    )


def plan_for(schedule: CourseSchedule, learner: Learner) -> Plan:
    """The schedule as counters read it for this learner."""
    return Plan.of(schedule, to_microseconds(learner.enrolled_at))
