"""The thread that carries records from one process of the LMS to Redis, and the bounded queue before it."""

from __future__ import annotations

import atexit
import codecs
import importlib
import logging
import os
import socket
import threading
import time
from collections import Counter, deque
from typing import Any

from engage_backend.streams import FIELD, Stream, connect

LIMIT = 10_000  # records that wait in one process, at most: some megabytes
BATCH = 100  # records in one pipeline; more would hold the interpreter's lock for longer than a request should feel
TIMEOUT = 0.1  # seconds for Redis to answer, and to be connected to
LINGER = 0.02  # seconds in which records gather between two batches
PARK = 5.0  # seconds without a record after which the thread waits to be woken: waking costs the request as much as all else
PAUSE = 0.5  # seconds between two attempts while Redis is away,
PAUSE_AT_EXIT = 0.05  # and while the process waits to end
COUNT_EVERY = 1.0  # seconds between two reports of what was sent and dropped
QUIET = 60.0  # seconds between two lines in the log
AT_EXIT = 1.0  # seconds that a process waits for its last records to go
COUNTS_LIVE = 30 * 86_400  # seconds that a host's counts are kept after its last report
_PASSING = {"ConnectionError", "TimeoutError", "ReadOnlyError", "OutOfMemoryError", "TryAgainError", "ClusterDownError"}
_MAY_PASS = ("OOM", "MISCONF", "BUSY", "NOREPLICAS", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")

log = logging.getLogger(__name__)


class Sender:
    """One process's way to Redis. `put` costs a microsecond, waits for nothing and starts the thread when needed.

    A record is kept until Redis has answered for it, so it may come twice; it is dropped, and counted by reason, when
    the queue is full or Redis refuses it for good.
    """

    def __init__(self, stream: Stream, *, limit: int = LIMIT) -> None:
        # All that the thread needs is loaded here: what a process is importing while it forks stays half imported in
        # its children, for ever. Looking up an address asks for the codec; redis-py reads its own version as a mail.
        codecs.lookup("idna")
        importlib.import_module("email.parser")
        self._client: Any = connect(stream.url, timeout=TIMEOUT, connect_timeout=TIMEOUT)
        self.stream, self.limit = stream, limit
        self.sent = 0
        self.dropped: Counter[str] = Counter()  # by reason, since the process started
        self._queue: deque[tuple[str, bytes]] = deque()
        self._batch: list[tuple[str, bytes]] = []  # taken from the queue, not yet answered for
        self._keys = [stream.key(shard) for shard in range(stream.shards)]
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._awake, self._stop = threading.Event(), threading.Event()  # the first is down while the thread is parked
        self._awake.set()
        self._thread: threading.Thread | None = None
        self._counted: Counter[str] = Counter()  # what Redis knows of our counts
        self._counted_at = self._told_at = float("-inf")
        self._away_since: float | None = None
        self._give_up_at = float("inf")

    def put(self, shard: int, record: bytes) -> None:
        """Hand a record over; raises RuntimeError where the system has no thread left."""
        if len(self._queue) >= self.limit:
            self.drop("queue full")
        else:
            self._queue.append((self._keys[shard], record))
        if not self._awake.is_set():
            self._awake.set()
        if self._thread is None:
            self._start()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count records that will not arrive."""
        with self._lock:
            self.dropped[reason] += count

    def close(self, timeout: float = AT_EXIT) -> bool:
        """Send what waits, for at most `timeout` seconds, and end the thread; True when nothing is left."""
        atexit.unregister(self._at_exit)
        self._give_up_at = time.monotonic() + timeout
        self._stop.set()
        self._awake.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(timeout)
        return not self._queue and not self._batch

    def _at_exit(self) -> None:
        if self._pid != os.getpid():  # a child that was forked and never sent anything itself
            return
        if not self.close():
            log.warning("the process ended with %d records unsent", len(self._queue) + len(self._batch))

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="engage-tap", daemon=True)
                thread.start()
                self._thread = thread
                atexit.register(self._at_exit)

    def _run(self) -> None:
        busy_at = time.monotonic()
        while True:
            if self._queue or self._batch:
                busy_at = time.monotonic()
            elif time.monotonic() - busy_at >= PARK:
                self._park()
            try:
                self._send_what_waits()
            except Exception as error:  # whatever Redis, the network or their library come up with
                self._away(error)
                if time.monotonic() >= self._give_up_at:
                    return
                if self._stop.wait(PAUSE):
                    time.sleep(PAUSE_AT_EXIT)  # nothing else is left to wait for
                continue
            if self._stop.is_set() and not self._queue:
                return
            self._stop.wait(LINGER)

    def _park(self) -> None:
        self._awake.clear()
        if not self._queue and not self._stop.is_set():  # neither came before the flag was down
            self._awake.wait(None if self._all_counted() else COUNT_EVERY)
        self._awake.set()

    def _send_what_waits(self) -> None:
        while self._queue or self._batch or not self._all_counted():
            while self._queue and len(self._batch) < BATCH:
                self._batch.append(self._queue.popleft())
            now = time.monotonic()
            count = now - self._counted_at >= COUNT_EVERY or self._stop.is_set()
            if not self._batch and not count:
                return
            self._send(count)
            self._back()

    def _send(self, count: bool) -> None:
        """One pipeline. Raises where Redis did not take everything; what it may take later stays in the batch."""
        length = max(1, self.stream.maxlen // self.stream.shards)
        pipe: Any = self._client.pipeline(transaction=False)
        for key, record in self._batch:
            pipe.execute_command("XADD", key, "MAXLEN", "~", length, "*", FIELD, record)
        report = self._report(pipe) if count else None
        answers = pipe.execute(raise_on_error=False)
        again: list[tuple[str, bytes]] = []
        trouble: Exception | None = None
        for item, answer in zip(self._batch, answers, strict=False):
            if not isinstance(answer, Exception):
                self.sent += 1
                continue
            trouble = answer
            if _may_pass(answer):
                again.append(item)
            else:
                self.drop("refused by Redis")
        self._batch = again
        failed = next((answer for answer in answers if isinstance(answer, Exception)), None)
        if report is not None and failed is None:
            self._counted, self._counted_at = report, time.monotonic()
        if again:
            assert trouble is not None
            raise trouble
        if failed is not None:
            if self._stop.is_set():
                raise failed
            self._tell("Redis at %s refused records: %s", self.stream.place, failed)
            self._counted_at = time.monotonic()

    def _report(self, pipe: Any) -> Counter[str]:
        """Add what was counted since the last report to this host's hash. An answer that is lost adds it twice."""
        counts = self._counts()
        key = self.stream.host_key(self._host)
        now = int(time.time())
        for name, number in counts.items():
            if more := number - self._counted[name]:
                pipe.execute_command("HINCRBY", key, name, more)
        pipe.execute_command("HSET", key, "updated", now)
        pipe.execute_command("EXPIRE", key, COUNTS_LIVE)
        pipe.execute_command("ZADD", self.stream.hosts_key, now, self._host)
        pipe.execute_command("ZREMRANGEBYSCORE", self.stream.hosts_key, "-inf", now - COUNTS_LIVE)
        return counts

    def _counts(self) -> Counter[str]:
        with self._lock:
            return Counter({"sent": self.sent, **{f"dropped: {why}": number for why, number in self.dropped.items()}})

    def _all_counted(self) -> bool:
        return self._counts() == self._counted

    def _away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
        # The answers of a pipeline that was given up would be taken for those of the next.
        self._client.connection_pool.disconnect()
        self._tell(
            "no records to Redis at %s for %.0f s: %s. %d records wait, %d dropped since this process started",
            self.stream.place,
            time.monotonic() - self._away_since,
            str(error) or type(error).__name__,
            len(self._queue) + len(self._batch),
            self.dropped.total(),
        )

    def _back(self) -> None:
        if self._away_since is not None:
            away, self._away_since = time.monotonic() - self._away_since, None
            self._told_at = float("-inf")
            self._tell(
                "Redis at %s takes records again after %.0f s; %d records dropped since this process started%s",
                self.stream.place,
                away,
                self.dropped.total(),
                ": engage_backfill with the tracking log brings them back" if self.dropped else "",
            )
            self._told_at = float("-inf")

    def _tell(self, message: str, *values: object) -> None:
        if time.monotonic() - self._told_at >= QUIET:
            self._told_at = time.monotonic()
            log.warning(message, *values)


def _may_pass(error: Exception) -> bool:
    """Whether Redis may take the same record a little later: it is loading, full for now, or handing over."""
    # redis-py cuts the code off where it has a class for it, and versions differ in which they have.
    names = {found.__name__ for found in type(error).__mro__}
    return not names.isdisjoint(_PASSING) or str(error).startswith(_MAY_PASS)
