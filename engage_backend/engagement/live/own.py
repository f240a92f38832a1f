"""Which events of a learner are the learner's own, and could have happened in the course.

A record says who was logged in, what was asked for and when. It does not say that staff looked at the course as this learner,
or that the course was not open yet: the platform and the course's dates do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter

from engage_backend.clickstream import whose
from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import is_of_a_unit
from engage_backend.clickstream.whose import is_other, name_hash
from engage_backend.conf import site_secret
from engage_backend.platform.protocol import Platform

_WHO, _TIME = attrgetter("who"), attrgetter("time")
MAX_NAMES = 200_000  # hashes of user names that one process remembers: some 40 MB


class NotOwn(StrEnum):
    """Why an event of an enrolled learner was not taken in."""

    MASQUERADE = "user name of somebody else"  # staff who masquerade as the learner; or a name the learner had before
    NOT_OPEN = "before the course opened"  # the platform answered 404


class OwnRecords:
    """Tells a learner's own events from others. Keeps hashes of user names in memory, and stores none."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._names: dict[int, str] = {}  # user id -> hash of the user name
        whose.set_key(whose.key_of(site_secret()))

    def keep(
        self, events: Mapping[int, Sequence[ClickEvent]], opens: int
    ) -> tuple[dict[int, Sequence[ClickEvent]], Counter[NotOwn]]:
        """Return the events (user id -> events) that count, and how many do not, by reason.

        `opens`: when the course run starts, µs since 1970. Users whose events all count keep their sequence as it is.
        """
        named = {user: set(map(_WHO, new)) - {""} for user, new in events.items()}
        self._read([user for user, names in named.items() if names and user not in self._names])
        # Somebody may have been renamed since: ask again before it is called somebody else's.
        odd = [user for user, names in named.items() if self._others(user, names)]
        self._read(odd)
        strange = {user for user in odd if self._others(user, named[user])}
        kept: dict[int, Sequence[ClickEvent]] = {}
        refused: Counter[NotOwn] = Counter()
        for user, new in events.items():
            own = new
            if user in strange:
                own = [event for event in own if not is_other(event.who, self._names[user])]
                refused[NotOwn.MASQUERADE] += len(new) - len(own)
            if min(map(_TIME, own), default=opens) < opens:
                opened = [event for event in own if event.time >= opens or not is_of_a_unit(event.kind)]
                refused[NotOwn.NOT_OPEN] += len(own) - len(opened)
                own = opened
            if own:
                kept[user] = own
        return kept, +refused

    def _others(self, user: int, names: Iterable[str]) -> bool:
        known = self._names.get(user, "")
        return any(is_other(name, known) for name in names)

    def _read(self, users: Sequence[int]) -> None:
        if not users:
            return
        if len(self._names) + len(users) > MAX_NAMES:
            self._names.clear()
        self._names |= {user: name_hash(name) for user, name in self._platform.user_names(users)}
