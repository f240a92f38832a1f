"""Insert or update many rows at once, on every database that Open edX runs on.

On the way of every event: Django's `bulk_create` builds an object for each row and an expression for each value, and took a
third of the whole time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import DateField, DateTimeField, Field, Model

from engage_backend.models import Learner


def upsert(
    model: type[Model],
    rows: Iterable[Sequence[Any]],
    *,
    unique: Sequence[str],
    fixed: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows of values in the order `unique`, `fixed`, `update`, which are names of fields.

    Where a row with the same `unique` values exists, its `update` fields are set, and nothing else. MySQL and MariaDB take no
    conflict target and look at every unique key; SQLite and PostgreSQL require one. Signals, defaults and `auto_now` have no
    part in it.
    """
    quote = connection.ops.quote_name
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in (*unique, *fixed, *update)]
    column = {field.name: quote(field.get_attname_column()[1] or field.name) for field in fields}
    if connection.features.supports_update_conflicts_with_target:
        sets = ", ".join(f"{column[name]} = EXCLUDED.{column[name]}" for name in update)
        target = ", ".join(column[name] for name in unique)
        conflict = f"ON CONFLICT ({target}) DO " + (f"UPDATE SET {sets}" if sets else "NOTHING")
    else:
        # Without a column to set, one that is set to itself: INSERT IGNORE would hide other errors as well.
        own = f"{column[unique[0]]} = {column[unique[0]]}"
        conflict = "ON DUPLICATE KEY UPDATE " + (", ".join(f"{column[n]} = VALUES({column[n]})" for n in update) or own)
    values = [list(row) for row in rows]
    if not values:
        return
    for at, adapt in [(at, adapt) for at, field in enumerate(fields) if (adapt := _adapter(field)) is not None]:
        for row in values:
            row[at] = adapt(row[at])
    table, places = quote(model._meta.db_table), ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({', '.join(column.values())}) VALUES ({places}) {conflict}", values)


def update_learners(learners: Sequence[Learner], update: Sequence[str]) -> None:
    """Store these fields of learners that are there: an upsert, since no database updates many rows to values of their own."""
    fixed = [field.name for field in Learner._meta.concrete_fields if field.name not in (*update, "id")]
    get = attrgetter(*(Learner._meta.get_field(name).attname for name in ("id", *fixed, *update)))  # type: ignore[union-attr]
    upsert(Learner, map(get, learners), unique=["id"], fixed=fixed, update=update)


def _adapter(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How the database wants a field's values, where that is not as Python has them."""
    if isinstance(field, DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, DateField):
        return connection.ops.adapt_datefield_value
    return None
