"""How many questions a request asks the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

_BOOKKEEPING = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")  # of the transaction around a request


@contextmanager
def questions() -> Iterator[list[str]]:
    """The statements that are run inside, once it ends; not the bookkeeping of transactions."""
    asked: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield asked
    asked += [one["sql"] for one in captured if not one["sql"].startswith(_BOOKKEEPING)]
