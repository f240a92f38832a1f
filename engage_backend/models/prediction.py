"""What the model says of each learner: kept state, current prediction, and what was shown on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import models

from engage_backend.models.course import CourseRun, Learner


class LearnerState(models.Model):
    """What a model remembers of a learner after the first `position` events of the history.

    .. pii: A summary of what a learner did, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="states")
    model = models.CharField(max_length=64)
    hidden = models.BinaryField(help_text="h and c of the LSTM, float32, little-endian.")
    counters = models.BinaryField()
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "model"], name="engage_state_once")]

    def __str__(self) -> str:
        return f"{self.learner_id} at {self.position}"


class Prediction(models.Model):
    """The three probabilities of a learner, in per mille, and the engagement level; null where none is given. And what moved
    them most.

    .. pii: Predictions about a learner, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.OneToOneField(Learner, on_delete=models.CASCADE, primary_key=True, related_name="prediction")
    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="+")
    certify = models.SmallIntegerField(null=True)
    complete = models.SmallIntegerField(null=True)
    leave = models.SmallIntegerField(null=True)
    level = models.SmallIntegerField(
        null=True, help_text="Active days in the next seven: 0 none, 1 one, 2 two, 3 three or four, 4 five to seven."
    )
    expected_level = models.SmallIntegerField(
        null=True, help_text="The mean of the level's distribution, in hundredths."
    )
    as_of = models.DateTimeField()
    version = models.BigIntegerField(help_text="CourseRun.version of the transaction that wrote this row.")
    reasons = models.TextField(
        default="", blank=True, help_text="{target: [[group of counters, effect on the log-odds, value]]}, or empty."
    )

    class Meta:
        indexes = [models.Index(fields=["course_run", "version"], name="engage_prediction_cursor")]

    def __str__(self) -> str:
        return f"{self.learner_id}: {self.certify}/{self.complete}/{self.leave}"


class DailySnapshot(models.Model):
    """What was shown of a learner on a day. It stays as it was shown.

    .. pii: Predictions about a learner, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="snapshots")
    day = models.DateField()
    model = models.CharField(max_length=64)
    certify = models.SmallIntegerField(null=True)
    complete = models.SmallIntegerField(null=True)
    leave = models.SmallIntegerField(null=True)
    level = models.SmallIntegerField(null=True)
    last_active = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "day"], name="engage_snapshot_once_a_day")]

    def __str__(self) -> str:
        return f"{self.learner_id} on {self.day}"


def days_kept(run: CourseRun, days: Iterable[date]) -> list[date]:
    """Those of the days of which any snapshot of the run is kept. One query, which ends at the first one of each day."""
    asked = list(days)
    if run.pk is None or not asked:
        return []
    of_day = DailySnapshot.objects.filter(learner__course_run=models.OuterRef("pk"))
    kept = (models.Exists(of_day.filter(day=day)) for day in asked)
    row = CourseRun.objects.filter(pk=run.pk).values_list(*kept).first()
    return [day for day, is_kept in zip(asked, row or (), strict=False) if is_kept]


class LeaveCohort(models.Model):
    """What was shown of `leave` at a week's end, and what had come of it 14 days later: counts of learners. It stays.

    .. no_pii:
    """

    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="leave_cohorts")
    day = models.DateField()
    model = models.CharField(max_length=64, blank=True, help_text="Which one showed it; empty: more than one.")
    shown: models.JSONField[Any, Any] = models.JSONField(help_text="[[per mille, learners, how many of them left]]")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course_run", "day"], name="engage_leave_cohort_once")]

    def __str__(self) -> str:
        return f"{self.course_run_id} on {self.day}"
