"""Reading many rows in queries that each cost a page of them, on either side of the platform."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from engage_backend.platform.protocol import ROWS_A_QUERY


def pages(rows: Any, users: Collection[int] | None = None) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows in order of their primary key, which has to be their first value, some at a time.

    `rows`: a query's `values_list`; `users`: only those with these `user_id`. By key and not by `.iterator()`: the caller
    may write in between, a pooler of connections keeps no cursors, and what comes behind the last key is still met.
    """
    if users is not None:
        wanted = sorted(users)
        for at in range(0, len(wanted), ROWS_A_QUERY):
            yield list(rows.filter(user_id__in=wanted[at : at + ROWS_A_QUERY]).order_by("pk"))
        return
    after = 0
    while True:
        page = list(rows.filter(pk__gt=after).order_by("pk")[:ROWS_A_QUERY])
        if page:
            yield page
        if len(page) < ROWS_A_QUERY:
            return
        after = page[-1][0]
