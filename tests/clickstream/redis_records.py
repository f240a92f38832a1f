"""Numbered records in a Redis stream, and what a source makes of them."""

from __future__ import annotations

from engage_backend.clickstream.sources.base import Batch
from engage_backend.clickstream.sources.redis_stream import RedisSource
from engage_backend.streams import Stream
from tests.services import RedisServer, until


def add(server: RedisServer, stream: Stream, numbers: range, *, shard: int | None = None) -> None:
    """One record for each number, all in one shard or in each in turn."""
    with server.client() as client:
        pipe = client.pipeline(transaction=False)
        for number in numbers:
            pipe.xadd(stream.key(number % stream.shards if shard is None else shard), {"r": str(number)})
        pipe.execute()


def pending(server: RedisServer, stream: Stream) -> int:
    with server.client() as client:
        return int(client.xpending(stream.key(0), "engage")["pending"])


def numbers(batch: Batch) -> list[int]:
    return sorted(int(record) for record in batch.records)


def all_of(source: RedisSource, *, most: int = 1000) -> list[int]:
    """Everything that is there, committed batch by batch."""
    found: list[int] = []
    while (batch := source.read(most, 0.0)).records:
        found += numbers(batch)
        source.commit(batch.position)
    return sorted(found)


def next_of(source: RedisSource, *, most: int = 100) -> Batch:
    """The next batch with anything in it, however often that has to be asked for."""

    def asked() -> Batch | None:
        batch = source.read(most, 0.1)
        return batch if batch.records else None

    found = until(asked)
    assert found is not None
    return found


def idle(server: RedisServer, stream: Stream) -> list[int]:
    """Milliseconds since each member was last heard of."""
    with server.client() as client:
        return [int(member["idle"]) for member in client.xinfo_consumers(stream.key(0), "engage")]
