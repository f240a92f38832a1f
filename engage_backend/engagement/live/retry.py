"""Doing a piece of work again that the database gave up on: a deadlock, a lock that was not had in time, a restart."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

PAUSES = (0.1, 0.5, 2.0, 5.0)  # seconds before each further attempt
_Result = TypeVar("_Result")


def repeated(
    work: Callable[[], _Result], *, undone: Callable[[], None], pause: Callable[[float], None] = time.sleep
) -> _Result:
    """What `work` gives; where the database fails it, it is done again, up to four times, on a new connection.

    `work` has to be repeatable and in transactions of its own. `undone` is called after each failure, to forget what was
    learnt in the transaction that did not last. Raises what the last attempt raised.
    """
    for seconds in (*PAUSES, None):
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            undone()
            if seconds is None or connection.in_atomic_block:
                raise
            log.warning("the database failed a piece of work, which is repeated: %s", error)
            connection.close()  # one that was lost is not used again
            pause(seconds * random.uniform(0.5, 1.5))  # so that two who met do not meet again
    raise AssertionError("the last attempt returns or raises")
