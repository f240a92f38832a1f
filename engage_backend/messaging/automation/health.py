"""What the clickstream says of itself: how far behind it is, where it has holes, and whether the model understands it.

For the consumer and `engage_tick` only: histories are unpacked with numpy, which a web process does not load.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from engage_backend.clickstream.names import FACTS
from engage_backend.conf import engage_settings
from engage_backend.engagement.live.gaps import open_gaps
from engage_backend.engagement.live.understanding import card_in, understood_share
from engage_backend.messaging.automation.guards import Health
from engage_backend.models import Checkpoint, HistoryChunk, Kind
from engage_backend.platform.moments import to_microseconds

_DAY = 86_400_000_000  # microseconds
_WINDOW = timedelta(days=3)
_MOST_CHUNKS = 500
ACTIVE_DAYS = 3  # before a learner is known well enough


def health(now: datetime) -> Health:
    """As things stand at `now`, the site's clock. The clicks of all courses are one log: a quiet course is no gap."""
    from engage_backend.engagement.history import unpack

    marks = list(Checkpoint.objects.all())
    youngest = max((mark.last_event for mark in marks if mark.last_event is not None), default=None)
    begin, end = to_microseconds(now - _WINDOW), to_microseconds(now)
    chunks = HistoryChunk.objects.filter(last__gte=begin).order_by("-last").values_list("data", flat=True)
    facts = _facts()
    times: list[int] = []
    kinds: list[int] = []
    for data in chunks[:_MOST_CHUNKS]:
        for row in unpack(bytes(data)):
            if begin <= row.time <= end and row.kind not in facts:
                times.append(row.time)
                kinds.append(row.kind)
    names = dict(Kind.objects.values_list("number", "name"))
    clicks = Counter(names.get(kind, "?") for kind in kinds)
    times.sort()
    gap = max((after - before for before, after in pairwise(times)), default=0)
    return Health(
        lag=None if youngest is None else max(timedelta(), now - youngest),
        longest_gap=timedelta(microseconds=gap),
        gaps=sum(int(mark.position.get("gaps", 0)) for mark in marks),
        is_missing=any(map(open_gaps, marks)),
        known_share=understood_share(card_in(engage_settings().model), clicks),
    )


def _facts() -> set[int]:
    """The numbers of kinds that are no clicks."""
    return set(Kind.objects.filter(name__in=list(FACTS)).values_list("number", flat=True))


def known_well(learners: Iterable[int], now: datetime) -> set[int]:
    """Those who were active on three different days before today (UTC)."""
    from engage_backend.engagement.history import unpack

    today = to_microseconds(now) // _DAY
    facts = _facts()
    days: dict[int, set[int]] = {learner: set() for learner in learners}
    wanted = sorted(days)
    for at in range(0, len(wanted), 500):
        rows = HistoryChunk.objects.filter(learner__in=wanted[at : at + 500]).order_by("learner", "-number")
        # The youngest chunk says it of nearly everybody; older ones are not unpacked then.
        for learner, data in rows.values_list("learner_id", "data"):
            if len(days[learner]) < ACTIVE_DAYS:
                rows_of = (row for row in unpack(bytes(data)) if row.kind not in facts)
                days[learner].update(day for row in rows_of if (day := row.time // _DAY) < today)
    return {learner for learner, found in days.items() if len(found) >= ACTIVE_DAYS}
