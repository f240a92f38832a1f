"""Doing a piece of work again that the database gave up on: a deadlock, a lock that was not had in time, a restart."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 2.0, 5.0)  # seconds before each further attempt
AWAY_SECONDS = 2.0  # between two attempts to reach a database that is away
TELL_SECONDS = 60.0  # between two lines in the log about that
# What PostgreSQL waits for without end unless told: a lock (MariaDB has 50 s of its own), and a statement. Milliseconds.
_LIMITS = {"lock_timeout": 50_000, "statement_timeout": 300_000}
_NO_TABLE, _UNKNOWN_COLUMN = 1146, 1054  # error numbers of MySQL and MariaDB
_UNDEFINED = ("42P01", "42703")  # SQLSTATE of PostgreSQL for an unknown table, and column
_SQLITE_MISSING, _SQLITE_COLUMN = ("no such table", "no such column"), "has no column named"
_OURS = re.compile(r"(?<!\w)engage_")
_Result = TypeVar("_Result")


def limit_waiting() -> None:
    """From now on no connection of this process waits without end for a lock or an answer. For a process that repeats.

    A limit that the operator has set in DATABASES or for the role stays as it is.
    """
    connection_created.connect(_limit, dispatch_uid="engage limits waiting")
    if connection.connection is not None:
        _limit(connection)


def _limit(connection: BaseDatabaseWrapper, **sent: object) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name, milliseconds in _LIMITS.items():
            unset = "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s AND setting = '0'"
            cursor.execute(unset, [str(milliseconds), name])


def repeated(
    work: Callable[[], _Result],
    *,
    undone: Callable[[], None],
    pause: Callable[[float], None] = time.sleep,
    waits: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> _Result:
    """What `work` gives; where the database fails it, it is done again, up to four times, on a new connection.

    `work` has to be repeatable and in transactions of its own. `undone` is called after each failure, to forget what was
    learnt in the transaction that did not last. With `waits`, a database that cannot be reached is waited for, however long,
    unless `stopped`; that is for workers, not for requests. Raises what the last attempt raised.
    """
    left = list(PAUSES)
    away_since: float | None = None
    told = float("-inf")
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            undone()
            if connection.in_atomic_block or lacks_tables(error):
                raise
            connection.close()  # one that was lost is not used again
            if waits and not _answers():
                if stopped():
                    raise
                now = time.monotonic()
                away_since = away_since or now
                if now - told >= TELL_SECONDS:
                    told = now
                    log.warning("the database has not been there for %.0f s; waiting: %s", now - away_since, error)
                left, seconds = list(PAUSES), AWAY_SECONDS
            elif not left:
                raise
            else:
                log.warning("the database failed a piece of work, which is repeated: %s", error)
                seconds = left.pop(0)
            pause(seconds * random.uniform(0.5, 1.5))  # so that two who met do not meet again


def _answers() -> bool:
    """Whether a connection can be had."""
    try:
        connection.ensure_connection()
    except (OperationalError, InterfaceError):
        return False
    return True


def where_it_failed(error: BaseException) -> str:
    """Return the kind of an error and the places it came through, for a log: its message may quote a name or an address."""
    places = (f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in extract_tb(error.__traceback__))
    return f"{type(error).__name__} at {' > '.join(places)}"


def lacks_tables(error: BaseException) -> bool:
    """Return whether the database refused because tables or columns of ours are missing: nobody ran the migrations."""
    if not isinstance(error, DatabaseError):
        return False
    text, cause = str(error), error.__cause__
    code = error.args[0] if error.args else None  # MySQL and MariaDB
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)  # PostgreSQL
    if code == _UNKNOWN_COLUMN:  # which names no table where something is inserted
        return True
    is_missing = code == _NO_TABLE or state in _UNDEFINED or text.startswith(_SQLITE_MISSING) or _SQLITE_COLUMN in text
    # MySQL and MariaDB name the database, too, which may be called like us.
    return is_missing and _OURS.search(text.rpartition(".")[2] if code == _NO_TABLE else text) is not None
