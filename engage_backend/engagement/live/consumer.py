"""The consumer: reads a source, feeds the engine, and keeps the position in the transaction of what was taken in."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Any, NamedTuple, TypeVar

from django.db import transaction

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import latest, parse_lines
from engage_backend.clickstream.quarantine import BROKEN, Quarantine
from engage_backend.clickstream.sources.base import MAX_BATCH, Batch, Source
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.lease import instance_in_words, instance_name
from engage_backend.engagement.live.registry import RegistryBroken
from engage_backend.engagement.live.retry import lacks_tables, repeated, where_it_failed
from engage_backend.models import Checkpoint
from engage_backend.platform.moments import from_microseconds

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0  # how often the checkpoint says that the consumer lives, also when there is nothing to read
PASS_SECONDS = 0.2  # of the daily pass between two batches
REST_SECONDS = 60.0  # for which a chore that failed is left alone
RATE_SECONDS = 60.0  # what the rate is taken over
OTHER_SECONDS = 30.0  # for which another consumer counts as there that was seen to write our checkpoint
TELL_SECONDS = 60.0  # between two warnings about it
_Result = TypeVar("_Result")


class AnotherReader(RuntimeError):
    """Another process reads the same source: each record would be counted twice."""


class Taken(NamedTuple):
    """What came of one batch."""

    records: int
    events: int
    rejected: Counter[str]
    seconds: float = 0.0  # from having read the records to having stored what they made of the predictions
    last: int | None = None  # time of the youngest event, microseconds since 1970
    other: str = ""  # the consumer that was lately seen to read the same source: host/process/random part


class Consumer:
    """One source, followed until told to stop."""

    def __init__(
        self,
        source: Source,
        engine: Engine,
        *,
        max_batch: int = MAX_BATCH,
        max_wait: float = 0.2,
        quarantine: Quarantine | None = None,
        watch: Callable[[Taken], None] | None = None,
        chores: Sequence[Callable[[], None]] = (),
        pause: Callable[[float], None] = time.sleep,
        position: dict[str, Any] | None = None,
    ) -> None:
        """`watch` is told of every batch; `pause` waits before a batch that the database failed is repeated.

        `position`: the one that was stored when the source was opened, {} if none was; None: ask at the first step. Of a
        source that one process is to read alone, `step` raises AnotherReader where another one was stored since, or where
        another consumer has written the checkpoint since this one did. Of other sources that is said, and goes on.

        `chores` are called after every batch, and look by themselves whether something is due; they have to be repeatable.
        """
        self.source, self.engine = source, engine
        self.max_batch, self.max_wait = max_batch, max_wait
        self.quarantine, self.watch, self.chores, self.pause = quarantine, watch, chores, pause
        self._stored = position
        self.instance = instance_name()
        self._other, self._other_seen, self._told = "", float("-inf"), float("-inf")
        self._stop = Event()
        self._resting: dict[Callable[[], None], float] = {}  # chore that failed -> until when (monotonic)
        self._written = float("-inf")
        self._began = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()  # (when, events) of the last minute

    def step(self) -> Taken:
        """Read one batch, take it in, and let the clock do what is due. Safe to repeat: a batch may come twice."""
        batch = self.source.read(self.max_batch, self.max_wait)
        began = time.monotonic()
        until = latest(self._repeated(self.engine.platform.now)) if batch.records else None
        events, rejected = parse_lines(batch.records, until=until)
        counts = Counter({str(reason): count for reason, count in rejected.items()})
        last = max((event.time for event in events), default=None)
        if batch.records or began - self._written > HEARTBEAT_SECONDS:
            rate = self._rate(len(events))
            try:
                counts += self._repeated(lambda: self._take_in(batch, events, counts, last, rate))
            except AnotherReader:
                mark = Checkpoint.objects.filter(source=self.source.name)
                mark.update(other_reader=self.instance, other_seen=datetime.now(UTC))  # for `engage_status`
                raise
            refused = self.engine.refused()
            if self.quarantine is not None and (refused or not BROKEN.isdisjoint(rejected)):
                self.quarantine.keep(self.source.name, batch.records, batch.position, refused, until=until)
            self._stored = batch.position
            self.source.commit(batch.position)
            self._written = time.monotonic()
            self._tell_of_another()
        other = self._other if time.monotonic() - self._other_seen <= OTHER_SECONDS else ""
        taken = Taken(len(batch.records), len(events), counts, time.monotonic() - began, last, other)
        for chore in (self._tick, *self.chores):
            self._do(chore)
        if counts:
            fields = {"source": self.source.name, "records": taken.records, "events": taken.events}
            fields |= {"rejected": dict(counts), "seconds": round(taken.seconds, 3)}
            log.info(
                "%s: %d records, rejected %s", self.source.name, taken.records, dict(counts), extra={"fields": fields}
            )
        if self.watch is not None:
            self.watch(taken)
        return taken

    def run(self, stop: Event) -> None:
        """Follow the source until `stop` is set; the batch in hand is finished first."""
        self._stop = stop
        while not stop.is_set():
            self.step()
        self._settle()

    def catch_up(self, stop: Event) -> None:
        """Read what is there, and return when nothing more comes."""
        self._stop = stop
        while not stop.is_set() and self.step().records:
            pass
        if not stop.is_set():
            self._repeated(self.engine.tick)
        self._settle()

    def _repeated(self, work: Callable[[], _Result]) -> _Result:
        return repeated(work, undone=self.engine.forget, pause=self.pause, waits=True, stopped=self._stop.is_set)

    def _tick(self) -> None:
        self.engine.tick(seconds=PASS_SECONDS)

    def _do(self, chore: Callable[[], None]) -> None:
        """Do a chore. One that fails is left alone for a while: records are taken in whatever becomes of it."""
        if self._resting.get(chore, float("-inf")) > time.monotonic():
            return
        try:
            self._repeated(chore)
        except Exception as error:
            if isinstance(error, RegistryBroken) or lacks_tables(error):
                raise
            self._resting[chore] = time.monotonic() + REST_SECONDS
            log.error("the clock: %s; tried again in %.0f s", where_it_failed(error), REST_SECONDS)

    def _take_in(
        self, batch: Batch, events: Sequence[ClickEvent], rejected: Counter[str], last: int | None, rate: float
    ) -> Counter[str]:
        """Events and checkpoint in one transaction; counts what was not taken in, by reason."""
        asked = self.engine.read_rosters(events)
        with transaction.atomic():
            unplaced = Counter(
                {str(reason): count for reason, count in self.engine.ingest(events, asked=asked).items()}
            )
            mark, _ = Checkpoint.objects.select_for_update().get_or_create(source=self.source.name)
            # Where the answer to a commit was lost the batch comes again, and is not counted twice.
            came_again = bool(batch.records and batch.position) and mark.position == batch.position
            if self._stored is None:
                self._stored = mark.position
            # Whoever wrote after us runs; a consumer that was killed, or ended, wrote before us.
            other = mark.reader if self._written > float("-inf") and mark.reader != self.instance else ""
            if self.source.has_one_reader and (other or (not came_again and mark.position != self._stored)):
                raise AnotherReader(
                    f"{self.source.name}: another engage_consume reads it, too ({instance_in_words(mark.reader)}), and has"
                    f" stored how far it is. Let one run. Nothing is lost; this one ({instance_in_words(self.instance)}) has"
                    " stopped so that nothing is counted twice"
                )
            if other:
                self._other, self._other_seen = other, time.monotonic()
                mark.other_reader, mark.other_seen = other, datetime.now(UTC)
            mark.reader = self.instance
            if not came_again:
                mark.position = batch.position
                mark.events += len(events)
                mark.rejected = dict(Counter(mark.rejected) + rejected + unplaced)
            mark.rate = rate
            mark.unreachable_since = self.source.unreachable_since
            if last is not None:
                moment = from_microseconds(last)
                mark.last_event = max(mark.last_event, moment) if mark.last_event else moment
            mark.save()
        return unplaced

    def _tell_of_another(self) -> None:
        now = time.monotonic()
        if self._other_seen > self._told and now - self._told > TELL_SECONDS:
            self._told = now
            log.warning(
                "%s: another engage_consume (%s) reads it beside this one (%s). Nothing is lost, but both write one"
                " checkpoint, so that gaps and counts cannot be trusted. Stop one, or give each its own --shards",
                self.source.name,
                instance_in_words(self._other),
                instance_in_words(self.instance),
            )

    def _settle(self) -> None:
        """Decide what waits for a roster, before the process ends."""

        def decide() -> None:
            with transaction.atomic():
                unplaced = Counter({str(reason): count for reason, count in self.engine.settle().items()})
                mark, _ = Checkpoint.objects.select_for_update().get_or_create(source=self.source.name)
                mark.rejected = dict(Counter(mark.rejected) + unplaced)
                mark.save()

        if self.engine.waiting:
            self._repeated(decide)
            if (refused := self.engine.refused()) and self.quarantine is not None:
                self.quarantine.keep(self.source.name, [], {}, refused)

    def _rate(self, events: int) -> float:
        """Events a second over the last minute, these among them."""
        now = time.monotonic()
        if events:
            self._recent.append((now, events))
        while self._recent and now - self._recent[0][0] > RATE_SECONDS:
            self._recent.popleft()
        return sum(count for _, count in self._recent) / max(1.0, min(RATE_SECONDS, now - self._began))
