"""A learner's clicks as pages tell of them: when, and of which kind. For web processes, and asked for again and again."""

from __future__ import annotations

from collections.abc import Mapping

from engage_backend.clickstream.names import is_activity
from engage_backend.engagement.activity import times_and_kinds
from engage_backend.models import HistoryChunk, Kind, Learner

# The registry is append-only: what this process has read once stays right. At most `registry.MAX_KINDS` names. Whoever
# puts another database in this one's place restarts the processes beside it.
_names: dict[int, str] = {}


def clicks_of(learner: Learner) -> tuple[list[tuple[list[int], list[int]]], Mapping[int, str]]:
    """Times (µs since 1970, UTC) and kinds (numbers) of each chunk, oldest first, and what these kinds are called.

    One query, and another where a kind is met for the first time.
    """
    chunks = HistoryChunk.objects.filter(learner=learner).order_by("number").values_list("data", flat=True)
    rows = [times_and_kinds(bytes(data)) for data in chunks]
    asked = {kind for _, kinds in rows for kind in kinds}
    if new := asked - _names.keys():
        _names.update(Kind.objects.filter(number__in=new).values_list("number", "name"))
    facts = {number for number in asked & _names.keys() if not is_activity(_names[number])}
    events = [
        (
            [time for time, kind in zip(times, kinds, strict=True) if kind not in facts],
            [k for k in kinds if k not in facts],
        )
        for times, kinds in rows
        if not facts.issuperset(kinds)
    ]
    return events, {number: _names[number] for number in (asked & _names.keys()) - facts}


def forget() -> None:
    """Read all names anew: for tests, whose database begins anew with each."""
    _names.clear()
