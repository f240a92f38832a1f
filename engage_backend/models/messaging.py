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
    automation_since = models.DateTimeField(
        null=True, blank=True, help_text="When it was last turned on or went on, by the site's clock."
    )
    paused_because = models.TextField(
        blank=True, help_text="Texts as `messaging.said` keeps them, to be read in any language; empty: not paused."
    )
    order = models.PositiveIntegerField(default=0, help_text="Of automatic communications: the lowest writes first.")
    course_notice = models.BooleanField(
        default=False, help_text="About deadlines and the like: how often a learner is written to does not matter."
    )
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


class Sending(models.Model):
    """One confirmed wish to send a version to a list of learners. What is confirmed can only shrink.

    .. pii: The LMS user id of the course team member who confirmed it.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    class State(models.TextChoices):
        """From the confirmation to the last mail."""

        WAITING = "waiting"  # may still be undone, or its time has not come
        SENDING = "sending"
        DONE = "done"
        UNDONE = "undone"  # before a mail went out
        STOPPED = "stopped"  # afterwards

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, related_name="sendings")
    version = models.ForeignKey(CommunicationVersion, on_delete=models.PROTECT, related_name="sendings")
    author_id = models.BigIntegerField()
    key = models.CharField(max_length=64, help_text="The caller's idempotency key: the same wish has the same key.")
    automatic = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    selected = models.PositiveIntegerField(default=0)
    left_out: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="{reason: count}")
    taken_over: models.JSONField[Any, Any] = models.JSONField(
        default=list,
        help_text="Deliveries of earlier sendings that this one uses again, as they were: [[values], [delivery]].",
    )
    created = models.DateTimeField(help_text="By the site's clock.")
    undo_until = models.DateTimeField(help_text="By the world's clock.")
    send_at = models.DateTimeField(null=True, blank=True, help_text="By the site's clock; null: at once.")
    latest_at = models.DateTimeField(
        null=True, blank=True, help_text="Nothing goes out after this, by the site's clock; null: no bound."
    )
    late = models.PositiveIntegerField(default=0, help_text="For how many learners it came too late.")
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When the author was told that it came too late, by the world's clock."
    )
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker was last told to tell the author, by the world's clock."
    )
    released_at = models.DateTimeField(
        null=True, blank=True, help_text="From when on mails went out, by the site's clock."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["communication", "key"], name="engage_sending_once")]
        indexes = [models.Index(fields=["state", "undo_until"], name="engage_sending_due")]

    def __str__(self) -> str:
        return f"sending {self.pk}: {self.state}"


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
    sending = models.ForeignKey(Sending, null=True, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    reason = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often a server has put it off.")
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="Not before, by the world's clock; null: not released."
    )
    batch = models.CharField(max_length=32, blank=True, help_text="The task that was last told to send it.")
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When that task was enqueued, by the world's clock."
    )
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="Last sign of life of the worker that has it, by the world's clock."
    )
    begun_at = models.DateTimeField(
        null=True, blank=True, help_text="From when on the mail may have gone out, by the world's clock."
    )
    finished_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was sent, or was decided not to be, by the site's clock."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["communication", "learner"], name="engage_delivery_at_most_once")
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="engage_delivery_due"),
            models.Index(fields=["batch"], name="engage_delivery_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.communication_id} to {self.learner_id}: {self.state}"


class Outlet(models.Model):
    """A way out of the site, shared by all workers: how fast it may be used, and whether it is resting.

    .. no_pii:
    """

    name = models.CharField(max_length=16, primary_key=True)
    free_at = models.DateTimeField(null=True, blank=True, help_text="When the next mail may go out at the set rate.")
    resting_until = models.DateTimeField(null=True, blank=True, help_text="The provider throttles: nothing goes out.")
    rests = models.PositiveSmallIntegerField(default=0, help_text="How often in a row it had to rest.")
    said = models.CharField(max_length=255, blank=True, help_text="What the provider said last.")

    def __str__(self) -> str:
        return self.name


class AutomationDay(models.Model):
    """What an automatic communication found on one day, and what came of it. One row a day: a day is looked at once.

    .. pii: Which learners matched, by the numbers of their rows.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(help_text="By the clock of the site, UTC.")
    at = models.DateTimeField(help_text="By the site's clock.")
    model = models.CharField(max_length=64, blank=True)
    gaps = models.PositiveIntegerField(default=0, help_text="How often a source had lost records by then.")
    matched: models.JSONField[Any, Any] = models.JSONField(default=list, help_text="[learner], as the criteria say")
    fresh: models.JSONField[Any, Any] = models.JSONField(
        default=list, help_text="[learner] to be written to: matched two days in a row, known well, not had it yet"
    )
    sending = models.ForeignKey(Sending, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    tell = models.CharField(
        max_length=16, blank=True, help_text="What the author is to be told: review, paused, or nothing."
    )
    announced_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker was last told to tell the author, by the world's clock."
    )
    told_at = models.DateTimeField(null=True, blank=True, help_text="By the world's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["communication", "day"], name="engage_automation_once_a_day")]

    def __str__(self) -> str:
        return f"{self.communication_id} on {self.day}"
