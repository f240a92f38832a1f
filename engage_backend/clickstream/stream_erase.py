"""Taking people out of the streams in Redis: the records that no consumer has read yet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from engage_backend.clickstream.stream_status import left_over
from engage_backend.clickstream.whose import users_in
from engage_backend.streams import GROUP, Stream, connect, pairs, shard_of

_PAGE = 2_000  # entries in one call


def erase(stream: Stream, users: Collection[int]) -> int:
    """Delete the unread records that name one of these LMS user ids; how many. Raises redis.RedisError, OSError.

    What a consumer has read is being stored, or dropped, and leaves the stream by itself: deleting it as well would look like
    a loss to the consumer. Reads the shards these people belong to, and those of a time with another number of shards.
    """
    client: Any = connect(stream.url, timeout=5.0, connect_timeout=1.0)
    try:
        others = left_over(client, stream)
        shards = {shard_of(user, stream.shards) for user in users} if not others else {*range(stream.shards), *others}
        return sum(_erase(client, stream.key(shard), users) for shard in sorted(shards))
    finally:
        client.close()


def _erase(client: Any, key: str, users: Collection[int]) -> int:
    wanted, erased = set(users), 0
    after = _read_up_to(client, key)
    while entries := client.execute_command("XRANGE", key, b"(" + after, "+", "COUNT", _PAGE):
        after = entries[-1][0]
        found = [entry for entry, fields in entries if not wanted.isdisjoint(users_in(fields[1]))]
        if found:
            erased += client.execute_command("XDEL", key, *found)
    return erased


def _read_up_to(client: Any, key: str) -> bytes:
    """Id of the last entry that our group was given; that before all where there is no such stream or group."""
    if not client.exists(key):
        return b"0-0"
    groups = map(pairs, client.execute_command("XINFO GROUPS", key))
    return next((bytes(group["last-delivered-id"]) for group in groups if group["name"] == GROUP.encode()), b"0-0")
