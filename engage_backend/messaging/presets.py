"""Criteria with names: those that a site gives every course team, and those that a course team keeps for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core import checks
from django.db import transaction
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.messaging.audience import removed
from engage_backend.messaging.criteria import VERSION, Criteria, CriteriaProblem
from engage_backend.messaging.describe import describe
from engage_backend.messaging.past import a_week_ago, counts_then
from engage_backend.messaging.said import Said
from engage_backend.messaging.selection import counts, due_for_most, leave_order
from engage_backend.messaging.tasks import Task, tasks_of
from engage_backend.models import CourseRun, Segment
from engage_backend.platform.moments import to_microseconds
from engage_backend.presets import Preset

MOST_SEGMENTS = 50  # of a course run


class SegmentProblem(ValueError):
    """A segment that cannot be kept; the text says why, and what to do, to whoever reads it."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)


@dataclass(frozen=True)
class Counted:
    """Criteria with a name, and how many they select."""

    name: str
    criteria: Criteria
    description: str
    count: int
    week_ago: int | None  # None: not known
    segment: Segment | None = None  # None: a preset

    def to_json(self) -> dict[str, Any]:
        """As the API answers it; a segment with its number."""
        said = {
            "name": self.name,
            "criteria": self.criteria.to_json(),
            "count": self.count,
            "week_ago": self.week_ago,
            "description": self.description,
        }
        return said if self.segment is None else {"id": self.segment.pk, **said}


def counted(run: CourseRun, now: datetime) -> list[Counted]:
    """The presets that apply now, then the course team's segments; in a few queries, however many there are.

    A segment that an older version wrote and this one cannot read is left out.
    """
    tasks = tasks_of(run)
    named: list[_Named] = []
    for preset in engage_settings().presets:
        if (criteria := _criteria(run, preset, tasks, now)) is not None:
            named.append(_Named(str(preset.name), criteria))
    for segment in Segment.objects.filter(course_run=run.pk).order_by("name", "pk"):
        try:
            named.append(_Named(segment.name, Criteria.from_json(segment.criteria), segment))
        except CriteriaProblem:
            continue
    return _count(run, tasks, named, now)


def counted_one(run: CourseRun, segment: Segment, now: datetime) -> Counted:
    """The same of one segment, which can be read."""
    return _count(run, tasks_of(run), [_Named(segment.name, Criteria.from_json(segment.criteria), segment)], now)[0]


class _Named(NamedTuple):
    """Criteria that are to be counted."""

    name: str
    criteria: Criteria
    segment: Segment | None = None


def _count(run: CourseRun, tasks: Iterable[Task], named: Sequence[_Named], now: datetime) -> list[Counted]:
    several = [one.criteria for one in named]
    day = a_week_ago(run, now.date())
    then = counts_then(run, several, day) if day is not None else [None] * len(several)
    names = {task.block: task.name for task in tasks}
    order = leave_order(run) if any("leave" in criteria.ranges for criteria in several) else None
    return [
        Counted(
            one.name,
            one.criteria,
            describe(one.criteria, tasks=names, leave_order=order),
            number,
            earlier,
            one.segment,
        )
        for one, number, earlier in zip(named, counts(run, several, now), then, strict=True)
    ]


def _criteria(run: CourseRun, preset: Preset, tasks: Iterable[Task], now: datetime) -> Criteria | None:
    """The criteria of a preset; None where it speaks of a task and none is due, or where it cannot be used."""
    try:
        criteria = Criteria.from_json({"version": VERSION, **preset.criteria})
    except CriteriaProblem:
        return None  # `check_presets` says so
    if preset.task_due_hours is None:
        return criteria
    until = now + timedelta(hours=preset.task_due_hours)
    due = next((task.block for task in tasks if task.due is not None and now < task.due <= until), None)
    if due is None:  # by the date that is everybody's; else by those that learners have of their own
        due = due_for_most(run, to_microseconds(now) + 1, to_microseconds(until) + 1)
    if due is None:
        return None
    said = {
        **criteria.to_json(),
        "task": {"block": due, "handed_in": False, "due_in_hours": [0, preset.task_due_hours]},
    }
    return Criteria.from_json(said)


def keep_segment(run: CourseRun, name: str, criteria: Criteria, author_id: int) -> tuple[Segment, int]:
    """Keep criteria under a name; return the segment, and how many learners it drops because they were removed.

    SegmentProblem when the course team has that name, or as many as there can be.
    """
    with transaction.atomic():
        # Two who press at one moment are two in a row, and nobody of the run is retired meanwhile.
        CourseRun.objects.select_for_update().get(pk=run.pk)
        names = set(Segment.objects.filter(course_run=run.pk).values_list("name", flat=True))
        if name in names:
            raise SegmentProblem(
                Said(_("There is a segment “{name}” already. Delete it first, or choose another name."), {"name": name})
            )
        if len(names) >= MOST_SEGMENTS:
            raise SegmentProblem(
                Said(_("There are {most} segments already. Delete one first."), {"most": MOST_SEGMENTS})
            )
        gone = removed(run, (*criteria.include, *criteria.exclude))
        stored = criteria.without(gone).to_json()
        return Segment.objects.create(course_run=run, name=name, criteria=stored, author_id=author_id), len(gone)


def check_presets(app_configs: object = None, **kwargs: object) -> list[checks.CheckMessage]:
    """Django system check: presets of the settings whose criteria cannot be used; the page does not offer them."""
    messages: list[checks.CheckMessage] = []
    for preset in engage_settings().presets:
        try:
            Criteria.from_json({"version": VERSION, **preset.criteria})
        except CriteriaProblem as problem:
            messages.append(
                checks.Error(
                    f'ENGAGE["PRESETS"]: {str(preset.name)!r} cannot be used, and is not offered: '
                    f"{problem.key}: {problem.said.english}.",
                    hint="Its CRITERIA are those of the API, version 1, without the key version.",
                    id="engage.E003",
                )
            )
    return messages
