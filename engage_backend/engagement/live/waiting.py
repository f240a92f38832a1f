"""Events of people who are not on the roster as it was last read, kept until it is read again.

Who enrols and clicks at once is on the platform's roster and not yet on ours; asking the platform at every stranger's click
would be too much. In memory only: what waits when a process is killed is lost, some seconds of a beginner's first clicks,
unless `engage_backfill` brings them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from engage_backend.clickstream.event import ClickEvent

MOST = 20_000  # events


class Waiting:
    """Events by course key and user id, at most `most` of them."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._held: dict[str, dict[int, list[ClickEvent]]] = {}
        self._taken: dict[str, dict[int, list[ClickEvent]]] = {}  # in the transaction that is under way
        self._added: list[tuple[str, int, int]] = []  # in that transaction: course, user, how many
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def courses(self) -> Iterable[str]:
        """Course keys for which something waits."""
        return list(self._held)

    def users(self, course: str) -> Iterable[int]:
        """User ids for whom something waits in a course."""
        return self._held.get(course, {}).keys()

    def hold(self, course: str, user: int, events: Sequence[ClickEvent]) -> int:
        """Keep these; how many found no room."""
        room = max(0, self.most - self._count)
        kept = events[:room]
        if kept:
            self._held.setdefault(course, defaultdict(list))[user] += kept
            self._count += len(kept)
            self._added.append((course, user, len(kept)))
        return len(events) - len(kept)

    def take(self, course: str) -> Mapping[int, Sequence[ClickEvent]]:
        """All that waits for a course; it comes back with `undo` unless `settle` comes first."""
        taken = self._held.pop(course, {})
        if taken:
            self._taken[course] = taken
            self._count -= sum(map(len, taken.values()))
        return taken

    def settle(self) -> None:
        """What was taken is stored."""
        self._taken.clear()
        self._added.clear()

    def undo(self) -> None:
        """The transaction in which something was taken or held did not last: what was held in it comes again."""
        for course, user, count in reversed(self._added):
            by_user = self._held.get(course, {})
            if user in by_user:  # else it was taken again
                del by_user[user][-count:]
                self._count -= count
                if not by_user[user]:
                    del by_user[user]
        self._held = {course: by_user for course, by_user in self._held.items() if by_user}
        self._added.clear()
        for course, by_user in self._taken.items():
            for user, events in by_user.items():
                self.hold(course, user, events)
        self._taken.clear()
        self._added.clear()
