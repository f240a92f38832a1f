"""What learners did: histories, the registry of kinds, submissions, and how far each source was read."""

from __future__ import annotations

from typing import Any

from django.db import models

from engage_backend.models.course import Learner


class Kind(models.Model):
    """The append-only registry of event kinds of this site. Histories hold the number, never the name.

    .. pii: Under a pseudonym, whose event first had the name: somebody may make up names.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    number = models.PositiveIntegerField(primary_key=True)
    name = models.CharField(max_length=255, unique=True)
    learner = models.ForeignKey(Learner, null=True, on_delete=models.SET_NULL, related_name="+")
    since = models.DateField(null=True, help_text="The day on which it got its number.")

    def __str__(self) -> str:
        return self.name


class HistoryChunk(models.Model):
    """Up to 512 consecutive events of one learner, packed by `engagement.history`.

    .. pii: What a learner clicked and when, and scores, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    events = models.PositiveSmallIntegerField()
    first = models.BigIntegerField(help_text="Time of the first event, microseconds since 1970, UTC.")
    last = models.BigIntegerField(help_text="Time of the last event, microseconds since 1970, UTC.")
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "number"], name="engage_chunk_once")]

    def __str__(self) -> str:
        return f"{self.learner_id}/{self.number}"


class Submission(models.Model):
    """Where a learner stands with a block: what was handed in, and the score that counts now.

    A block is a task, or a subsection whose grade the course team has overridden; the override replaces the sum of its tasks.
    A score is not a hand-in: a task may be handed in and not graded (no `score`), or excused (a score, not `handed_in`).

    .. pii: A learner's scores, under a pseudonym.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="submissions")
    block = models.CharField(max_length=255)
    score = models.FloatField(null=True, blank=True, help_text="Current points; null: not graded, or taken back.")
    possible = models.FloatField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=1, help_text="Of the state that stands: 0 once it was deleted.")
    handed_in = models.BooleanField(default=True, help_text="False: only a score, or a state that was deleted.")
    last_at = models.BigIntegerField(help_text="When it was last handed in, microseconds since 1970, UTC; 0: never.")
    # When the score, the hand-in and the attempts were last said: time (µs) x 16 + place in `clickstream.scores.EFFECTS`.
    score_order = models.BigIntegerField(default=0)
    handed_in_order = models.BigIntegerField(default=0)
    attempts_order = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["learner", "block"], name="engage_submission_once")]

    def __str__(self) -> str:
        return f"{self.learner_id}: {self.block}"


class Checkpoint(models.Model):
    """How far a source was read, and what was read from it.

    .. no_pii:
    """

    source = models.CharField(max_length=255, unique=True)
    position: models.JSONField[Any, Any] = models.JSONField(default=dict)
    events = models.BigIntegerField(default=0)
    rejected: models.JSONField[Any, Any] = models.JSONField(default=dict, help_text="{reason: count}")
    last_event = models.DateTimeField(null=True, blank=True)
    rate = models.FloatField(default=0.0, help_text="Events a second over the last minute, when this was written.")
    unreachable_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the source has not answered its consumer; empty while it does."
    )
    updated = models.DateTimeField(auto_now=True)
    reader = models.CharField(
        max_length=255, blank=True, help_text="Which consumer wrote this last: host/process/random part."
    )
    other_reader = models.CharField(
        max_length=255, blank=True, help_text="The consumer that was seen to read the source beside it."
    )
    other_seen = models.DateTimeField(null=True, blank=True, help_text="When that was last seen.")
    closed: models.JSONField[Any, Any] = models.JSONField(
        default=dict, help_text="Lost records that were backfilled or given up: see `live.gaps`."
    )
    replaced_at = models.DateTimeField(
        null=True, blank=True, help_text="When the operator said that another source took this one's place."
    )

    def __str__(self) -> str:
        return self.source

    @property
    def is_replaced(self) -> bool:
        """Whether another source took this one's place, and nobody has read this one since."""
        return self.replaced_at is not None and self.updated <= self.replaced_at
