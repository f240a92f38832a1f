"""When a learner did what kind of thing, from the packed history: without numpy, for web processes.

`history` writes and reads the whole of it; here are only the two columns that a page needs.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low
from typing import NamedTuple

_HEADER = struct.Struct("<BHqHHH")  # as `history` packs it: format, events, first time, and what is not read here
_FORMAT = 1
DAY = 86_400_000_000  # microseconds
WEEK = 7 * DAY
LEAST_WEEKS = 3  # of the four before the last seven days: of fewer, a habit is not known
LEAST_CHANGE = 2  # active days a week; one more or less is no change
GROUPS = ("video", "problem", "forum", "other")
_GROUP = {"video": "video", "problem": "problem", "submission": "problem", "forum": "forum"}


def times_and_kinds(chunk: bytes) -> tuple[list[int], list[int]]:
    """Time (µs since 1970, UTC) and kind (number in the registry) of each event of a packed chunk, oldest first."""
    version, count, first, *_ = _HEADER.unpack_from(chunk)
    if version != _FORMAT:
        raise ValueError(f"a history chunk of format {version}; this version reads {_FORMAT}")
    body = zlib.decompress(chunk[_HEADER.size :])
    gaps, end = _planes(body, 0, count)
    kinds, _ = _planes(body, end, count)
    times, at = [], first
    for gap in gaps:
        at += gap
        times.append(at)
    return times, kinds


def _planes(body: bytes, start: int, count: int) -> tuple[list[int], int]:
    """Integers kept as byte planes, least significant first, behind the number of planes; and where they end."""
    used, start = body[start], start + 1
    values = [0] * count
    for number in range(used):
        plane = body[start + number * count : start + (number + 1) * count]
        values = [value | byte << 8 * number for value, byte in zip(values, plane, strict=True)]
    return values, start + used * count


def by_week(
    events: Iterable[tuple[Sequence[int], Sequence[int]]], kinds: Mapping[int, str], origin: int
) -> dict[int, Counter[str]]:
    """Week -> how many events of each of GROUPS. Week 1 begins at `origin` (µs); what came before has week 0 and less."""
    weeks: dict[int, Counter[str]] = {}
    from engage_backend.clickstream.kinds import group_of  # its table is compiled: a third of what a start costs

    group = {number: _GROUP.get(group_of(name), "other") for number, name in kinds.items()}
    for times, numbers in events:
        for time, number in zip(times, numbers, strict=True):
            weeks.setdefault((time - origin) // WEEK + 1, Counter())[group.get(number, "other")] += 1
    return weeks


class Change(NamedTuple):
    """Active days a week: what was usual in the four weeks before the last seven days, and in these."""

    before: int
    now: int


def change_of(times: Iterable[int], begin: int, clock: int) -> Change | None:
    """Return how often a learner came until a week ago and comes now, where that differs; None: it does not, or is not known.

    `times`: of all clicks; `begin`: since when they could come; `clock`: now (all µs). Days are counted as UTC has them, today
    and the six before it making a week. Usual is the (lower) median of the weeks since `begin`, of at most four.
    """
    today = clock // DAY
    ago = {today - time // DAY for time in times if time <= clock}
    weeks = min((today - -(-begin // DAY) + 1) // 7, 5) - 1  # whole ones, before this one
    if weeks < LEAST_WEEKS:
        return None
    active = [sum(1 for day in range(7 * week, 7 * week + 7) if day in ago) for week in range(weeks + 1)]
    found = Change(median_low(active[1:]), active[0])
    return found if abs(found.before - found.now) >= LEAST_CHANGE else None
