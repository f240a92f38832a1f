"""Histories in the database: reading just what new events touch, and writing just what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import OuterRef, QuerySet, Subquery

from engage_backend.engagement.history import CHUNK, Row, merge, pack, split, unpack
from engage_backend.engagement.live.upsert import upsert
from engage_backend.models import HistoryChunk


@dataclass(slots=True)
class Tail:
    """A learner's history from event number `begin` (the start of a chunk) to its end."""

    begin: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def end(self) -> int:
        """How many events the learner has."""
        return self.begin + len(self.rows)


def _newest(learners: Iterable[int]) -> QuerySet[HistoryChunk]:
    newest = HistoryChunk.objects.filter(learner=OuterRef("learner")).order_by("-number").values("number")[:1]
    return HistoryChunk.objects.filter(learner__in=list(learners), number=Subquery(newest))


def last_chunks(learners: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Learner -> (number, events) of the last chunk, without its data."""
    found = _newest(learners)
    return {learner: (number, events) for learner, number, events in found.values_list("learner", "number", "events")}


def length(last_chunk: tuple[int, int] | None) -> int:
    """How many events a learner has whose last chunk is (number, events); 0 without one."""
    return last_chunk[0] * CHUNK + last_chunk[1] if last_chunk else 0


def read_last(learners: Iterable[int]) -> dict[int, Tail]:
    """Learner -> the last chunk alone."""
    found = _newest(learners)
    return {
        learner: Tail(number * CHUNK, unpack(bytes(data)))
        for learner, number, data in found.values_list("learner", "number", "data")
    }


def read_whole(learners: Iterable[int]) -> dict[int, Tail]:
    """Learner -> the whole history."""
    found = HistoryChunk.objects.filter(learner__in=list(learners)).order_by("learner", "number")
    rows: dict[int, list[Row]] = defaultdict(list)
    for learner, data in found.values_list("learner", "data"):
        rows[learner] += unpack(bytes(data))
    return {learner: Tail(0, whole) for learner, whole in rows.items()}


def take_in(tail: Tail, new: Sequence[Row]) -> tuple[Tail, int]:
    """The tail with `new` merged in, and the number of the first event that is not where it was; the end if none moved.

    All of `new` has to lie behind the event before `tail.begin`.
    """
    merged = merge(tail.rows, new)
    same = len(tail.rows)
    if merged[:same] != tail.rows:
        same = next(at for at, row in enumerate(tail.rows) if row != merged[at])
    return Tail(tail.begin, merged), tail.begin + same


def write(changed: Mapping[int, tuple[Tail, int]]) -> None:
    """Store, for each learner, the chunks from the one that holds event number `changed[learner][1]` on."""
    chunks = (
        (learner, number, len(rows), rows[0].time, rows[-1].time, pack(rows))
        for learner, (tail, first) in changed.items()
        for number, rows in split(tail.rows, tail.begin // CHUNK)
        if (number + 1) * CHUNK > first
    )
    upsert(HistoryChunk, chunks, unique=["learner", "number"], update=["events", "first", "last", "data"])
