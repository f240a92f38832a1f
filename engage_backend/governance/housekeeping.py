"""What the clock does for people's privacy beside the engine's own: objections, sweeps after retirements, retention."""

from __future__ import annotations

import time

from engage_backend.governance.objections import erase, hide
from engage_backend.governance.retention import expire
from engage_backend.governance.sweep import RetirementSearch, Sweep
from engage_backend.platform.api import get_platform

HIDE_SECONDS = 2.0
SWEEP_SECONDS = 60.0
RETENTION_SECONDS = 3_600.0


class Housekeeping:
    """One process's; `run` is called often and looks by itself whether something is due. Many processes may do it at once."""

    def __init__(self) -> None:
        self._search, self._sweep = RetirementSearch(), Sweep()
        self._hid = self._swept = self._expired = float("-inf")

    def run(self) -> None:
        """Do what is due. Raises what the database raises: the caller repeats it."""
        if time.monotonic() - self._hid >= HIDE_SECONDS:
            self._hid = time.monotonic()
            hide(get_platform().now())
        if time.monotonic() - self._swept < SWEEP_SECONDS:
            return
        self._swept = time.monotonic()
        self._search.run()
        self._sweep.run()
        erase(get_platform().now())
        if time.monotonic() - self._expired >= RETENTION_SECONDS:
            self._expired = time.monotonic()
            expire(get_platform().now())
