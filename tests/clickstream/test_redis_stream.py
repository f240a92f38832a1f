"""The source that reads Redis Streams, against a real Redis that is killed, emptied, cut and filled up."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from engage_backend.clickstream.sources.base import Batch, Source
from engage_backend.clickstream.sources.redis_stream import RedisSource, UnusableRedis, prepare
from engage_backend.clickstream.stream_status import stream_status
from engage_backend.streams import Stream
from engage_backend.tap.sender import Sender
from tests.services import RedisServer, free_port, until

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def sources() -> Iterator[Any]:
    """Makes sources and closes them after the test."""
    made: list[RedisSource] = []

    def make(*arguments: Any, **options: Any) -> RedisSource:
        made.append(RedisSource(*arguments, **options))
        return made[-1]

    yield make
    for source in made:
        source.close()


# Reading and committing


def test_it_is_a_source_like_any_other(server: RedisServer, sources: Any) -> None:
    source: Source = sources(Stream(server.url))
    assert source.name == "redis:lms"
    assert sources(Stream(server.url, prefix="a"), shards=[2, 0]).name == "redis:a:0,2"
    assert source.read(10, 0.0).records == []


def test_what_was_committed_does_not_come_again_and_what_was_not_does(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url, shards=2)
    add(server, stream, range(10))
    first = sources(stream)
    batch = first.read(6, 0.0)
    first.commit(batch.position)
    lost = first.read(100, 0.0)
    assert sorted(numbers(batch) + numbers(lost)) == list(range(10))
    first.close()  # and its process dies
    second = sources(stream, position=json.loads(json.dumps(lost.position)))
    again = second.read(100, 0.0)
    more = second.read(100, 0.0)
    assert sorted(numbers(again) + numbers(more)) == numbers(lost)
    second.commit(more.position)
    assert all_of(sources(stream)) == []


def test_a_position_commits_what_came_before_it_and_nothing_after(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    add(server, stream, range(6))
    source = sources(stream)
    _, second, third = (source.read(2, 0.0) for _ in range(3))
    source.commit(second.position)
    assert pending(server, stream) == 2
    source.commit(third.position)
    assert pending(server, stream) == 0


@pytest.mark.parametrize("most", [1, 2, 3, 7, 1000])
def test_never_more_records_than_asked_for_and_every_shard_has_its_turn(
    server: RedisServer, sources: Any, most: int
) -> None:
    stream = Stream(server.url, shards=3)
    add(server, stream, range(30))
    source = sources(stream)
    seen: list[int] = []
    for _ in range(100):
        batch = source.read(most, 0.0)
        assert len(batch.records) <= most
        seen += numbers(batch)
        source.commit(batch.position)
    assert sorted(seen) == list(range(30))


def test_consumers_of_different_shards_share_the_work(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url, shards=4)
    add(server, stream, range(40))
    assert all_of(sources(stream, shards=[0, 1])) == [n for n in range(40) if n % 4 < 2]
    assert all_of(sources(stream, shards=[2, 3])) == [n for n in range(40) if n % 4 >= 2]


def test_consumers_of_one_shard_never_read_the_same_twice(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    add(server, stream, range(40))
    one, other = sources(stream, consumer="one"), sources(stream, consumer="other")
    found = [numbers(source.read(10, 0.0)) for source in (one, other, one, other)]
    assert sorted(number for part in found for number in part) == list(range(40))


def test_it_waits_for_a_record_no_longer_than_it_is_told(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    source.read(1, 0.0)
    start = time.monotonic()
    assert source.read(10, 0.3).records == []
    assert time.monotonic() - start > 0.25
    later = threading.Timer(0.2, add, (server, stream, range(1)))
    later.start()
    start = time.monotonic()
    assert numbers(source.read(10, 10.0)) == [0]
    assert time.monotonic() - start < 5
    later.join()


def test_shards_of_a_time_when_there_were_more_are_read_to_their_end(server: RedisServer, sources: Any) -> None:
    add(server, Stream(server.url, shards=5), range(10))
    assert all_of(sources(Stream(server.url, shards=2))) == list(range(10))


def test_stored_records_are_deleted_and_no_others(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    add(server, stream, range(3000))
    source = sources(stream, consumer="one")
    source.commit(source.read(2000, 0.0).position)
    held = source.read(500, 0.0)
    other = sources(stream, consumer="other")  # its first read looks at the stream, and trims it
    rest = other.read(1000, 0.0)
    other.commit(rest.position)
    length = server.command("XLEN", stream.key(0))
    assert 1000 <= length <= 1200
    source.commit(held.position)
    assert sources(stream, consumer="third").read(10, 0.0).records == []
    assert server.command("XLEN", stream.key(0)) <= 200
    assert numbers(held) + numbers(rest) == list(range(2000, 3000))


# Who dies, and what vanishes


def test_what_a_dead_consumer_has_read_goes_to_another(server: RedisServer, sources: Any, tmp_path: Path) -> None:
    stream = Stream(server.url, shards=2)
    add(server, stream, range(200))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clickstream.stream_reader", server.url, "a", str(tmp_path / "stored"), "120"],
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"read\n"
    process.kill()
    process.wait()
    process.stdout.close()
    stored = [int(line) for line in (tmp_path / "stored").read_bytes().split()]
    assert 0 < len(stored) < 120
    assert pending(server, stream) > 0
    source = sources(stream, consumer="b", claim_after=0.1)
    found: list[int] = []

    def everything() -> bool:
        batch = source.read(1000, 0.0)
        found.extend(numbers(batch))
        source.commit(batch.position)
        return len(found) == 200 - len(stored)

    until(everything)
    assert sorted(stored + found) == list(range(200))
    assert stream_status(stream).waiting == 0


def test_consumers_that_are_killed_at_any_moment_store_every_record(server: RedisServer, tmp_path: Path) -> None:
    stream, file, total = Stream(server.url, shards=2), tmp_path / "stored", 12_000
    sender = Sender(stream)

    def start(name: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "tests.clickstream.stream_reader", server.url, name, str(file), "0"]
        return subprocess.Popen(words, cwd=ROOT)

    def stored() -> Counter[int]:
        return Counter(int(line) for line in file.read_bytes().split()) if file.exists() else Counter()

    running = {name: start(name) for name in ("a", "b")}
    try:
        for kill in range(6):
            for number in range(kill * total // 6, (kill + 1) * total // 6):
                sender.put(number % 2, str(number).encode())
            seen = len(stored())
            until(lambda seen=seen: len(stored()) > seen + 200, seconds=60)  # type: ignore[misc]
            name = "ab"[kill % 2]
            running[name].kill()
            running[name].wait()
            running[name] = start(name)
        assert sender.close(10.0)
        until(lambda: len(stored()) == total, seconds=60)
        until(lambda: stream_status(stream).waiting == 0, seconds=60)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    assert set(stored()) == set(range(total))
    assert stored().total() <= total + 6 * 2 * 50 + 100  # twice only what a killed one had in hand


def test_a_lost_connection_is_waited_for_and_costs_nothing(stopped_server: RedisServer, sources: Any) -> None:
    stream = Stream(stopped_server.url)
    source = sources(stream)
    assert source.read(10, 0.0).records == []
    stopped_server.start()
    add(stopped_server, stream, range(10))
    first = next_of(source, most=4)
    stopped_server.kill()
    source.commit(first.position)  # Redis is away: it is told when it is back
    assert source.read(10, 0.0).records == []
    stopped_server.start()
    rest = next_of(source)
    assert (numbers(first), numbers(rest)) == ([0, 1, 2, 3], [4, 5, 6, 7, 8, 9])
    assert rest.position["gaps"] == 0


def next_of(source: RedisSource, *, most: int = 100) -> Batch:
    """The next batch with anything in it, however often that has to be asked for."""

    def asked() -> Batch | None:
        batch = source.read(most, 0.1)
        return batch if batch.records else None

    found = until(asked)
    assert found is not None
    return found


def test_a_redis_that_hangs_does_not_make_reading_raise(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(3))
    server.hold()
    threading.Timer(0.3, server.wake).start()
    assert numbers(source.read(10, 20.0)) == [0, 1, 2]


@pytest.mark.parametrize("vanished", ["stream", "group", "everything"])
def test_a_vanished_stream_is_made_again_and_counted_as_a_gap(
    server: RedisServer, sources: Any, vanished: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(5))
    assert all_of(source) == list(range(5))
    if vanished == "stream":
        server.command("DEL", stream.key(0))
    elif vanished == "group":
        server.command("XGROUP", "DESTROY", stream.key(0), "engage")
        server.command("XTRIM", stream.key(0), "MAXLEN", 0)
    else:
        server.kill()
        server.start()
    add(server, stream, range(5, 8))
    found = next_of(source)
    assert numbers(found) == [5, 6, 7]
    assert found.position["gaps"] == 1
    assert found.position["gap_at"]
    assert "engage_backfill" in caplog.text


def test_a_stream_that_vanished_while_nobody_read_is_a_gap_too(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    first = sources(stream)
    add(server, stream, range(5))
    batch = first.read(10, 0.0)
    first.commit(batch.position)
    assert batch.position["gaps"] == 0
    server.command("FLUSHALL")
    assert sources(stream, position=batch.position).read(10, 0.0).position["gaps"] == 1


def test_a_redis_that_came_back_with_an_older_copy_is_a_gap(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    first = sources(stream)
    add(server, stream, range(5))
    batch = first.read(3, 0.0)
    older = batch.position
    first.commit(older)
    later = first.read(10, 0.0).position
    server.command("XGROUP", "SETID", stream.key(0), "engage", older["ids"]["0"])
    assert sources(stream, consumer="next", position=later).read(10, 0.0).position["gaps"] == 1


def test_a_stream_that_was_cut_before_it_was_read_is_a_gap_and_one_alone(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(10))
    assert all_of(source) == list(range(10))
    add(server, stream, range(10, 1000))
    server.command("XTRIM", stream.key(0), "MAXLEN", 100)
    later = sources(stream)
    assert all_of(later) == list(range(900, 1000))
    assert later.read(1, 0.0).position["gaps"] == 1
    assert sources(stream).read(1, 0.0).position["gaps"] == 0


@pytest.mark.parametrize("name", ["the same after a restart", "another that takes over"])
def test_what_was_cut_off_after_reading_and_before_storing_is_a_gap(
    server: RedisServer, sources: Any, name: str
) -> None:
    stream = Stream(server.url)
    add(server, stream, range(10))
    sources(stream, consumer="the same after a restart").read(10, 0.0)
    server.command("XTRIM", stream.key(0), "MAXLEN", 4)
    source = sources(stream, consumer=name, claim_after=0.0)
    batch = source.read(10, 0.0)
    assert numbers(batch) == [6, 7, 8, 9]
    assert batch.position["gaps"] == 1
    source.commit(batch.position)
    source.read(1, 0.0)
    assert pending(server, stream) == 0


def test_members_that_have_long_gone_are_struck_off_unless_they_left_something(
    server: RedisServer, sources: Any
) -> None:
    stream = Stream(server.url)
    add(server, stream, range(1))
    sources(stream, consumer="gone").commit(sources(stream, consumer="died reading").read(1, 0.0).position)
    sources(stream, consumer="gone").read(1, 0.0)

    def members() -> set[str]:
        with server.client() as client:
            return {member["name"] for member in client.xinfo_consumers(stream.key(0), "engage")}

    sources(stream, consumer="next").read(1, 0.0)
    assert members() == {"gone", "died reading", "next"}
    until(lambda: min(idle(server, stream)) > 5)
    sources(stream, consumer="last", forget_after=0.005).read(1, 0.0)
    assert members() == {"died reading", "last"}


def idle(server: RedisServer, stream: Stream) -> list[int]:
    """Milliseconds since each member was last heard of."""
    with server.client() as client:
        return [int(member["idle"]) for member in client.xinfo_consumers(stream.key(0), "engage")]


# What an operator is told


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
