"""Messages to learners: saved criteria, communications, their versions, and one delivery per learner."""

from __future__ import annotations

from typing import Any

from django.db import models

from engage_backend.models.course import CourseRun, Learner


class Segment(models.Model):
    """Criteria that a course team has named and kept.

    .. pii: The LMS user id of the course team member who saved it.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="segments")
    name = models.CharField(max_length=255)
    criteria: models.JSONField[Any, Any] = models.JSONField()
    author_id = models.BigIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Communication(models.Model):
    """A message with the criteria for whom it is; its wording lives in its versions.

    .. pii: The LMS user id of the course team member who wrote it.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    class Automation(models.TextChoices):
        """Whether new matches are written to: not, after the author says so, or at once."""

        OFF = "off"
        ASK = "ask"
        SEND = "send"

    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="communications")
    author_id = models.BigIntegerField()
    automation = models.CharField(max_length=8, choices=Automation.choices, default=Automation.OFF)
    paused_because = models.CharField(max_length=255, blank=True)
    order = models.PositiveIntegerField(default=0)
    course_notice = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"communication {self.pk}"


class CommunicationVersion(models.Model):
    """What was, or is to be, sent. Immutable once sent.

    .. pii: Pseudonyms of the learners as selected, and the LMS user id, name and address of the author.
    .. pii_types: id, name, email_address
    .. pii_retirement: local_api
    """

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author_id = models.BigIntegerField()
    from_name = models.CharField(max_length=255, blank=True)
    reply_to = models.EmailField(blank=True)
    subject = models.CharField(max_length=255)
    body = models.TextField()
    criteria: models.JSONField[Any, Any] = models.JSONField()
    pseudonyms: models.JSONField[Any, Any] = models.JSONField(default=list)
    model = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["communication", "number"], name="engage_version_once")]

    def __str__(self) -> str:
        return self.subject


class DeliveryState(models.TextChoices):
    """The way of one message to one learner."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # claimed, and a crash hid whether the mail went out; never resent by itself
    HELD_BACK = "held_back"
    SKIPPED = "skipped"


class Delivery(models.Model):
    """One communication to one learner: at most once, whatever happens.

    .. pii: That a learner was written to, when, and with what outcome, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, related_name="deliveries")
    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="deliveries")
    version = models.ForeignKey(CommunicationVersion, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=255, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["communication", "learner"], name="engage_delivery_at_most_once")
        ]

    def __str__(self) -> str:
        return f"{self.communication_id} to {self.learner_id}: {self.state}"
