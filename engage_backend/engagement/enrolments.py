"""Who was enrolled when, by the dated events of a log.

The flag `is_active` of the enrolment table is not read: it is known after the end only, and whoever was dropped by it would
be dropped because of what came of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import ENROLLED, UNENROLLED

DATED = frozenset({ENROLLED, UNENROLLED})  # kinds of event that say who is enrolled from then on


class Enrolments:
    """The dated enrolments and unenrolments of one course run, each event once and in any order."""

    def __init__(self) -> None:
        self._dated: dict[int, set[tuple[int, bool]]] = {}  # by user id: (µs, enrolled from then on)

    def add(self, event: ClickEvent) -> None:
        """Take in an event of one of the kinds DATED."""
        self._dated.setdefault(event.learner, set()).add((event.time, event.kind == ENROLLED))

    @property
    def are_dated(self) -> bool:
        """Whether the log tells of any enrolment or unenrolment."""
        return bool(self._dated)

    def at(self, user: int, clocks: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Return whether a user was enrolled at each clock (µs).

        The last event at or before the clock decides; of two at the same time, the enrolment. Before the first event, and
        without any, the user counts as enrolled: the enrolment table says that they are, from its own date on.
        """
        dated = sorted(self._dated.get(user, ()))
        times, after = [time for time, _ in dated], [True, *(enrolled for _, enrolled in dated)]
        return np.array([after[bisect_right(times, clock)] for clock in clocks], dtype=bool)
