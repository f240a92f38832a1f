"""Gaps: times at which records were lost before they were stored. Which are open, and what closes one.

A source counts its gaps in its position (`clickstream.sources.redis_stream`); the taps count what they dropped. What was done
about them is kept beside the position, in `Checkpoint.closed`: {"gaps": [number], "dropped": {host: count}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import transaction

from engage_backend.models import Checkpoint


class Gap(NamedTuple):
    """One gap; the times are unknown (None) of very old ones."""

    number: int
    begin: datetime | None
    end: datetime | None


def open_gaps(mark: Checkpoint) -> list[Gap]:
    """Return the gaps of a source that nobody has closed, oldest first."""
    times = {number: (begin, end) for number, begin, end in mark.position.get("lost", [])}
    closed = set(mark.closed.get("gaps", []))
    numbers = range(1, int(mark.position.get("gaps", 0)) + 1)
    return [Gap(one, *map(_moment, times.get(one, (None, None)))) for one in numbers if one not in closed]


def open_drops(dropped: Mapping[str, int]) -> int:
    """Return how many of the records that taps dropped, {host: count}, nobody has closed."""
    closed: dict[str, int] = {}
    for mark in Checkpoint.objects.all():
        closed |= mark.closed.get("dropped", {})
    # A host that was silent for long counts from 0 again.
    return sum(
        count - closed.get(host, 0) if count >= closed.get(host, 0) else count for host, count in dropped.items()
    )


def close_backfilled(first: datetime, last: datetime) -> list[Gap]:
    """Close the gaps that lie within what was backfilled: from the first record to the last. Return those."""
    found: list[Gap] = []
    with transaction.atomic():
        for mark in Checkpoint.objects.select_for_update().order_by("pk"):
            covered = [
                one for one in open_gaps(mark) if one.begin and one.end and first <= one.begin and one.end <= last
            ]
            if covered:
                _close(mark, covered)
                found += covered
    return found


def close_all(dropped: Mapping[str, int]) -> int:
    """Close every gap, and what the taps dropped until now, {host: count}. Return how many gaps there were."""
    count = 0
    with transaction.atomic():
        for number, mark in enumerate(Checkpoint.objects.select_for_update().order_by("pk")):
            gaps = open_gaps(mark)
            count += len(gaps)
            if number == 0:
                mark.closed = {**mark.closed, "dropped": dict(dropped)}
            _close(mark, gaps)
    return count


def _close(mark: Checkpoint, gaps: list[Gap]) -> None:
    numbers = sorted({*mark.closed.get("gaps", []), *(one.number for one in gaps)})
    # An update, not a save: that would pass for a sign of life of the consumer.
    Checkpoint.objects.filter(pk=mark.pk).update(closed={**mark.closed, "gaps": numbers})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
