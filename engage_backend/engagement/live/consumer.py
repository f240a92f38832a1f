"""The consumer: reads a source, feeds the engine, and keeps the position in the transaction of what was taken in."""

from __future__ import annotations

import logging
import time
from collections import Counter
from threading import Event
from typing import NamedTuple

from django.db import transaction

from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.sources.base import Source
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.schedule import from_microseconds
from engage_backend.models import Checkpoint

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0  # how often the checkpoint says that the consumer lives, also when there is nothing to read


class Taken(NamedTuple):
    """What came of one batch."""

    records: int
    events: int
    rejected: Counter[str]


class Consumer:
    """One source, followed until told to stop."""

    def __init__(self, source: Source, engine: Engine, *, max_batch: int = 50_000, max_wait: float = 0.2) -> None:
        self.source, self.engine = source, engine
        self.max_batch, self.max_wait = max_batch, max_wait
        self._written = float("-inf")

    def step(self) -> Taken:
        """Read one batch, take it in, and let the clock do what is due. Safe to repeat: a batch may come twice."""
        batch = self.source.read(self.max_batch, self.max_wait)
        events, rejected = parse_lines(batch.records)
        counts = Counter({str(reason): count for reason, count in rejected.items()})
        if batch.records or time.monotonic() - self._written > HEARTBEAT_SECONDS:
            with transaction.atomic():
                counts.update({str(reason): count for reason, count in self.engine.ingest(events).items()})
                last = max((event.time for event in events), default=None)
                self._write_checkpoint(batch.position, len(events), counts, last)
            self.source.commit(batch.position)
        self.engine.tick()
        if counts:
            log.info("%s: %d records, rejected %s", self.source.name, len(batch.records), dict(counts))
        return Taken(len(batch.records), len(events), counts)

    def run(self, stop: Event) -> None:
        """Follow the source until `stop` is set; the batch in hand is finished first."""
        while not stop.is_set():
            self.step()

    def catch_up(self, stop: Event) -> None:
        """Read what is there, and return when nothing more comes."""
        while not stop.is_set() and self.step().records:
            pass

    def _write_checkpoint(
        self, position: dict[str, object], events: int, rejected: Counter[str], last: int | None
    ) -> None:
        mark, _ = Checkpoint.objects.select_for_update().get_or_create(source=self.source.name)
        mark.position = position
        mark.events += events
        mark.rejected = dict(Counter(mark.rejected) + rejected)
        if last is not None:
            moment = from_microseconds(last)
            mark.last_event = max(mark.last_event, moment) if mark.last_event else moment
        mark.save()
        self._written = time.monotonic()
