"""The schedule of a run, as it was last read from the platform, and as counters read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engage_backend.engagement.counters import Plan
from engage_backend.models import CourseRun, Learner
from engage_backend.models.dates import Dues, dues_of
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
        run.grace,
    )


def plan_for(schedule: CourseSchedule, learner: Learner, dues: Dues | None = None) -> Plan:
    """The schedule as counters read it for this learner; `dues`: where tasks are due for them and not for everybody."""
    return Plan.of(schedule, to_microseconds(learner.enrolled_at), dues)


def plans_for(run: CourseRun, learners: Sequence[Learner]) -> list[Plan]:
    """The same for many learners of a run, in their order."""
    schedule = schedule_of(run)
    if run.own_dates or any(block.relative is not None for block in schedule.graded):
        dues = dues_of(run, learners)
        return [plan_for(schedule, learner, dues[learner.pk]) for learner in learners]
    if run.self_paced:
        return [plan_for(schedule, learner) for learner in learners]
    plan = Plan.of(schedule)
    return [replace(plan, enrolled=to_microseconds(learner.enrolled_at)) for learner in learners]
