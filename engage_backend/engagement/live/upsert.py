"""Insert or update many rows at once, on every database that Open edX runs on.

On the way of every event: Django's `bulk_create` builds an expression for each value, and took a third of the whole time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models import DateField, DateTimeField, Field, Model


def upsert(rows: Sequence[Model], *, unique: Sequence[str], update: Sequence[str]) -> None:
    """Insert the rows, all of one model; where one with the same `unique` fields exists, set its `update` fields, if any.

    Names are those of fields. MySQL and MariaDB take no conflict target and look at every unique key; SQLite and PostgreSQL
    require one. Signals and `auto_now` have no part in it.
    """
    if not rows:
        return
    meta = type(rows[0])._meta
    quote = connection.ops.quote_name
    column_of = {field.name: quote(field.get_attname_column()[1] or field.name) for field in meta.concrete_fields}
    fields = [
        field for field in meta.concrete_fields if getattr(rows[0], field.attname) is not None or not field.primary_key
    ]
    columns = ", ".join(column_of[field.name] for field in fields)
    places = ", ".join(["%s"] * len(fields))
    target = [column_of[name] for name in unique]
    changed = [column_of[name] for name in update]
    if connection.features.supports_update_conflicts_with_target:
        sets = ", ".join(f"{column} = EXCLUDED.{column}" for column in changed)
        conflict = f"ON CONFLICT ({', '.join(target)}) DO " + (f"UPDATE SET {sets}" if sets else "NOTHING")
    else:
        # Without a column to set, one that is set to itself: INSERT IGNORE would hide other errors as well.
        sets = ", ".join(f"{column} = VALUES({column})" for column in changed) or f"{target[0]} = {target[0]}"
        conflict = f"ON DUPLICATE KEY UPDATE {sets}"
    names = [field.attname for field in fields]
    adapters = [(at, adapt) for at, field in enumerate(fields) if (adapt := _adapter(field)) is not None]
    values = [[getattr(row, name) for name in names] for row in rows]
    for at, adapt in adapters:
        for row in values:
            row[at] = adapt(row[at])
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({places}) {conflict}", values)


def _adapter(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How the database wants a field's values, where that is not as Python has them."""
    if isinstance(field, DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, DateField):
        return connection.ops.adapt_datefield_value
    return None
