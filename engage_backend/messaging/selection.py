"""Whom criteria select in a course run: by one query, however many criteria are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.criteria import MINUTES_A_DAY, MOST_NAMES, Criteria, Task
from engage_backend.messaging.describe import LeaveOrder
from engage_backend.messaging.tasks import graded
from engage_backend.models import CourseRun, Delivery, DeliveryState, DueDate, Learner, LearnerStatus, Submission
from engage_backend.platform.moments import from_minutes, to_microseconds, to_minutes
from engage_backend.platform.protocol import GradedBlock

# Reasons, kept in English; see `said.in_words`.
HAS_HANDED_IN, NOT_DUE = _("has handed in meanwhile"), _("does not have to hand in any more")
NOBODY = Q(pk__in=())
_MINUTE = 60_000_000  # microseconds
HANDED_IN = Q(handed_in=True)  # of a `Submission`; graded or not
EXCUSED = Q(handed_in=False, score__isnull=False)  # has a score without having handed in: the team set it


def select(run: CourseRun, criteria: Criteria, now: datetime) -> list[int]:
    """Ids of the learners selected, ascending; `now` is the site's clock. Nobody twice, and nobody who left.

    Pseudonyms in `include` and `exclude` that the run does not have say nothing.
    """
    return list(matching(run, criteria, now).values_list("pk", flat=True))


def pseudonyms(run: CourseRun, criteria: Criteria, now: datetime) -> list[str]:
    """The same learners, by pseudonym."""
    return list(matching(run, criteria, now).values_list("pseudonym", flat=True))


def matching(run: CourseRun, criteria: Criteria, now: datetime) -> QuerySet[Learner]:
    """The same learners, not read yet."""
    return shown(run).filter(selected(run, criteria, now)).order_by("pk")


def counts(run: CourseRun, several: Sequence[Criteria], now: datetime) -> list[int]:
    """How many `select` selects for each of several criteria. One query, unless they name very many learners."""
    numbers: list[int] = []
    for part in in_parts(several):
        asked = {f"n{at}": Count("pk", filter=selected(run, criteria, now)) for at, criteria in enumerate(part)}
        numbers += shown(run).aggregate(**asked).values()
    return numbers


def leave_order(run: CourseRun) -> LeaveOrder:
    """How many learners have which figure for `leave` now."""
    figures = shown(run).filter(prediction__leave__isnull=False).order_by().values_list("prediction__leave")
    return LeaveOrder(dict(figures.annotate(Count("pk"))))


def in_parts(several: Sequence[Criteria]) -> list[list[Criteria]]:
    """The criteria in parts that one query can hold: databases limit how many values it names."""
    parts: list[list[Criteria]] = []
    room = 0
    for criteria in several:
        names = len(criteria.include) + len(criteria.exclude)
        if names > room or not parts:
            parts.append([])
            room = 2 * MOST_NAMES
        room -= names
        parts[-1].append(criteria)
    return parts


def shown(run: CourseRun) -> QuerySet[Learner]:
    """The learners that pages show, and that can be selected: all but those who left."""
    return Learner.objects.filter(course_run=run.pk).exclude(state=LearnerStatus.LEFT)


def selected(run: CourseRun, criteria: Criteria, now: datetime) -> Q:
    """What holds for the learners selected, among those shown."""
    return by_hand(_matching(run, criteria, to_minutes(now)), criteria)


def by_hand(matching: Q, criteria: Criteria, pseudonym: str = "pseudonym") -> Q:
    """Those who match, less those left out by hand, and those added by hand; `pseudonym` is where it stands."""
    if criteria.exclude:
        matching &= ~Q(**{f"{pseudonym}__in": criteria.exclude})
    if criteria.include:
        matching |= Q(**{f"{pseudonym}__in": criteria.include})
    return matching


def _matching(run: CourseRun, criteria: Criteria, minute: int) -> Q:
    """What holds for the learners whom every filter lets through."""
    holds = Q(state__in=criteria.states) & of_enrolment(criteria) & ranges(criteria, "prediction__")
    if criteria.days_inactive is not None:
        holds &= silent(criteria.days_inactive, minute)
    if criteria.task is not None:
        holds &= _task(run, criteria.task, minute)
    if criteria.written_to is not None:
        holds &= written_to(criteria, minute, OuterRef("pk"))
    return holds


def _task(run: CourseRun, asked: Task, minute: int) -> Q:
    """Whether the task was handed in, as `criteria.Task` says; a task that the run does not have lets nobody through."""
    task = next((task for task in graded(run) if task.block == asked.block), None)
    if task is None:
        return NOBODY
    rows = Submission.objects.filter(learner=OuterRef("pk"))
    handed_in = Exists(rows.filter(HANDED_IN, block=task.block))
    if asked.handed_in and asked.due_in_hours is None:
        return Q(handed_in)
    low, high = asked.due_in_hours or (None, None)
    # The grace period is time to hand in, and none to be told that something is due.
    after = None if low is None else (minute + low * 60 + 1) * _MINUTE - run.grace
    before = None if high is None else (minute + high * 60 + 1) * _MINUTE - (run.grace if high <= 0 else 0)
    due = due_between(run, task, after, before)
    if asked.handed_in:
        return due & Q(handed_in)
    excused = Exists(rows.filter(EXCUSED, block__in=[task.block, task.subsection]))
    return due & Q(~handed_in) & Q(~excused)


def done_with(run: CourseRun, task: Task, learners: Collection[int]) -> dict[int, str]:
    """Return those of the learners (by id) who do not have to hand a task in, whenever it is due, with the reason."""
    asked = _task(run, replace(task, handed_in=False, due_in_hours=None), 0)
    still = Learner.objects.filter(asked, pk__in=learners).values_list("pk", flat=True)
    done = set(learners).difference(still)
    rows = Submission.objects.filter(HANDED_IN, learner__in=done, block=task.block)
    handed_in = set(rows.values_list("learner", flat=True)) if done else set()
    return {learner: HAS_HANDED_IN if learner in handed_in else NOT_DUE for learner in done}


def due_between(run: CourseRun, task: GradedBlock, low: int | None, high: int | None) -> Q:
    """The learner's own due date of a task is at `low` or later and before `high` (µs since 1970, UTC; None: open).

    With both open: the task has a due date for them.
    """

    def inside(field: str, shift: int = 0) -> Q:
        limits = {"gte": low, "lt": high}
        return Q(**{f"{field}__{name}": end - shift for name, end in limits.items() if end is not None})

    def holds(at: int) -> bool:
        return (low is None or at >= low) and (high is None or at < high)

    common = NOBODY
    if task.relative is not None:
        common = Q(dates_from__isnull=False) & inside("dates_from", task.relative)
        if run.end is not None:  # nothing is due later than that
            end = to_microseconds(run.end)
            late = Q(dates_from__gte=end - task.relative)
            common = (common & ~late) | (late if holds(end) else NOBODY)
    elif task.due is not None and holds(task.due):
        common = ~NOBODY
    if not run.own_dates:
        return common
    own = DueDate.objects.filter(learner=OuterRef("pk"), block=task.block)
    return Q(Exists(own.filter(inside("due"), due__isnull=False))) | (Q(~Exists(own)) & common)


def due_for_most(run: CourseRun, low: int, high: int) -> str | None:
    """Return the task that most learners have due at `low` or later and before `high` (µs), by a date that is not everybody's.

    By their own schedules or extensions; None where nobody has any. Two queries at most, none in a run without such dates.
    """
    common = copy(run)
    common.own_dates = False
    relative = [task for task in graded(run) if task.relative is not None]
    found: Counter[str] = Counter()
    if relative:
        asked = {f"n{at}": Count("pk", filter=due_between(common, task, low, high)) for at, task in enumerate(relative)}
        numbers = shown(run).aggregate(**asked)
        found.update({task.block: numbers[f"n{at}"] for at, task in enumerate(relative)})
    if run.own_dates:
        blocks = [task.block for task in graded(run)]
        own = DueDate.objects.filter(learner__in=shown(run), block__in=blocks, due__gte=low, due__lt=high)
        found.update(dict(own.values_list("block").annotate(count=Count("pk"))))
    return next((block for block, count in found.most_common(1) if count), None)


def ranges(criteria: Criteria, prefix: str) -> Q:
    """The figures lie in the ranges; `prefix` is where they stand. Who has no figure is in no range."""
    if criteria.everyone:
        return Q()
    return Q(**{f"{prefix}{target}__range": ends for target, ends in criteria.ranges.items()})


def of_enrolment(criteria: Criteria, prefix: str = "") -> Q:
    """Mode and cohort are among those named, where any are."""
    named = {"mode": criteria.modes, "cohort": criteria.cohorts}
    return Q(**{f"{prefix}{field}__in": names for field, names in named.items() if names})


def silent(days: tuple[int | None, int | None], minute: int) -> Q:
    """Last click so many whole days ago. A click from the future (a clock that is wrong) is one of today."""
    low, high = days
    inside = Q(last_active__isnull=False)
    if low:
        inside &= Q(last_active__lt=from_minutes(minute - low * MINUTES_A_DAY + 1))
    if high is not None:
        inside &= Q(last_active__gte=from_minutes(minute - (high + 1) * MINUTES_A_DAY + 1))
    return inside


def written_to(criteria: Criteria, minute: int, learner: OuterRef, *, until: datetime | None = None) -> Q:
    """Had a message in the last days, or had not; `until` leaves out what was sent at that time or later."""
    assert criteria.written_to is not None
    since = from_minutes(minute - criteria.written_to.days * MINUTES_A_DAY)
    sent = Delivery.objects.filter(learner=learner, state=DeliveryState.SENT, finished_at__gte=since)
    had = Exists(sent if until is None else sent.filter(finished_at__lt=until))
    return Q(had if criteria.written_to.had else ~had)
