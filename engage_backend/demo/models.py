"""What the standalone site keeps of its own."""

from __future__ import annotations

from typing import Any

from django.db import models


class Kept(models.Model):
    """A named value: a field of the block as Studio saved it, or how far "you" have come in the course.

    .. pii: How far a user of the standalone site has come in the course.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    name = models.CharField(max_length=255, unique=True)
    value: models.JSONField[Any, Any] = models.JSONField()

    def __str__(self) -> str:
        return self.name
