"""Four shards against one: the same records through Redis into a database server, by one consumer and by four."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from engage_backend.clickstream.simulate import Simulator, history
from engage_backend.streams import FIELD, Stream, shard_of
from tests.benchmarks.test_soak import _SET_UP, COURSE
from tests.crash.conftest import server, server_site, servers
from tests.crash.nursery import Nursery
from tests.crash.sites import End, ServerSite
from tests.services import DatabaseServer, RedisServer

__all__ = ["server", "server_site", "servers"]
LINES = 60_000
LEARNERS = 4_000


def fill(server: RedisServer, stream: Stream) -> int:
    """The records of two months, each in the stream of its learner's shard; how many."""
    end, count = time.time(), 0
    with server.client() as client:
        pipe = client.pipeline(transaction=False)
        simulator = Simulator(learners=LEARNERS, rate=1_000, course=COURSE)
        for click in history(simulator, lines=LINES, begin=end - 20 * 86_400, end=end):
            for learner, line in click:
                pipe.xadd(stream.key(shard_of(learner, stream.shards)), {FIELD: line})
                count += 1
        pipe.execute()
    return count


def seconds(site: ServerSite, server: RedisServer, shards: int) -> tuple[float, int]:
    """How long it takes `shards` consumers, each with one shard, to take everything in; and the different events."""
    site.python(_SET_UP, str(site.home), COURSE, str(LEARNERS))
    (site.home / "none.log").touch()
    with ExitStack() as stack:
        nurseries = [stack.enter_context(Nursery(site)) for _ in range(shards)]
        for nursery in nurseries:  # everything is imported, the course is read, the first pass is done
            nursery.start(str(site.home / "none.log"), "--once")
            assert nursery.ended() == 0, nursery.log.read_text()
        began = time.monotonic()
        for shard, nursery in enumerate(nurseries):
            nursery.start("--source", "redis", "--shards", str(shard), "--max-batch", "5000", server.url, "--once")
        assert [nursery.ended() for nursery in nurseries] == [0] * shards, nurseries[0].log.read_text()
        took = time.monotonic() - began
    return took, End.of(site).events


@pytest.mark.bench
def test_four_shards_against_one(
    server_site: Callable[[str], ServerSite], server: DatabaseServer, tmp_path: Path
) -> None:
    figures = {}
    for shards in (1, 4):
        folder = tmp_path / str(shards)
        folder.mkdir()
        with RedisServer(folder) as redis:
            count = fill(redis, Stream(redis.url, shards=shards))
            figures[shards] = seconds(server_site(f"shards_{shards}"), redis, shards)
    (one, stored), (four, stored_by_four) = figures[1], figures[4]
    print(
        f"\n{count:,} records of {LEARNERS:,} learners through Redis into {server.kind}, {stored:,} different events:"
        f" one consumer {one:.1f} s ({count / one:,.0f} records a second), four consumers of a shard each {four:.1f} s"
        f" ({count / four:,.0f}): {one / four:.2f} times as fast on {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    assert stored_by_four == stored > LINES / 2
