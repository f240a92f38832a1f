"""Ending a command well: the first SIGTERM or Ctrl-C lets it finish what it has in hand, a second one does not; without our
tables, or the packages that it needs, it ends with one line.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_OF_THE_WORKER = {"numpy", "safetensors", "prometheus_client"}


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """An event that the first signal sets; the second one raises KeyboardInterrupt. For the main thread."""
    stop = Event()

    def told(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, told) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def needs_tables() -> Iterator[None]:
    """Raise CommandError in place of a traceback where tables of ours, or the packages of the worker, are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package not in _OF_THE_WORKER:
            raise
        says = (
            f"{package} is not installed here. Run this where the consumer runs: pip install 'openedx-engage[worker]'"
        )
        raise CommandError(says) from None
    except DatabaseError as error:
        from engage_backend.engagement.live.retry import lacks_tables

        if not lacks_tables(error):
            raise
        what = str(error).partition("\n")[0]  # PostgreSQL quotes the statement in further lines
        says = (
            f"Engage's database tables are missing or older than the program: ./manage.py lms migrate engage ({what})"
        )
        raise CommandError(says) from None
