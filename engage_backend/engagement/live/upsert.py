"""Insert or update many rows at once, on every database that Open edX runs on."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.models import Model


def upsert(rows: Sequence[Model], *, unique: Sequence[str], update: Sequence[str]) -> None:
    """Insert the rows; where one with the same `unique` fields exists, set its `update` fields.

    MySQL and MariaDB take no conflict target and look at every unique key; SQLite and PostgreSQL require one.
    """
    if not rows:
        return
    target = list(unique) if connection.features.supports_update_conflicts_with_target else None
    type(rows[0])._default_manager.bulk_create(
        rows, update_conflicts=True, unique_fields=target, update_fields=list(update)
    )
