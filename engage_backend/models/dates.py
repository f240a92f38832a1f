"""When tasks are due for one learner, where that is not when they are due for everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.db import models

from engage_backend.models.course import CourseRun, Learner
from engage_backend.platform.protocol import GradedBlock

# Task -> when it is due, µs since 1970, UTC; None: it is not.
Dues = Mapping[str, int | None]


class DueDate(models.Model):
    """A learner's own due date of a task: an extension.

    .. pii: That a learner was given another date, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="due_dates")
    block = models.CharField(max_length=255)
    due = models.BigIntegerField(null=True, blank=True, help_text="Microseconds since 1970, UTC; null: not due.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "block"], name="engage_due_date_once")]

    def __str__(self) -> str:
        return f"{self.learner_id}: {self.block}"


def dues_of(run: CourseRun, learners: Collection[Learner]) -> dict[int, Dues]:
    """Return learner -> task -> when it is due for them. One query, and none where nobody has dates of their own."""
    tasks = [GradedBlock(*stored) for stored in run.graded]
    own: dict[int, dict[str, int | None]] = {}
    if run.own_dates:
        rows = DueDate.objects.filter(learner__in=[learner.pk for learner in learners])
        for pk, block, due in rows.values_list("learner", "block", "due"):
            own.setdefault(pk, {})[block] = due
    end = None if run.end is None else round(run.end.timestamp()) * 1_000_000
    return {
        learner.pk: {task.block: _due(task, learner.dates_from, end) for task in tasks} | own.get(learner.pk, {})
        for learner in learners
    }


def _due(task: GradedBlock, begins: int | None, end: int | None) -> int | None:
    if task.relative is None:
        return task.due
    if begins is None:
        return None
    due = begins + task.relative
    return due if end is None else min(due, end)
