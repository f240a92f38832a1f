"""The source that reads Redis Streams, against a real Redis: reading, committing, sharing the work."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from engage_backend.clickstream.sources.base import Source
from engage_backend.streams import Stream
from tests.clickstream.redis_records import add, all_of, next_of, numbers, pending
from tests.services import RedisServer


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


def test_two_members_on_one_host_have_names_of_their_own_and_a_name_comes_again(
    server: RedisServer, sources: Any
) -> None:
    stream = Stream(server.url)
    add(server, stream, range(20))
    one, other = sources(stream), sources(stream)
    assert one.consumer != other.consumer
    read = [numbers(one.read(10, 0.0)), numbers(other.read(20, 0.0))]
    assert read == [list(range(10)), list(range(10, 20))]
    assert other.read(20, 0.0).records == []  # and not what the other one has in hand
    assert sources(Stream(server.url, prefix="a")).consumer != one.consumer
    one.close()
    again = sources(stream)
    assert again.consumer == one.consumer
    assert numbers(again.read(20, 0.0)) == read[0]


def test_what_the_dead_left_is_found_behind_much_that_others_are_at_work_on(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    add(server, stream, range(103))
    alive, dead = sources(stream, consumer="alive"), sources(stream, consumer="dead")
    assert len(alive.read(100, 0.0).records) == 100
    dead.read(3, 0.0)
    with server.client() as client:
        left = [one["message_id"] for one in client.xpending_range(stream.key(0), "engage", "-", "+", 10, "dead")]
        client.xclaim(stream.key(0), "engage", "dead", 0, left, idle=3_600_000)
    other = sources(stream, consumer="other")
    assert numbers(next_of(other, most=2)) == [100, 101]
    assert numbers(next_of(other, most=2)) == [102]
