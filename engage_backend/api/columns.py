"""Rows of the database as columns of an answer, and columns as numbers that compress well."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.db.models import Field, Func, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

CHUNK = 500


def columns(rows: QuerySet[Any, tuple[Any, ...]], width: int) -> tuple[list[Any], ...]:
    """The rows, `width` values each, turned into as many columns, some rows at a time: as one list of 100,000 tuples they
    take a quarter longer, most of it the garbage collector walking the list while it grows."""
    turned: tuple[list[Any], ...] = tuple([] for _ in range(width))
    found = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        for column, values in zip(turned, zip(*chunk, strict=True), strict=True):
            column.extend(values)
    return turned


# The type of an expression whose numbers are taken as the database gives them. With an IntegerField each one would be made
# an int once more: 400,000 calls for 100,000 learners, a quarter of the time.
AS_IT_COMES: Field[Any, Any] = Field()


class Minutes(Func):
    """A moment in the database as whole minutes since 1970, UTC, cut off; null stays null.

    Made there, since 100,000 moments as Python objects take longer than all else.
    """

    output_field = AS_IT_COMES
    template = "TIMESTAMPDIFF(MINUTE, '1970-01-01', %(expressions)s)"

    def __init__(self, moment: str | Combinable) -> None:
        super().__init__(moment)

    def as_sqlite(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Any:
        # Without the parts of the second, which SQLite would round: 12:59:59.9999 is still 12:59.
        template = "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER) / 60"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Any:
        template = "CAST(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 60) AS bigint)"
        return self.as_sql(compiler, connection, template=template, **extra)


class Change(Func):
    """By how much the first number is above the second; null where either is."""

    output_field = AS_IT_COMES
    template = "(%(expressions)s)"
    arg_joiner = " - "

    def __init__(self, now: str | Combinable, before: str | Combinable) -> None:
        super().__init__(now, before)
