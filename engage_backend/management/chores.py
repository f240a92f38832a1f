"""What the clock does beside the engine: for the consumer, which has one, and for `engage_tick`."""

from __future__ import annotations

from collections.abc import Callable


def chores() -> list[Callable[[], None]]:
    """One process's chores, to be called again and again. Each looks by itself whether something is due."""
    from engage_backend.governance.housekeeping import Housekeeping
    from engage_backend.messaging.clock import Clock

    return [Housekeeping().run, Clock().run]
