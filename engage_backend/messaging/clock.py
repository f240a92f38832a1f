"""What is due in messaging: asked by the consumer's clock and by `engage_tick`, never counted down."""

from __future__ import annotations

import time

from engage_backend.messaging.automation import telling
from engage_backend.messaging.automation.daily import look
from engage_backend.messaging.queueing import announce, finish, recover, release
from engage_backend.platform.api import get_platform

SECONDS = 1.0  # between two looks, however often the consumer steps


def tick() -> None:
    """Look once. Any number of processes may do it at the same time."""
    recover()
    look(get_platform().now())
    telling.announce()
    release()
    announce()
    finish()


class Clock:
    """Looks at most once a second."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds, self._looked = seconds, float("-inf")

    def run(self) -> None:
        """Look, if it is time."""
        now = time.monotonic()
        if now - self._looked >= self._seconds:
            self._looked = now
            tick()
