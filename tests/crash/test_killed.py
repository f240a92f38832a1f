"""A consumer that is killed at random moments ends where an undisturbed one ends: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from engage_backend.streams import FIELD, Stream
from tests.crash.nursery import Nursery
from tests.crash.sites import End, ServerSite, disturbed, events, fallen, write_log
from tests.engagement.live.test_commands import line
from tests.operations.sites import DiskSite
from tests.services import RedisServer, select_nothing

_LONGEST_LIFE = 1.6  # seconds; the first batch is under way after a tenth
_BATCH = "500"  # records a transaction, so that most moments of a life lie within one


class Feed(Protocol):
    """Where the events go, and how a consumer is told to read them."""

    words: list[str]

    def write(self, lines: Sequence[bytes]) -> None: ...


class LogFeed:
    """A tracking log that grows, the last line in two writes."""

    def __init__(self, path: Path) -> None:
        self.path, self.words = path, [str(path)]
        path.touch()

    def write(self, lines: Sequence[bytes]) -> None:
        data = b"".join(lines)
        with self.path.open("ab", buffering=0) as log:
            log.write(data[:-40])
            select_nothing(0.002)
            log.write(data[-40:])


class RedisFeed:
    """The stream that the tap writes."""

    def __init__(self, server: RedisServer) -> None:
        self.words = ["--source", "redis", server.url]
        self._client, self._key = server.client(), Stream(server.url).key(0)

    def write(self, lines: Sequence[bytes]) -> None:
        pipe = self._client.pipeline(transaction=False)
        for one in lines:
            pipe.xadd(self._key, {FIELD: one.rstrip(b"\n")})
        pipe.execute()

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def redis_feed(redis_server: RedisServer) -> Iterator[RedisFeed]:
    feed = RedisFeed(redis_server)
    yield feed
    feed.close()


def undisturbed(home: Path, learners: int, log: Path) -> End:
    """What a site on SQLite holds that read the whole log at once."""
    site = DiskSite(home)
    site.set_up(learners)
    try:
        status, _, errors = site.run("consume", str(log), "--once")
        assert status == 0, errors
        return End.of(site)
    finally:
        site.end()


def killed(site: DiskSite, feed: Feed, lines: Sequence[bytes], *, kills: int, seed: int = 0) -> End:
    """What `site` holds after its consumer was killed so often while the lines came, and one was left alone at the end."""
    dice = random.Random(seed)
    portion = -(-len(lines) // kills)
    words = [*feed.words, "--max-batch", _BATCH]
    with Nursery(site) as nursery:
        for life in range(kills):
            arriving = lines[life * portion : (life + 1) * portion]
            pid, dies = nursery.start(*words), time.monotonic() + dice.uniform(0.0, _LONGEST_LIFE)
            for third in range(3):
                feed.write(arriving[third * len(arriving) // 3 : (third + 1) * len(arriving) // 3] or [b"\n"])
                select_nothing(max(0.0, (dies - time.monotonic()) / (3 - third)))
            assert nursery.kill(pid) == -9, nursery.log.read_text()[-3_000:]
        nursery.start(*words, "--once")
        assert nursery.ended() == 0, nursery.log.read_text()[-3_000:]
    return End.of(site)


def show(
    site: DiskSite, feed: Feed, tmp_path: Path, *, learners: int, each: int, kills: int, exactly_once: bool
) -> None:
    """Run it, and compare."""
    in_order = events(learners, each)
    found, falls = disturbed(in_order, seed=1), fallen(in_order)
    assert falls > len(in_order) / 50
    wanted = undisturbed(tmp_path / "undisturbed", learners, write_log(tmp_path / "whole.log", found))
    site.set_up(learners)
    began = time.monotonic()
    end = killed(site, feed, [line(event) for event in found], kills=kills)
    taken = sum(end.read.values())
    print(
        f"\n{kills} kills, {len(found):,} events of {learners:,} learners in {time.monotonic() - began:.0f} s:"
        f" {end.events:,} different stored, {taken:,} read by the checkpoint, {end.gaps} gaps, scores fall {falls:,} times,"
        f" scores the same: {end.submissions == wanted.submissions},"
        f" figures {end.apart(wanted)} per mille apart at most, histories the same: {end.histories == wanted.histories}"
    )
    assert end.same(wanted)
    assert end.gaps == 0
    assert taken == len(found) if exactly_once else taken >= len(found)


def test_a_killed_consumer_of_a_log_ends_as_an_undisturbed_one(disk_site: DiskSite, tmp_path: Path) -> None:
    feed = LogFeed(tmp_path / "tracking.log")
    show(disk_site, feed, tmp_path, learners=40, each=245, kills=5, exactly_once=True)


def test_a_killed_consumer_of_redis_ends_as_an_undisturbed_one(
    disk_site: DiskSite, redis_feed: RedisFeed, tmp_path: Path
) -> None:
    show(disk_site, redis_feed, tmp_path, learners=40, each=245, kills=5, exactly_once=False)


def test_a_killed_consumer_on_a_server_ends_as_an_undisturbed_one_on_sqlite(
    server_site: Callable[[str], ServerSite], tmp_path: Path
) -> None:
    feed = LogFeed(tmp_path / "tracking.log")
    show(server_site("killed"), feed, tmp_path, learners=40, each=245, kills=5, exactly_once=True)


@pytest.mark.crash
def test_a_hundred_kills_while_200_000_lines_are_written(disk_site: DiskSite, tmp_path: Path) -> None:
    feed = LogFeed(tmp_path / "tracking.log")
    show(disk_site, feed, tmp_path, learners=400, each=490, kills=100, exactly_once=True)


@pytest.mark.crash
def test_a_hundred_kills_while_200_000_records_stream_in(
    disk_site: DiskSite, redis_feed: RedisFeed, tmp_path: Path
) -> None:
    show(disk_site, redis_feed, tmp_path, learners=400, each=490, kills=100, exactly_once=False)


@pytest.mark.crash
def test_a_hundred_kills_on_a_server_while_200_000_lines_are_written(
    server_site: Callable[[str], ServerSite], tmp_path: Path
) -> None:
    feed = LogFeed(tmp_path / "tracking.log")
    show(server_site("often_killed"), feed, tmp_path, learners=400, each=490, kills=100, exactly_once=True)
