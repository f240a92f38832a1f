"""Who said no, who was removed, and who looked."""

from __future__ import annotations

from typing import Any

from django.db import models

from engage_backend.models.course import CourseRun


class Objection(models.Model):
    """A learner's "do not predict me"; without a course run it holds everywhere. Times are the site's.

    It holds from `since`. What was counted is kept for a day, so that the learner can undo it, and then erased.

    .. pii: The LMS user id of a learner, that they object, and from when to when.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    user_id = models.BigIntegerField(db_index=True)
    course_run = models.ForeignKey(
        CourseRun, null=True, blank=True, on_delete=models.CASCADE, related_name="objections"
    )
    since = models.DateTimeField()
    until = models.DateTimeField(
        null=True, blank=True, help_text="When the learner took it back; what came before is not taken in any more."
    )
    hidden_at = models.DateTimeField(
        null=True, blank=True, help_text="When the clock had open pages drop the learner; null: to be done."
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="When the clock erased what was counted; null: it can be undone until then."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "course_run"], name="engage_objection_once")]

    def __str__(self) -> str:
        return f"objection {self.pk}"


class Tombstone(models.Model):
    """A retired person, so that a later backfill does not bring them back. Times are the world's.

    .. pii: The LMS user id of a retired person, and nothing else.
    .. pii_types: id
    .. pii_retirement: retained
    """

    user_id = models.BigIntegerField(unique=True)
    retired_at = models.DateTimeField(auto_now_add=True)
    swept_at = models.DateTimeField(
        null=True, blank=True, help_text="When the clock last took out what had not been stored yet; null: to be done."
    )

    def __str__(self) -> str:
        return f"tombstone {self.pk}"


class AccessRecord(models.Model):
    """Who of the course team looked at or sent what, and when.

    .. pii: The LMS user id of a course team member, and what they did.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="access_records")
    user_id = models.BigIntegerField(db_index=True)
    action = models.CharField(max_length=64)
    detail: models.JSONField[Any, Any] = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    once = models.CharField(  # noqa: DJ001  # many have none, and none are alike
        max_length=64, null=True, unique=True, help_text="What is written down once a day: which day, who and what."
    )

    def __str__(self) -> str:
        return f"{self.action} at {self.at:%Y-%m-%d %H:%M}"
