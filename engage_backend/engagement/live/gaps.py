"""Gaps: times at which records were lost before they were stored. Which are open, and what closes one.

A source counts its gaps in its position (`clickstream.sources.redis_stream`); the taps count what they dropped. What was done
about them is kept beside the position, in `Checkpoint.closed`: {"gaps": [number], "dropped": {host: count}}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from engage_backend.models import Checkpoint

BETWEEN_LOGS = timedelta(hours=1)  # without an event, from the end of one log to the beginning of the next


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
    found = [Gap(one, *map(_moment, times.get(one, (None, None)))) for one in numbers if one not in closed]
    # A window that ends before it begins, as an earlier version stored some, says nothing about when.
    return [Gap(gap.number, None, None) if gap.begin and gap.end and gap.end < gap.begin else gap for gap in found]


def open_drops(dropped: Mapping[str, int]) -> int:
    """Return how many of the records that taps dropped, {host: count}, nobody has closed."""
    closed: dict[str, int] = {}
    for mark in Checkpoint.objects.all():
        closed |= mark.closed.get("dropped", {})
    # A host that was silent for long counts from 0 again.
    return sum(
        count - closed.get(host, 0) if count >= closed.get(host, 0) else count for host, count in dropped.items()
    )


def close_backfilled(logs: Iterable[tuple[datetime, datetime]]) -> list[Gap]:
    """Close the gaps that lie within what was backfilled. Return those.

    `logs`: of each log that was read, the times of its first event and of its last one. Logs that follow each other count as
    one: what is lost between two that do not was in neither.
    """
    spans: list[tuple[datetime, datetime]] = []
    for first, last in sorted(logs):
        if spans and first <= spans[-1][1] + BETWEEN_LOGS:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    found: list[Gap] = []
    with transaction.atomic():
        for mark in Checkpoint.objects.select_for_update().order_by("pk"):
            covered = [
                gap
                for gap in open_gaps(mark)
                if gap.begin and gap.end and any(first <= gap.begin and gap.end <= last for first, last in spans)
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
