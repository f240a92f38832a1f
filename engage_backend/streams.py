"""The streams in Redis between the LMS and the consumers: what they are called, who belongs to which, how to connect.

One stream a shard, one entry a record. Whoever writes and whoever reads have this module in common and nothing else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis import Redis

GROUP = "engage"  # the one consumer group; what it has read and stored is deleted from the streams
FIELD = b"r"  # of an entry: one record, JSON
MOST_SHARDS = 64


@dataclass(frozen=True)
class Stream:
    """Where the records go; the settings of `ENGAGE["STREAM"]`."""

    url: str
    prefix: str = "lms"  # tells the sites apart that share a Redis
    shards: int = 1
    maxlen: int = 1_000_000  # records kept in all the shards together, about; older ones give way

    def key(self, shard: int) -> str:
        """The stream of one shard."""
        return f"engage:{self.prefix}:events:{shard}"

    def host_key(self, host: str) -> str:
        """The hash in which the taps of one host count what they sent and dropped."""
        return f"engage:{self.prefix}:tap:{host}"

    @property
    def hosts_key(self) -> str:
        """The sorted set of the hosts that have a tap, each with the time when it last wrote (Unix seconds)."""
        return f"engage:{self.prefix}:taps"

    @property
    def place(self) -> str:
        """Host and port, fit for a log: without a password."""
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def shard_of(learner: object, shards: int) -> int:
    """The shard of a learner (LMS user id), the same in every process and for ever."""
    return zlib.crc32(str(learner).encode("utf-8", "replace")) % shards


def connect(url: str, *, timeout: float, connect_timeout: float) -> Redis:
    """A client that gives up after `timeout` seconds without an answer and never tries again by itself.

    Replies are bytes in plain lists, whatever version of redis-py is installed. Raises ValueError for an address that
    is none.
    """
    import redis  # here, because a web process that has no stream configured needs no client
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {} if int(redis.__version__.split(".")[0]) < 5 else {"protocol": 2}
    client: Redis = redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
        **options,
    )
    for command in (
        "XREADGROUP",
        "XAUTOCLAIM",
        "XRANGE",
        "XPENDING",
        "XINFO GROUPS",
        "XINFO CONSUMERS",
        "XINFO STREAM",
    ):
        client.set_response_callback(command, _as_it_is)
    return client


def _as_it_is(reply: Any, **options: Any) -> Any:
    return reply


def pairs(reply: list[Any]) -> dict[str, Any]:
    """A list of names and values in turn, as XINFO answers, by name."""
    return {name.decode(): value for name, value in zip(reply[::2], reply[1::2], strict=True)}


def entry_id(text: bytes | str) -> tuple[int, int]:
    """The id of an entry, in the order of the stream: milliseconds since 1970 on the clock of Redis, and a number."""
    head, _, tail = (text.decode() if isinstance(text, bytes) else text).partition("-")
    return int(head), int(tail or 0)
