"""Whom criteria select in a course run, by one or two queries."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from engage_backend.messaging.criteria import MINUTES_A_DAY, Criteria
from engage_backend.models import CourseRun, Delivery, DeliveryState, Learner, LearnerStatus, Submission
from engage_backend.platform.moments import from_minutes, to_minutes


def select(run: CourseRun, criteria: Criteria, now: datetime) -> list[int]:
    """Ids of the learners selected, ascending; `now` is the site's clock. Nobody twice, and nobody who left.

    Pseudonyms in `include` and `exclude` that the run does not have say nothing.
    """
    matching = _matching(run, criteria, now)
    if criteria.exclude:
        out = set(criteria.exclude)
        chosen = {pk for pk, pseudonym in matching.values_list("pk", "pseudonym") if pseudonym not in out}
    else:
        chosen = set(matching.values_list("pk", flat=True))
    if criteria.include:
        chosen.update(shown(run).filter(pseudonym__in=criteria.include).values_list("pk", flat=True))
    return sorted(chosen)


def count(run: CourseRun, criteria: Criteria, now: datetime) -> int:
    """How many `select` selects; one query where nobody is ticked or unticked by name."""
    if criteria.include or criteria.exclude:
        return len(select(run, criteria, now))
    return _matching(run, criteria, now).count()


def shown(run: CourseRun) -> QuerySet[Learner]:
    """The learners that pages show, and that can be selected: all but those who left."""
    return Learner.objects.filter(course_run=run.pk).exclude(state=LearnerStatus.LEFT)


def _matching(run: CourseRun, criteria: Criteria, now: datetime) -> QuerySet[Learner]:
    """The learners whom every filter lets through; include and exclude are not asked."""
    minute = to_minutes(now)
    found = Learner.objects.filter(course_run=run.pk, state__in=criteria.states)
    if not criteria.everyone:
        for target, (low, high) in criteria.ranges.items():
            found = found.filter(**{f"prediction__{target}__range": (low, high)})
    if criteria.days_inactive is not None:
        found = found.filter(_inactive(criteria.days_inactive, minute))
    if criteria.modes:
        found = found.filter(mode__in=criteria.modes)
    if criteria.cohorts:
        found = found.filter(cohort__in=criteria.cohorts)
    if criteria.task is not None:
        if criteria.task.block not in {block for block, *_ in run.graded}:
            return found.none()
        handed_in = Exists(Submission.objects.filter(learner=OuterRef("pk"), block=criteria.task.block))
        found = found.filter(handed_in if criteria.task.handed_in else ~handed_in)
    if criteria.written_to is not None:
        since = from_minutes(minute - criteria.written_to.days * MINUTES_A_DAY)
        had = Exists(Delivery.objects.filter(learner=OuterRef("pk"), state=DeliveryState.SENT, finished_at__gte=since))
        found = found.filter(had if criteria.written_to.had else ~had)
    return found


def _inactive(days: tuple[int | None, int | None], minute: int) -> Q:
    """Last click so many whole days ago. A click from the future (a clock that is wrong) is one of today."""
    low, high = days
    inside = Q(last_active__isnull=False)
    if low:
        inside &= Q(last_active__lt=from_minutes(minute - low * MINUTES_A_DAY + 1))
    if high is not None:
        inside &= Q(last_active__gte=from_minutes(minute - (high + 1) * MINUTES_A_DAY + 1))
    return inside
