"""Records from Redis Streams: one stream a shard, one consumer group, nothing acknowledged before it is stored."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from threading import Event
from typing import Any

from redis import AuthenticationError, RedisError, ResponseError

from engage_backend.clickstream.sources.base import Batch
from engage_backend.clickstream.stream_status import NOTHING, evicting_policy, left_over, look_at, version_of
from engage_backend.streams import GROUP, Stream, connect, entry_id, pairs

TIMEOUT = 5.0  # seconds for Redis to answer, beyond what it was asked to wait
LONGEST_BLOCK = 1.0  # seconds in one call of XREADGROUP
MOST_AT_ONCE = 10_000  # records in one call; more would keep Redis from its other work
LOOK_EVERY = 1.0  # seconds between two looks at what was lost, and two trims of what was stored
RETRY = 0.25  # seconds between two attempts to reach a Redis that is away
TELL_SECONDS = 2.0  # between two calls that say that we wait for Redis
# Seconds between the last look at which all was read and the end of a Redis that came back empty, or was replaced: below
# that, nothing is counted as lost. While a consumer reads, it looks every second; around its own restart it cannot.
LOSS_SECONDS = 5.0
RESTART_SECONDS = 60.0
MAX_GAPS_TIMED = 20  # of the latest gaps the position keeps the time
QUIET = 60.0  # seconds between two lines in the log about the same trouble
OLDEST = (6, 2)  # the version of Redis that brought XAUTOCLAIM
_BEGINNING = b"0-0"
_TROUBLE = (RedisError, OSError)

log = logging.getLogger(__name__)


class UnusableRedis(RuntimeError):
    """A Redis that this source must not, or cannot, read from; the text is one line for the operator."""


class RedisSource:
    """Reads the given shards (all of them by default) as one member of the consumer group.

    A position is `{ids: {shard: id of the last entry read}, batch, gaps, lost, server, place, seen}`: Redis keeps the place
    itself, the position lets a restarted consumer see what vanished meanwhile, and counts how often that happened. `lost` has
    `[number, from, to]` of the latest gaps (ISO 8601, UTC); `server` is the run id of the Redis at `place`, and `seen` the
    time (Unix seconds) at which nothing waited in it. What was read and not
    committed comes again, here after a lost connection and a restart, or at another consumer `claim_after` seconds
    later. Neither `read` nor `commit` raises because of Redis: they wait, try again, and say so in the log.
    """

    has_one_reader = False

    def __init__(
        self,
        stream: Stream,
        *,
        shards: Sequence[int] | None = None,
        position: dict[str, Any] | None = None,
        consumer: str | None = None,
        claim_after: float = 60.0,
        forget_after: float = 86_400.0,
    ) -> None:
        """`consumer` names this member; the same name after a restart gets its records back at once.

        A member that was not heard of for `forget_after` seconds and left nothing is struck off.
        """
        self.stream = stream
        self._shards = sorted(set(shards)) if shards is not None else list(range(stream.shards))
        self._all = shards is None
        self.name = source_name(stream, shards)
        self._name_held: socket.socket | None = None
        self.consumer = consumer or self._name_of_our_own()
        self.claim_after, self.forget_after = claim_after, forget_after
        position = position or {}
        self._ids: dict[str, str] = dict(position.get("ids", {}))
        self._gaps, self._lost_times = int(position.get("gaps", 0)), list(position.get("lost", []))
        self._server, self._place = str(position.get("server", "")), str(position.get("place", stream.place))
        self._seen: float | None = position.get("seen")
        self._was_connected = False  # by this process, which then sees when a Redis ends
        self._client: Any = None
        self._batch = int(position.get("batch", 0))
        self._handed: deque[tuple[int, list[tuple[int, bytes]]]] = deque()  # by batch: read, not yet committed
        self._done: list[tuple[int, bytes]] = []  # committed, not yet acknowledged
        self._own: dict[int, bytes] = {}  # shards whose records of an earlier life are still to come, and from where
        self._cut: dict[int, bytes] = {}  # where a loss was reported, so that it is reported once
        self._claim_from: dict[int, bytes] = {}  # where the search for what the dead have left goes on
        self._turn = 0
        self._looked = self._claimed = self._told = float("-inf")
        self._away_since: float | None = None
        self.unreachable_since: datetime | None = None

    def read(self, max_records: int, max_wait: float) -> Batch:
        """The next records: first those of an earlier life, then a dead member's, then new ones."""
        deadline = time.monotonic() + max_wait
        while True:
            found: list[tuple[int, bytes, bytes]] = []
            try:
                found = self._read(max_records, deadline - time.monotonic())
            except _TROUBLE as error:
                if str(error).startswith("NOGROUP"):  # the stream has vanished while we were reading
                    self._disconnect()
                else:
                    self._lost(error)
                _pause(min(RETRY, deadline - time.monotonic()))
            else:
                self._back()
            if found or time.monotonic() >= deadline:
                if found:
                    self._batch += 1
                    self._handed.append((self._batch, [(shard, entry) for shard, entry, _ in found]))
                return Batch([record for _, _, record in found], self._position())

    def commit(self, position: dict[str, Any]) -> None:
        """Acknowledge what was read up to `position`; when Redis is away, as soon as it is back."""
        while self._handed and self._handed[0][0] <= position.get("batch", 0):
            self._done += self._handed.popleft()[1]
        try:
            self._acknowledge()
        except _TROUBLE as error:
            self._lost(error)

    def close(self) -> None:
        """Let go of the connection. What is not committed goes to whoever asks next."""
        self._disconnect()
        if self._name_held is not None:
            self._name_held.close()
            self._name_held = None

    def _name_of_our_own(self) -> str:
        """Return a name in the group that no other process of this host has now, and that comes again after a restart.

        Two members of one name would be given each other's records. The name is held by a socket in Linux's abstract
        namespace, which ends with the process, however it ends. Elsewhere the name has the process id.
        """
        base = f"{socket.gethostname()}:{self.name}"
        if not sys.platform.startswith("linux"):
            return f"{base}:{os.getpid()}"
        for number in count(1):
            name = base if number == 1 else f"{base}:{number}"
            digest = sha256(f"{self.stream.url} {name}".encode()).hexdigest()
            held = socket.socket(socket.AF_UNIX)
            try:
                held.bind(f"\0engage-{digest}")
            except OSError as error:
                held.close()
                if error.errno != errno.EADDRINUSE:
                    return f"{base}:{os.getpid()}"
                continue
            self._name_held = held
            break
        return name

    # What is read, and in which order

    def _read(self, most: int, wait: float) -> list[tuple[int, bytes, bytes]]:
        client = self._connected()
        self._acknowledge()
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._look(client)
        most = max(1, min(most, MOST_AT_ONCE))
        found = self._of_an_earlier_life(client, most)
        if not found and time.monotonic() - self._claimed >= self.claim_after / 4:
            found = self._of_the_dead(client, most)
        return found or self._new(client, most, wait)

    def _of_an_earlier_life(self, client: Any, most: int) -> list[tuple[int, bytes, bytes]]:
        while self._own:
            shard, start = next(iter(self._own.items()))
            entries = self._read_group(client, [(shard, start)], most, 0.0)
            if not entries:
                del self._own[shard]
                continue
            self._own[shard] = entries[-1][1]
            if whole := self._whole(entries):
                return whole
        return []

    def _of_the_dead(self, client: Any, most: int) -> list[tuple[int, bytes, bytes]]:
        """What another member has read and not acknowledged for long: it is dead, or its work came to nothing."""
        found: list[tuple[int, bytes, bytes]] = []
        for shard in self._shards:
            limit = most - len(found)
            if limit <= 0:
                return found  # and claim on at once
            key, idle = self.stream.key(shard), int(self.claim_after * 1000)
            start = self._claim_from.get(shard, _BEGINNING)  # one call looks at a part of what is pending
            self._claim_from[shard], entries, *gone = client.execute_command(
                "XAUTOCLAIM", key, GROUP, self.consumer, idle, start, "COUNT", limit
            )
            if gone and gone[0]:
                self._thrown_away(shard, gone[0])
            found += self._whole([(shard, entry[0], entry[1]) for entry in entries if entry])
        if not found:
            if all(self._claim_from.get(shard) == _BEGINNING for shard in self._shards):
                self._claimed = time.monotonic()
        else:
            log.warning("%s: took over %d records that another consumer had left", self.name, len(found))
        return found

    def _new(self, client: Any, most: int, wait: float) -> list[tuple[int, bytes, bytes]]:
        """New entries of the shards, each in turn the first; some of the shards where fewer records are asked for."""
        self._turn += 1
        first = self._turn % len(self._shards)
        order = [*self._shards[first:], *self._shards[:first]][:most]
        each = max(1, most // len(order))
        entries = self._read_group(client, [(shard, b">") for shard in order], each, wait)
        counts = Counter(shard for shard, _, _ in entries)
        if len(order) == len(self._shards) and all(count < each for count in counts.values()):
            self._seen = time.time()
        for shard, entry, _ in entries:
            self._ids[str(shard)] = entry.decode()
        return self._whole(entries)

    def _read_group(
        self, client: Any, starts: Sequence[tuple[int, bytes]], each: int, wait: float
    ) -> list[tuple[int, bytes, Any]]:
        block = int(min(wait, LONGEST_BLOCK) * 1000)
        reply = client.execute_command(
            *("XREADGROUP", "GROUP", GROUP, self.consumer, "COUNT", each, *(["BLOCK", block] if block > 0 else [])),
            *("STREAMS", *(self.stream.key(shard) for shard, _ in starts), *(start for _, start in starts)),
        )
        shard_of = {self.stream.key(shard).encode(): shard for shard, _ in starts}
        return [(shard_of[key], entry, fields) for key, entries in reply or [] for entry, fields in entries]

    def _whole(self, entries: list[tuple[int, bytes, Any]]) -> list[tuple[int, bytes, bytes]]:
        """The entries with their records. One that was cut off while it was pending has none any more."""
        gone = [(shard, entry) for shard, entry, fields in entries if not fields]
        for shard in {shard for shard, _ in gone}:
            self._thrown_away(shard, [entry for of, entry in gone if of == shard])
        self._done += gone
        return [(shard, entry, fields[1]) for shard, entry, fields in entries if fields]

    def _acknowledge(self) -> None:
        """Tell Redis what was stored. Sent again when the answer is lost: it does no harm."""
        client = self._connected()
        while self._done:
            part = self._done[:1_000]
            pipe = client.pipeline(transaction=False)
            for shard in {shard for shard, _ in part}:
                pipe.execute_command("XACK", self.stream.key(shard), GROUP, *(e for s, e in part if s == shard))
            pipe.execute()
            del self._done[: len(part)]

    # What went missing

    def _look(self, client: Any) -> None:
        """See whether unread records are gone, and delete what was stored: it is of use to nobody any more."""
        trim = client.pipeline(transaction=False)
        for found in look_at(client, self.stream, self._shards):
            if not found.there:
                self._join(client)
                continue
            known = self._ids.get(str(found.shard), "0-0")
            if entry_id(found.read) < entry_id(known):
                what = "Redis has lost what came last, as after a restart from an older copy"
                # Lost is what came after that copy was made, until Redis restarted: some time before now.
                begin = _seconds(found.read) or min(_seconds(found.first) or _seconds(known), _seconds(known))
                self._gap(found.shard, what, begin, time.time())
                self._ids[str(found.shard)] = found.read.decode()
            if found.cut and self._cut.get(found.shard) != found.read:
                self._cut[found.shard] = found.read
                what = "the stream was cut before it was read: no consumer, or MAXLEN too small"
                # Of a stream that was cut until it was empty, only the last id is left to say when.
                first = found.first if found.first != NOTHING else self._last_id(client, found.shard)
                self._gap(found.shard, what, _seconds(found.read), _seconds(first))
            trim.execute_command("XTRIM", self.stream.key(found.shard), "MINID", "~", found.floor)
        trim.execute()
        self._looked = time.monotonic()

    def _last_id(self, client: Any, shard: int) -> bytes:
        """Return the id of the last record that was ever added to a stream, also when it is not there any more."""
        found: bytes = pairs(client.execute_command("XINFO STREAM", self.stream.key(shard)))["last-generated-id"]
        return found

    def _join(self, client: Any) -> None:
        """Make sure that every stream has our group; one that was there and is gone is a gap, if records may be in it."""
        server = client.info("server")
        for shard in self._shards:
            # Asked first: a Redis that is full refuses to create a group before it looks whether there is one.
            if self._has_group(client, shard):
                self._ids.setdefault(str(shard), "0-0")
                continue
            self._create_group(client, shard)
            if str(shard) in self._ids:
                self._vanished(server, shard)
            self._ids[str(shard)] = "0-0"
        self._server, self._place = str(server["run_id"]), self.stream.place
        self._was_connected = True

    def _has_group(self, client: Any, shard: int) -> bool:
        try:
            groups = client.execute_command("XINFO GROUPS", self.stream.key(shard))
        except ResponseError as error:
            if "no such key" in str(error):
                return False
            raise
        return any(pairs(group)["name"] == GROUP.encode() for group in groups)

    def _create_group(self, client: Any, shard: int) -> None:
        """Create our group, and the stream. Where Redis is full, half of the stream gives way: a gap, but reading goes on."""
        key = self.stream.key(shard)
        while True:
            try:
                client.execute_command("XGROUP", "CREATE", key, GROUP, "0", "MKSTREAM")
            except ResponseError as error:
                if str(error).startswith("BUSYGROUP"):  # another consumer was faster
                    return
                length = client.execute_command("XLEN", key) if "maxmemory" in str(error) else 0
                if not length:
                    raise
                before = client.execute_command("XRANGE", key, "-", "+", "COUNT", 1)
                client.execute_command("XTRIM", key, "MAXLEN", length // 2)
                after = client.execute_command("XRANGE", key, "-", "+", "COUNT", 1) or before
                what = f"Redis is full, and {length - length // 2} unread records were thrown away to go on"
                self._gap(shard, what, _seconds(before[0][0]), _seconds(after[0][0]))
            else:
                return

    def _vanished(self, server: dict[str, Any], shard: int) -> None:
        """Count a gap, unless Redis restarted empty, or was replaced, when all that it held was read."""
        now = time.time()
        begin = self._seen or _seconds(self._ids[str(shard)]) or now
        if str(server["run_id"]) == self._server:
            self._gap(shard, "the stream or its group has vanished: does this Redis evict?", begin, now)
            return
        if self._was_connected:
            end = self.unreachable_since.timestamp() if self.unreachable_since else now
            tolerated = LOSS_SECONDS
        elif self._place != self.stream.place:
            end, tolerated = now, RESTART_SECONDS
        else:
            end, tolerated = now - float(server["uptime_in_seconds"]), RESTART_SECONDS
        if self._seen is None or end - self._seen > tolerated:
            self._gap(shard, "Redis has restarted without its data, or is another one", begin, max(begin, end))
        else:
            log.warning(
                "%s shard %d: Redis at %s is empty: it restarted without its data, or is another one. All that it held"
                " was read %.0f s before; nothing is counted as lost",
                self.name, shard, self.stream.place, max(0.0, end - self._seen),
            )  # fmt: skip

    def _thrown_away(self, shard: int, entries: Sequence[bytes]) -> None:
        times = [_seconds(entry) for entry in entries]
        self._gap(shard, f"{len(times)} records were thrown away before they were stored", min(times), max(times))

    def _gap(self, shard: int, what: str, begin: float, end: float) -> None:
        """Count a gap: records that came from `begin` to `end` (Unix seconds) may be missing.

        An `end` before `begin`, as where the clock of Redis was set back, is not believed: then it is now.
        """
        self._gaps += 1
        end = end if end >= begin else max(begin, time.time())
        window = [datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for at in (begin, end)]
        self._lost_times = [*self._lost_times, [self._gaps, *window]][-MAX_GAPS_TIMED:]
        log.error(
            "%s shard %d: gap from %s to %s: %s. engage_backfill with the tracking log closes it", self.name, shard,
            *window, what,
        )  # fmt: skip

    def _position(self) -> dict[str, Any]:
        return {
            "ids": dict(self._ids),
            "batch": self._batch,
            "gaps": self._gaps,
            "lost": self._lost_times,
            "server": self._server,
            "place": self._place,
            "seen": self._seen,
        }

    # The connection

    def _connected(self) -> Any:
        """The client. A new one is told our group, and asked for what this member had read and not acknowledged."""
        if self._client is None:
            client: Any = connect(self.stream.url, timeout=TIMEOUT, connect_timeout=1.0)
            if self._all:
                self._shards = [*range(self.stream.shards), *left_over(client, self.stream)]
            self._join(client)
            self._strike_off(client)
            self._own = dict.fromkeys(self._shards, b"0-0")
            self._looked = float("-inf")
            self._client = client
        return self._client

    def _strike_off(self, client: Any) -> None:
        """Take members off the group that have long gone and left nothing: in a container each has a new name."""
        for shard in self._shards:
            key = self.stream.key(shard)
            for member in map(pairs, client.execute_command("XINFO CONSUMERS", key, GROUP)):
                if not member["pending"] and member["idle"] > self.forget_after * 1000:
                    client.execute_command("XGROUP", "DELCONSUMER", key, GROUP, member["name"])

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client.connection_pool.disconnect()
            self._client = None

    def _lost(self, error: Exception) -> None:
        self._disconnect()
        now = time.monotonic()
        if self._away_since is None:
            self._away_since, self.unreachable_since = now, datetime.now(UTC)
        if now - self._told >= QUIET:
            self._told = now
            log.warning("Redis at %s: %s; trying again", self.stream.place, error)

    def _back(self) -> None:
        if self._away_since is not None:
            log.warning("Redis at %s: back after %.0f s", self.stream.place, time.monotonic() - self._away_since)
            self._away_since, self.unreachable_since, self._told = None, None, float("-inf")


def _seconds(entry: bytes | str) -> float:
    """Return when an entry came, by its id: Unix seconds on the clock of Redis."""
    return entry_id(entry)[0] / 1000


def source_name(stream: Stream, shards: Sequence[int] | None) -> str:
    """What the checkpoint of a consumer of these shards is called; None: of all."""
    some = "" if shards is None else ":" + ",".join(map(str, sorted(set(shards))))
    return f"redis:{stream.prefix}{some}"


def prepare(
    stream: Stream,
    *,
    allow_eviction: bool = False,
    stop: Event | None = None,
    waiting: Callable[[datetime], None] | None = None,
) -> None:
    """Wait until Redis answers, or `stop` is set; raise `UnusableRedis` where its records could vanish unseen.

    `waiting` is called at the first failed try and every two seconds from then on, with the time of the first one.
    """
    told, began, called = False, datetime.now(UTC), float("-inf")
    while stop is None or not stop.is_set():
        try:
            client: Any = connect(stream.url, timeout=TIMEOUT, connect_timeout=1.0)
            version, policy = version_of(client), evicting_policy(client)
        except (AuthenticationError, ValueError) as error:
            raise UnusableRedis(f"Redis at {stream.place}: {error}") from error
        except _TROUBLE as error:
            if not told:
                log.warning("Redis at %s: %s; waiting for it", stream.place, error)
            told = True
            if waiting is not None and time.monotonic() - called >= TELL_SECONDS:
                waiting(began)
                called = time.monotonic()
            _pause(RETRY, stop)
            continue
        client.close()
        if version < OLDEST:
            raise UnusableRedis(f"Redis at {stream.place} is {version[0]}.{version[1]}; Engage needs 6.2 or newer")
        if policy and not allow_eviction:
            raise UnusableRedis(
                f"Redis at {stream.place} has maxmemory-policy {policy} and may throw the stream away: use one with "
                "noeviction, or start with --allow-eviction"
            )
        return


def _pause(seconds: float, stop: Event | None = None) -> None:
    (stop or Event()).wait(max(0.0, seconds))
