"""Course runs and the learners enrolled in them."""

from __future__ import annotations

import secrets
from typing import Any

from django.db import models

# Base32 without the letters that are read for digits (Crockford): a pseudonym may be read out over the telephone.
PSEUDONYM_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PSEUDONYM_LENGTH = 8


def new_pseudonym() -> str:
    """Eight random base32 characters: 40 bits that say nothing about whom they stand for."""
    return "".join(secrets.choice(PSEUDONYM_ALPHABET) for _ in range(PSEUDONYM_LENGTH))


def is_pseudonym(text: str) -> bool:
    """Return whether a text could be a pseudonym, of whomever."""
    return len(text) == PSEUDONYM_LENGTH and set(text) <= set(PSEUDONYM_ALPHABET)


class CourseRun(models.Model):
    """A course run that Engage predicts for, with the schedule as last read from the platform.

    .. no_pii:
    """

    course_key = models.CharField(max_length=255, unique=True)
    display_name = models.CharField(max_length=255, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    self_paced = models.BooleanField(default=False)
    passing_grade = models.FloatField(default=0.5)
    expected_pass_rate = models.FloatField(
        null=True, blank=True, help_text="What the author expects, 0 to 1; counts until a finished run has calibrated."
    )
    graded: models.JSONField[Any, Any] = models.JSONField(
        default=list, help_text="GradedBlocks as lists: usage key, share of the grade, due in µs or null, ..."
    )
    grace = models.BigIntegerField(default=0, help_text="Microseconds after a due date in which a task is still taken.")
    own_dates = models.BooleanField(default=False, help_text="Whether any learner has a `DueDate`.")
    version = models.BigIntegerField(
        default=0, help_text="The cursor: raised under a lock in the transaction that writes predictions."
    )
    last_removal_version = models.BigIntegerField(
        default=0,
        help_text="The version under which learners were last deleted; older cursors are answered 410.",
    )
    model = models.CharField(
        max_length=64, blank=True, help_text="Identity of the model that the current predictions stand on; empty: none."
    )
    calibrated = models.BooleanField(
        default=False, help_text="Whether a finished run of this site has calibrated that model."
    )
    understood_share = models.FloatField(
        null=True,
        blank=True,
        help_text="Of the latest clicks at the last pass, what that model goes by understands, 0 to 1.",
    )
    leave_fact: models.JSONField[Any, Any] = models.JSONField(
        null=True,
        blank=True,
        help_text="[day, how many were active then, how many of them were not back 14 days later].",
    )
    leave_correction: models.JSONField[Any, Any] = models.JSONField(
        null=True, blank=True, help_text="[slope, intercept] by which `leave` is a percentage; null: it is a rank."
    )
    drift: models.JSONField[Any, Any] = models.JSONField(
        null=True,
        blank=True,
        help_text="Whether the model still sees what it was trained on: {colour, why, nights}, see `verdict`.",
    )
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="The site's clock when predictions were last written."
    )
    clock_day = models.DateField(
        null=True, blank=True, help_text="Day of the last pass of the clock over all learners."
    )
    next_pass = models.DateField(
        null=True,
        blank=True,
        db_index=True,
        help_text="Day of the site's clock from which on the next pass is due; null: at once; 9999-12-31: never again.",
    )
    roster_read = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The site's clock when its whole roster was last compared with the platform's; null: never.",
    )
    scores_read = models.DateTimeField(
        null=True, blank=True, help_text="Up to when changed scores were read from the platform; null: never."
    )
    scores_compared = models.DateField(
        null=True, blank=True, help_text="Day of the last comparison of all scores with the platform; null: it is due."
    )

    def __str__(self) -> str:
        return self.course_key


class LearnerStatus(models.TextChoices):
    """Where a learner stands. Only the active are predicted for; the others are facts."""

    ACTIVE = "active"  # came in the last 14 days
    NEVER_STARTED = "never_started"
    GONE = "gone"  # came once, silent for more than 14 days
    FINISHED = "finished"  # has passed
    LEFT = "left"  # no longer enrolled, or objects; kept so that pages that show the row can drop it


class Learner(models.Model):
    """One person in one course run, under a pseudonym that is looked up nowhere but here.

    .. pii: The LMS user id, enrolment mode and cohort of a learner.
    .. pii_types: id, other
    .. pii_retirement: local_api
    """

    course_run = models.ForeignKey(CourseRun, on_delete=models.CASCADE, related_name="learners")
    user_id = models.BigIntegerField(db_index=True)
    pseudonym = models.CharField(max_length=PSEUDONYM_LENGTH, default=new_pseudonym)
    state = models.CharField(max_length=16, choices=LearnerStatus.choices, default=LearnerStatus.NEVER_STARTED)
    enrolled_at = models.DateTimeField()
    mode = models.CharField(max_length=100, blank=True)
    cohort = models.CharField(max_length=255, blank=True)
    last_active = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    certified_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the platform says that they have passed; null: it does not."
    )
    dates_from = models.BigIntegerField(
        null=True, blank=True, help_text="Where the learner's own schedule begins, µs since 1970, UTC; null: nowhere."
    )
    counted_from = models.DateTimeField(
        null=True, blank=True, help_text="The end of an objection: what was clicked before it is not taken in."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course_run", "user_id"], name="engage_learner_once_per_run"),
            models.UniqueConstraint(fields=["course_run", "pseudonym"], name="engage_pseudonym_once_per_run"),
        ]

    def __str__(self) -> str:
        return self.pseudonym
