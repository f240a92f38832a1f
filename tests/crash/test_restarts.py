"""What stands beside a consumer breaks and comes back: Redis, database, disk. It goes on, and ends where it would have."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engage_backend.engagement.live.retry import PAUSES
from tests.crash.sites import End, ServerSite, disturbed, events, write_log
from tests.crash.test_killed import LogFeed, RedisFeed, undisturbed
from tests.engagement.live.test_commands import line
from tests.operations.sites import DiskSite
from tests.services import PATIENCE, DatabaseServer, RedisServer, until

# A consumer that says each time that it waits for its database, which is gone when the first line is there.
_PATIENT = """
import json, sys
import django
django.setup()
from pathlib import Path
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.platform.api import get_platform

def pause(seconds):
    print("waits", flush=True)
    sys.stdin.readline()

log = Path(sys.argv[1])
log.touch()
consumer = Consumer(LogfileSource(log), Engine(get_platform()), max_wait=0, pause=pause)
consumer.step()
print("ready", flush=True)
sys.stdin.readline()
while not consumer.step().records:
    pass
print("taken in", flush=True)
"""
LEARNERS = 30
FOUND = disturbed(events(LEARNERS, 130), seed=3)
LINES = [line(event) for event in FOUND]
HALF = len(LINES) // 2


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> End:
    folder = tmp_path_factory.mktemp("wanted")
    return undisturbed(folder / "home", LEARNERS, write_log(folder / "tracking.log", FOUND))


def taken(site: DiskSite) -> int:
    """Events that the consumer's checkpoint counts."""
    if isinstance(site, ServerSite):
        assert site.server is not None
        rows = site.server.execute("SELECT SUM(events) FROM engage_checkpoint", database=site.name)
    else:
        with closing(sqlite3.connect(site.home / "db.sqlite3", timeout=30)) as link:
            rows = link.execute("SELECT SUM(events) FROM engage_checkpoint").fetchall()
    return int(rows[0][0] or 0)


def end(site: DiskSite, consumer: subprocess.Popen[str], count: int) -> tuple[End, str]:
    """Wait until so many events are taken in, stop the consumer as an operator does; what is there, and what it said."""
    until(lambda: taken(site) >= count)
    consumer.send_signal(signal.SIGTERM)
    _, said = consumer.communicate(timeout=PATIENCE)
    assert consumer.returncode == 0, said
    return End.of(site), said


def test_a_redis_that_keeps_its_data_is_killed_twice_and_nothing_is_missing(
    disk_site: DiskSite, redis_server: RedisServer, tmp_path: Path, wanted: End
) -> None:
    disk_site.set_up(LEARNERS)
    feed = RedisFeed(redis_server)
    consumer = disk_site.start("consume", *feed.words, "--max-batch", "300")
    feed.write(LINES[:HALF])
    for part in (LINES[HALF : HALF + 500], LINES[HALF + 500 :]):
        before = taken(disk_site)
        until(lambda before=before: taken(disk_site) > before)  # in the middle of the stream
        redis_server.kill()
        redis_server.start()
        feed.write(part)
    ended, said = end(disk_site, consumer, len(LINES))
    feed.close()
    assert ended.same(wanted)
    assert ended.gaps == 0
    assert "gap" not in said


def test_a_redis_that_forgets_is_told_as_a_gap_which_the_log_closes(
    disk_site: DiskSite, tmp_path: Path, wanted: End
) -> None:
    disk_site.set_up(LEARNERS)
    with RedisServer(tmp_path) as server:
        feed = RedisFeed(server)
        consumer = disk_site.start("consume", *feed.words, "--max-batch", "300")
        feed.write(LINES[:HALF])
        until(lambda: taken(disk_site) > 0)
        server.kill()
        server.start()
        feed.write(LINES[HALF:])
        ended, said = end(disk_site, consumer, len(LINES) - HALF)
        feed.close()
    assert ended.gaps == 1
    assert "restarted without its data" in said
    status, _, errors = disk_site.run("backfill", str(write_log(tmp_path / "tracking.log", FOUND)))
    assert status == 0, errors
    assert End.of(disk_site).same(wanted)


def test_a_database_server_that_is_killed_and_comes_back_is_waited_for(
    server_site: Callable[[str], ServerSite], server: DatabaseServer, tmp_path: Path, wanted: End
) -> None:
    site = server_site("restarted")
    site.set_up(LEARNERS)
    feed = LogFeed(tmp_path / "tracking.log")
    consumer = site.start("consume", *feed.words, "--max-batch", "300")
    feed.write(LINES[:HALF])
    until(lambda: taken(site) > 0)
    server.kill()
    server.start()
    feed.write(LINES[HALF:])
    ended, said = end(site, consumer, len(LINES))
    assert ended.same(wanted)
    assert sum(ended.read.values()) == len(LINES)
    # It comes back before the next attempt, or after it.
    assert "the database failed a piece of work, which is repeated" in said or "the database has not been there" in said


def test_a_full_disk_for_the_quarantine_costs_the_broken_records_alone(
    disk_site: DiskSite, tmp_path: Path, wanted: End
) -> None:
    disk_site.set_up(LEARNERS)
    (disk_site.home / "quarantine.jsonl").symlink_to("/dev/full")
    feed = LogFeed(tmp_path / "tracking.log")
    consumer = disk_site.start("consume", *feed.words, "--max-batch", "300")
    feed.write([*LINES[:HALF], b'{"broken": \n', *LINES[HALF:], b"neither\n"])
    ended, said = end(disk_site, consumer, len(LINES))
    assert ended.same(wanted)
    assert "No space left on device" in said


def test_a_database_server_that_is_away_for_long_is_waited_for(
    server_site: Callable[[str], ServerSite], server: DatabaseServer, tmp_path: Path, wanted: End
) -> None:
    site = server_site("away")
    site.set_up(LEARNERS)
    log = tmp_path / "tracking.log"
    consumer = site.start_python(_PATIENT, str(log))
    assert consumer.stdout is not None
    assert consumer.stdin is not None
    assert consumer.stdout.readline() == "ready\n"
    server.kill()
    log.write_bytes(b"".join(LINES))
    for _ in range(3 * len(PAUSES)):
        consumer.stdin.write("\n")
        consumer.stdin.flush()
        assert consumer.stdout.readline() == "waits\n"
    server.start()
    said, errors = consumer.communicate("\n" * 100, timeout=PATIENCE)
    assert consumer.returncode == 0, errors
    assert said.endswith("taken in\n")
    assert "the database has not been there" in errors
    assert End.of(site).same(wanted)
