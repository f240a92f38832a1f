"""Who holds which rows, and in which order: learners by their ids first, their course run after them (`publish`)."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from engage_backend.models import Learner

_AT_ONCE = 500  # learners a query


def lock_learners(ids: Collection[int]) -> None:
    """Hold the rows of these learners until the transaction ends. Nothing where the database locks all of itself (SQLite)."""
    if not connection.features.has_select_for_update:
        return
    ordered = sorted(ids)
    for at in range(0, len(ordered), _AT_ONCE):
        part = Learner.objects.select_for_update().filter(pk__in=ordered[at : at + _AT_ONCE])
        list(part.order_by("pk").values_list("pk", flat=True))
