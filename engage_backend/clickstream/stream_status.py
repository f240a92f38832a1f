"""What can be seen in Redis of the streams: how much waits, for how long, what was lost, and what the taps counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engage_backend.streams import GROUP, MOST_SHARDS, Stream, connect, entry_id, pairs

NOTHING = b"0-0"


@dataclass(frozen=True)
class Shard:
    """One stream, as the consumer group sees it. Nothing is `there` before its first consumer."""

    shard: int
    there: bool = False
    length: int = 0  # records in it, stored ones that are not trimmed yet among them
    waiting: int = 0  # records that nobody has read; before Redis 7 at most so many
    pending: int = 0  # records that were read and are not known to be stored
    seconds: float = 0.0  # since the oldest of both came
    read: bytes = NOTHING  # id of the last record that was read
    floor: bytes = NOTHING  # all before this id is stored
    first: bytes = NOTHING  # id of the oldest record in it
    cut: bool = False  # records were thrown away that nobody had read


@dataclass(frozen=True)
class StreamStatus:
    """Everything of one site."""

    shards: list[Shard]
    taps: dict[str, dict[str, int]] = field(default_factory=dict)  # by host: "sent", "dropped: ...", "updated" (Unix s)
    policy: str = ""  # the maxmemory-policy of Redis where that may throw streams away

    @property
    def waiting(self) -> int:
        """Records that are not known to be stored."""
        return sum(found.waiting + found.pending for found in self.shards)

    @property
    def seconds(self) -> float:
        """Since the oldest of them came."""
        return max((found.seconds for found in self.shards), default=0.0)

    @property
    def dropped_by_host(self) -> dict[str, int]:
        """Records that the taps of each host dropped, in the last thirty days or more."""
        return {
            host: sum(number for name, number in tap.items() if name.startswith("dropped: "))
            for host, tap in self.taps.items()
        }

    @property
    def dropped(self) -> int:
        """Records that all taps dropped."""
        return sum(self.dropped_by_host.values())


def stream_status(stream: Stream) -> StreamStatus:
    """Ask Redis. Raises redis.RedisError where it does not answer."""
    client: Any = connect(stream.url, timeout=2.0, connect_timeout=1.0)
    try:
        shards = [*range(stream.shards), *left_over(client, stream)]
        return StreamStatus(look_at(client, stream, shards), taps(client, stream), evicting_policy(client))
    finally:
        client.close()


def look_at(client: Any, stream: Stream, shards: Sequence[int]) -> list[Shard]:
    """Return the shards' numbers.

    No transaction: a Redis that is full refuses all commands in one. The order of the commands keeps records that are
    added, read and trimmed between two of them from looking like a loss.
    """
    found = []
    for shard in shards:
        pipe = client.pipeline(transaction=False)
        key = stream.key(shard)
        pipe.execute_command("XRANGE", key, "-", "+", "COUNT", 1)
        pipe.execute_command("XINFO GROUPS", key)
        pipe.execute_command("XPENDING", key, GROUP)
        pipe.execute_command("XLEN", key)
        pipe.time()
        first, groups, pending, length, (now, _) = pipe.execute(raise_on_error=False)
        ours = [] if isinstance(groups, Exception) else [pairs(group) for group in groups]
        ours = [group for group in ours if group["name"] == GROUP.encode()]
        if not ours or isinstance(pending, Exception):
            found.append(Shard(shard))
            continue
        read = ours[0]["last-delivered-id"]
        oldest = pending[1] if pending[0] else None
        lag = ours[0].get("lag")
        # Our trimming leaves the last record that was read. Where it is missing MAXLEN has cut, and perhaps what was unread:
        # Redis 7 counts what was added and not read, which is then more than there is. Where that is unknown: assume so.
        cut = (
            read != NOTHING and (not first or entry_id(first[0][0]) > entry_id(read)) and (lag is None or lag > length)
        )
        unread = client.execute_command("XRANGE", key, b"(" + read, "+", "COUNT", 1)
        waiting = lag
        if not unread:
            waiting = 0
        elif waiting is None or waiting > length:  # an older Redis does not count; a newer one counts what was cut off
            waiting = length
        since = [entry_id(entry)[0] for entry in (oldest, unread[0][0] if unread else None) if entry]
        found.append(
            Shard(
                shard=shard,
                there=True,
                length=length,
                waiting=waiting,
                pending=pending[0],
                seconds=max(0.0, now - min(since) / 1000) if since else 0.0,
                read=read,
                floor=min((read, oldest), key=entry_id) if oldest else read,
                first=first[0][0] if first else NOTHING,
                cut=cut,
            )
        )
    return found


def left_over(client: Any, stream: Stream) -> list[int]:
    """Shards of a time when there were more of them, which still hold records."""
    pipe = client.pipeline(transaction=False)
    numbers = range(stream.shards, MOST_SHARDS)
    for shard in numbers:
        pipe.execute_command("EXISTS", stream.key(shard))
    return [shard for shard, there in zip(numbers, pipe.execute(), strict=True) if there]


def taps(client: Any, stream: Stream) -> dict[str, dict[str, int]]:
    """What the taps of each host have counted since the host was first seen, if it was within thirty days."""
    hosts = [host.decode() for host in client.execute_command("ZRANGE", stream.hosts_key, 0, -1)]
    counted = {host: client.hgetall(stream.host_key(host)) for host in hosts}
    return {host: {name.decode(): int(value) for name, value in counts.items()} for host, counts in counted.items()}


def evicting_policy(client: Any) -> str:
    """The policy by which this Redis may throw a stream away; empty where it may not.

    Streams have no expiry, so that the `volatile-...` policies never take them.
    """
    memory = client.info("memory")
    policy = str(memory.get("maxmemory_policy", ""))
    return policy if policy.startswith("allkeys-") and int(memory.get("maxmemory", 0)) > 0 else ""


def version_of(client: Any) -> tuple[int, int]:
    """The server's version: (major, minor)."""
    major, minor = str(client.info("server")["redis_version"]).split(".")[:2]
    return int(major), int(minor)
