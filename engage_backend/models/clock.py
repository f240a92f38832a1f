"""Who of many processes does what only one needs to do, and what is waiting to be done."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """That one process does a job, until `expires`: by the world's clock, not by the site's.

    .. no_pii:
    """

    name = models.CharField(max_length=64, primary_key=True)
    holder = models.CharField(max_length=255, blank=True, help_text="Host, process and a random part; empty: free.")
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or 'free'}"


class ReadAgain(models.Model):
    """That something changed on the platform: from `due` on (the world's clock) a consumer reads it again.

    .. pii: The LMS user id of somebody who came to a course run, left it or changed in it; for seconds.
    .. pii_types: id
    .. pii_retirement: local_api
    """

    course_key = models.CharField(max_length=255)
    user_id = models.BigIntegerField(null=True, blank=True, help_text="Of whom it changed; null: of anybody.")
    due = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.course_key} from {self.due}"
