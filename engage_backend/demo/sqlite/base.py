"""A transaction takes the write lock as it begins, and a log of writes lets others read meanwhile.

Django 5.1 has options for both; 4.2, which a Teak LMS has, knows neither. A transaction that begins by reading and goes on to
write would fail at once where another process wrote in between, whatever the time-out.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Found by Django under this name."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection to the file."""
        made = super().get_new_connection(conn_params)
        made.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;")
        return made

    def _start_transaction_under_autocommit(self) -> None:
        self.cursor().execute("BEGIN IMMEDIATE")
