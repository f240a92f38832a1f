"""Insert or update many rows at once, on every database that Open edX runs on.

On the way of every event: Django's `bulk_create` builds an object for each row and an expression for each value, and took a
third of the whole time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import CharField, DateField, DateTimeField, Field, Model, TextField

from engage_backend.models import Learner

_ROWS_A_STATEMENT = 500


def upsert(
    model: type[Model],
    rows: Iterable[Sequence[Any]],
    *,
    unique: Sequence[str],
    fixed: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows of values in the order `unique`, `fixed`, `update`, which are names of fields.

    Where a row with the same `unique` values exists, its `update` fields are set, and nothing else. Of rows that are alike in
    `unique` the last one counts: PostgreSQL refuses a statement that meets a row twice. Rows are written in the order of
    `unique`, so that two processes do not wait for each other. MySQL and MariaDB take no conflict target and look at every
    unique key; SQLite and PostgreSQL require one. Signals, defaults and `auto_now` have no part in it.
    """
    names = _Columns(model, (*unique, *fixed, *update))
    column = names.quoted
    if connection.features.supports_update_conflicts_with_target:
        sets = ", ".join(f"{column[name]} = EXCLUDED.{column[name]}" for name in update)
        target = ", ".join(column[name] for name in unique)
        conflict = f"ON CONFLICT ({target}) DO " + (f"UPDATE SET {sets}" if sets else "NOTHING")
    else:
        # Without a column to set, one that is set to itself: INSERT IGNORE would hide other errors as well.
        own = f"{column[unique[0]]} = {column[unique[0]]}"
        conflict = "ON DUPLICATE KEY UPDATE " + (", ".join(f"{column[n]} = VALUES({column[n]})" for n in update) or own)
    values = names.adapted(rows, key=len(unique))
    if not values:
        return
    into, row = f"INSERT INTO {names.table} ({', '.join(column.values())}) VALUES", names.places
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":  # the client of MariaDB makes one statement of them, SQLite needs none
            cursor.executemany(f"{into} {row} {conflict}", values)
            return
        for at in range(0, len(values), _ROWS_A_STATEMENT):
            part = values[at : at + _ROWS_A_STATEMENT]
            cursor.execute(f"{into} {', '.join([row] * len(part))} {conflict}", list(chain.from_iterable(part)))


def update_learners(learners: Sequence[Learner], update: Sequence[str]) -> None:
    """Store these fields of learners that are there. One who was deleted meanwhile does not come back."""
    names = _Columns(Learner, ("id", *update))
    key, *columns = names.quoted.values()
    get = attrgetter(*(field.attname for field in names.fields))
    values = names.adapted(map(get, learners), key=1)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            sets = ", ".join(f"{column} = %s" for column in columns)
            statement = f"UPDATE {names.table} SET {sets} WHERE {key} = %s"
            cursor.executemany(statement, [[*row[1:], row[0]] for row in values])
            return
        for at in range(0, len(values), _ROWS_A_STATEMENT):
            part = values[at : at + _ROWS_A_STATEMENT]
            cursor.execute(_update(names, len(part)), list(chain.from_iterable(part)))


def _update(names: _Columns, rows: int) -> str:
    """A statement that sets the columns of so many rows, each to values of its own; the first column tells the rows."""
    table, (key, *columns) = names.table, names.quoted.values()
    if connection.vendor == "postgresql":
        # A column of which every value is NULL has no type of its own.
        types = ["text" if isinstance(one, CharField | TextField) else one.db_type(connection) for one in names.fields]
        sets = ", ".join(f"{column} = v.{column}::{kind}" for column, kind in zip(columns, types[1:], strict=True))
        values = ", ".join([names.places] * rows)
        named = f"(VALUES {values}) AS v ({key}, {', '.join(columns)})"
        return f"UPDATE {table} SET {sets} FROM {named} WHERE {table}.{key} = v.{key}"
    sets = ", ".join(f"{table}.{column} = v.{column}" for column in columns)
    first = ", ".join(f"%s AS {column}" for column in (key, *columns))
    values = " UNION ALL ".join([f"SELECT {first}", *[f"SELECT {names.places[1:-1]}"] * (rows - 1)])
    return f"UPDATE {table} JOIN ({values}) AS v ON {table}.{key} = v.{key} SET {sets}"


class _Columns:
    """Columns of a model's table, in the order of the given names of fields."""

    def __init__(self, model: type[Model], names: Sequence[str]) -> None:
        quote = connection.ops.quote_name
        by_name = {field.name: field for field in model._meta.concrete_fields}
        self.table = quote(model._meta.db_table)
        self.fields = [by_name[name] for name in names]
        self.quoted = {field.name: quote(field.get_attname_column()[1] or field.name) for field in self.fields}
        self.places = f"({', '.join(['%s'] * len(names))})"

    def adapted(self, rows: Iterable[Sequence[Any]], *, key: int) -> list[list[Any]]:
        """The rows as the database wants them, sorted by their first `key` values; of rows alike in these the last one."""
        last = {tuple(row[:key]): row for row in rows}
        values = [list(last[one]) for one in sorted(last)]
        for at, adapt in [
            (at, adapt) for at, field in enumerate(self.fields) if (adapt := _adapter(field)) is not None
        ]:
            for row in values:
                row[at] = adapt(row[at])
        return values


def _adapter(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How the database wants a field's values, where that is not as Python has them."""
    if isinstance(field, DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, DateField):
        return connection.ops.adapt_datefield_value
    return None
