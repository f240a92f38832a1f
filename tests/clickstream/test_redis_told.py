"""What an operator is told of a Redis: what waits in it, and why one is refused."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from engage_backend.clickstream.sources.redis_stream import UnusableRedis, prepare
from engage_backend.clickstream.stream_status import stream_status
from engage_backend.streams import Stream
from tests.clickstream.redis_records import add, all_of
from tests.services import RedisServer, free_port


def test_status_says_what_waits_and_for_how_long(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url, shards=2)
    assert [shard.there for shard in stream_status(stream).shards] == [False, False]
    source = sources(stream)
    source.read(1, 0.0)
    server.command("XADD", stream.key(0), "1000-0", "r", "0")
    add(server, stream, range(1, 10), shard=0)
    batch = source.read(8, 0.0)
    batch = batch if batch.records else source.read(8, 0.0)
    status = stream_status(stream)
    assert (status.shards[0].pending, status.shards[0].waiting) == (len(batch.records), 10 - len(batch.records))
    assert status.shards[1].waiting == status.shards[1].pending == 0
    assert status.waiting == 10
    assert status.seconds == pytest.approx(time.time() - 1, abs=60)
    source.commit(batch.position)
    all_of(source)
    status = stream_status(stream)
    assert (status.waiting, status.seconds) == (0, 0.0)


def set_policy(server: RedisServer, policy: str, maxmemory: str) -> None:
    server.command("CONFIG", "SET", "maxmemory", maxmemory)
    server.command("CONFIG", "SET", "maxmemory-policy", policy)


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_a_redis_that_evicts_is_refused_unless_told_otherwise(server: RedisServer, policy: str) -> None:
    set_policy(server, policy, "100mb")
    with pytest.raises(UnusableRedis, match=policy) as refused:
        prepare(Stream(server.url))
    assert "\n" not in str(refused.value)
    assert "--allow-eviction" in str(refused.value)
    prepare(Stream(server.url), allow_eviction=True)
    assert stream_status(Stream(server.url)).policy == policy


@pytest.mark.parametrize(
    ("policy", "maxmemory"), [("noeviction", "100mb"), ("volatile-lru", "100mb"), ("allkeys-lru", "0")]
)
def test_a_redis_that_keeps_what_has_no_expiry_is_taken(server: RedisServer, policy: str, maxmemory: str) -> None:
    set_policy(server, policy, maxmemory)
    prepare(Stream(server.url))
    assert stream_status(Stream(server.url)).policy == ""


def test_a_redis_that_is_not_there_yet_is_waited_for(stopped_server: RedisServer) -> None:
    waiting = threading.Thread(target=prepare, args=(Stream(stopped_server.url),))
    waiting.start()
    stopped_server.start()
    waiting.join(10.0)
    assert not waiting.is_alive()
    stop = threading.Event()
    stop.set()
    prepare(Stream(f"redis://127.0.0.1:{free_port()}/0"), stop=stop)


def test_a_wrong_password_ends_the_start_at_once(server: RedisServer) -> None:
    server.command("CONFIG", "SET", "requirepass", "sesame")
    with pytest.raises(UnusableRedis) as refused:
        prepare(Stream(server.url))
    assert "sesame" not in str(refused.value)
    prepare(Stream(f"redis://:sesame@127.0.0.1:{server.port}/0"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--source", "redis"], "which Redis?"),
        ([], "which tracking log?"),
        (["x.log", "--shards", "0"], "--source redis"),
        (["x.log", "--allow-eviction"], "--source redis"),
        (["--source", "redis", "redis://x", "--shards", "0,64"], "invalid shards value"),
        (["--source", "redis", "redis://x", "--shards", "one"], "invalid shards value"),
        (["--source", "redis", "http://x"], "Redis URL"),
    ],
)
def test_the_command_says_in_one_line_what_it_misses(words: list[str], says: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("engage_consume", *words)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_command_refuses_a_redis_that_evicts(server: RedisServer) -> None:
    set_policy(server, "allkeys-lru", "100mb")
    with pytest.raises(CommandError, match="allkeys-lru"):
        call_command("engage_consume", "--source", "redis", server.url)
