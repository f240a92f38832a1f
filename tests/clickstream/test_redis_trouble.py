"""The source that reads Redis Streams, when consumers die and a Redis is killed, emptied or cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models.signals import post_save
from django.test import Client

from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.clickstream.stream_status import stream_status
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.status import status
from engage_backend.models import Checkpoint
from engage_backend.platform.api import get_platform
from engage_backend.streams import Stream
from engage_backend.tap.sender import Sender
from tests.clickstream.redis_records import add, all_of, idle, next_of, numbers, pending
from tests.services import RedisServer, until

ROOT = Path(__file__).resolve().parents[2]


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
            until(lambda seen=seen: len(stored()) > seen + 200)  # type: ignore[misc]
            name = "ab"[kill % 2]
            running[name].kill()
            running[name].wait()
            running[name] = start(name)
        assert sender.close(10.0)
        until(lambda: len(stored()) == total)
        until(lambda: stream_status(stream).waiting == 0)
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


def test_a_redis_that_hangs_does_not_make_reading_raise(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(3))
    server.hold()
    threading.Timer(0.3, server.wake).start()
    assert numbers(source.read(10, 20.0)) == [0, 1, 2]


@pytest.mark.parametrize("vanished", ["stream", "group"])
def test_a_vanished_stream_is_made_again_and_counted_as_a_gap(
    server: RedisServer, sources: Any, vanished: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(5))
    assert all_of(source) == list(range(5))
    if vanished == "stream":
        server.command("DEL", stream.key(0))
    else:
        server.command("XGROUP", "DESTROY", stream.key(0), "engage")
        server.command("XTRIM", stream.key(0), "MAXLEN", 0)
    add(server, stream, range(5, 8))
    found = next_of(source)
    assert numbers(found) == [5, 6, 7]
    assert found.position["gaps"] == 1
    assert [number for number, begin, end in found.position["lost"] if begin <= end] == [1]
    assert "engage_backfill" in caplog.text


def test_a_redis_that_restarts_empty_when_all_was_read_has_lost_nothing(
    server: RedisServer, sources: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(5))
    assert all_of(source) == list(range(5))
    server.kill()
    server.start()
    add(server, stream, range(5, 8))
    found = next_of(source)
    assert numbers(found) == [5, 6, 7]
    assert found.position["gaps"] == 0
    assert "nothing is counted as lost" in caplog.text


def test_a_redis_that_restarts_empty_before_all_was_read_is_a_gap(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(5))
    assert numbers(source.read(3, 0.0)) == [0, 1, 2]
    server.kill()
    server.start()
    add(server, stream, range(5, 8))
    assert next_of(source).position["gaps"] == 1


@pytest.mark.parametrize("how", ["restarted", "moved"])
def test_a_consumer_that_is_restarted_with_an_empty_redis_has_lost_nothing(
    server: RedisServer, sources: Any, how: str, tmp_path: Path
) -> None:
    first = sources(Stream(server.url))
    add(server, Stream(server.url), range(5))
    batch = first.read(10, 0.0)
    first.commit(batch.position)
    first.close()
    position = json.loads(json.dumps(batch.position))
    (tmp_path / "other").mkdir()
    with RedisServer(tmp_path / "other") as other:
        used = other if how == "moved" else server
        if how == "restarted":
            server.kill()
            server.start()
        add(used, Stream(used.url), range(5, 8))
        found = next_of(sources(Stream(used.url), position=position))
    assert (numbers(found), found.position["gaps"]) == ([5, 6, 7], 0)


@pytest.mark.parametrize("how", ["restarted", "moved"])
def test_a_redis_that_went_on_for_long_after_its_consumer_ended_is_a_gap_with_its_time(
    server: RedisServer, sources: Any, how: str, tmp_path: Path
) -> None:
    first = sources(Stream(server.url))
    add(server, Stream(server.url), range(5))
    position = first.read(10, 0.0).position
    position["seen"] -= 3_600.0  # the consumer ended an hour ago
    (tmp_path / "other").mkdir()
    with RedisServer(tmp_path / "other") as other:
        used = other if how == "moved" else server
        if how == "restarted":
            server.kill()
            server.start()
        ((number, begin, end),) = sources(Stream(used.url), position=position).read(10, 0.0).position["lost"]
    assert number == 1
    hour = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    assert timedelta(minutes=59) < hour < timedelta(minutes=61)


def test_a_stream_that_vanished_while_nobody_read_is_a_gap_too(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    first = sources(stream)
    add(server, stream, range(5))
    batch = first.read(10, 0.0)
    first.commit(batch.position)
    assert batch.position["gaps"] == 0
    server.command("FLUSHALL")
    assert sources(stream, position=batch.position).read(10, 0.0).position["gaps"] == 1


@pytest.mark.parametrize("read", [True, False])
def test_a_redis_that_came_back_with_an_older_copy_is_a_gap(server: RedisServer, sources: Any, read: bool) -> None:
    stream = Stream(server.url)
    first = sources(stream)
    add(server, stream, range(5))
    batch = first.read(3, 0.0)
    older = batch.position
    first.commit(older)
    later = first.read(10, 0.0).position
    copied = older["ids"]["0"] if read else "0-0"  # how far the group had read in that copy
    before = datetime.now(UTC).replace(microsecond=0)
    server.command("XGROUP", "SETID", stream.key(0), "engage", copied)
    ((_, begin, end),) = sources(stream, consumer="next", position=later).read(10, 0.0).position["lost"]
    began = datetime.fromisoformat(begin)
    assert before - timedelta(hours=1) < began <= before <= datetime.fromisoformat(end)


def test_a_stream_that_was_emptied_before_it_was_read_is_a_gap_until_its_last_record(
    server: RedisServer, sources: Any
) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    server.command("XADD", stream.key(0), "1700000000000-0", "r", "0")
    assert all_of(source) == [0]
    for number in range(1, 41):
        server.command("XADD", stream.key(0), f"{1_700_000_000 + number}000-0", "r", str(number))
    server.command("XTRIM", stream.key(0), "MAXLEN", 0)
    ((_, begin, end),) = sources(stream).read(10, 0.0).position["lost"]
    moments = [int(datetime.fromisoformat(moment).timestamp()) for moment in (begin, end)]
    assert moments == [1_700_000_000, 1_700_000_040]


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


def test_a_cut_that_ends_exactly_behind_the_last_record_read_is_no_gap(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(10))
    assert all_of(source) == list(range(10))
    add(server, stream, range(10, 15))
    server.command("XTRIM", stream.key(0), "MAXLEN", 5)
    assert not any(shard.cut for shard in stream_status(stream).shards)
    later = sources(stream)
    assert all_of(later) == list(range(10, 15))
    assert later.read(1, 0.0).position["gaps"] == 0
    add(server, stream, range(15, 20))
    server.command("XTRIM", stream.key(0), "MAXLEN", 4)  # and one further is one
    again = sources(stream)
    assert all_of(again) == list(range(16, 20))
    assert again.read(1, 0.0).position["gaps"] == 1


def test_a_redis_that_is_full_is_read_by_a_new_consumer(server: RedisServer, sources: Any) -> None:
    stream = Stream(server.url)
    source = sources(stream)
    add(server, stream, range(5))
    assert all_of(source) == list(range(5))
    add(server, stream, range(5, 10))
    server.command("CONFIG", "SET", "maxmemory", 1)
    found = next_of(sources(stream, consumer="next"))
    assert (numbers(found), found.position["gaps"]) == ([5, 6, 7, 8, 9], 0)


def test_a_redis_that_is_full_before_its_first_consumer_gives_half_away_and_says_so(
    server: RedisServer, sources: Any
) -> None:
    stream = Stream(server.url)
    add(server, stream, range(20_000))
    server.command("CONFIG", "SET", "maxmemory", int(server.command("INFO", "memory")["used_memory"]) - 50_000)
    source = sources(stream)
    found = all_of(source, most=100_000)
    assert found == list(range(20_000 - len(found), 20_000))
    assert 0 < len(found) < 20_000
    assert source.read(1, 0.0).position["gaps"] >= 1


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("outage", ["killed", "held"])
def test_the_page_is_told_since_when_redis_does_not_answer_and_that_it_is_back(
    stopped_server: RedisServer, sources: Any, site: Any, staff_client: Client, outage: str
) -> None:
    server = stopped_server.start()
    consumer = Consumer(sources(Stream(server.url)), Engine(get_platform()), max_wait=0.05)
    headers: dict[str, str] = {}

    def told() -> Any:
        """What a page is told of the consumer; None where nothing has changed for it."""
        consumer.step()
        answer = staff_client.get(site.url, headers=headers)
        headers["If-None-Match"] = answer["ETag"]
        return None if answer.status_code == 304 else answer.json()["consumer"]

    first = told()
    assert first["unreachable_since"] is None
    began = datetime.now(UTC)
    server.kill() if outage == "killed" else server.hold()
    away = until(lambda: (found := told()) and found["unreachable_since"] and found)
    assert began - timedelta(seconds=1) < datetime.fromisoformat(away["unreachable_since"]) < datetime.now(UTC)
    assert away["lag_seconds"] < 30  # the consumer itself lives, and says so
    assert any("Redis does not answer since" in line for line in status()["todo"])
    server.start() if outage == "killed" else server.wake()
    back = until(told)
    assert back["unreachable_since"] is None


@pytest.mark.django_db(transaction=True)
def test_two_consumers_of_the_same_shards_say_so_and_one_that_follows_another_does_not(
    server: RedisServer, sources: Any, site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one, other, next_one = (Consumer(sources(Stream(server.url)), Engine(get_platform()), max_wait=0) for _ in range(3))

    def step(consumer: Consumer) -> str:
        consumer._written = min(consumer._written, 0.0)  # its heartbeat is due
        return consumer.step().other

    assert (step(one), step(one), step(other)) == ("", "", "")
    assert step(one) == other.instance
    assert step(other) == one.instance
    here = f"host {gethostname()}, process {os.getpid()}"
    assert f"another engage_consume ({here}) reads it beside this one ({here})" in caplog.text
    assert "give each its own --shards" in caplog.text
    (said,) = [line for line in status()["todo"] if "more than one engage_consume reads it" in line]
    assert here in said
    Checkpoint.objects.update(other_seen=None)
    assert (step(next_one), step(next_one)) == ("", ""), "the two have ended"
    assert status()["sources"][0]["readers"] == []


@pytest.mark.django_db(transaction=True)
def test_a_consumer_that_is_started_while_redis_is_away_says_so(
    stopped_server: RedisServer, site: Any, staff_client: Client
) -> None:
    def told() -> Any:
        return staff_client.get(site.url).json()["consumer"]

    seen: list[Any] = []

    def saved(sender: Any, **_: Any) -> None:
        if not seen:
            seen.append(told())
            stopped_server.start()

    post_save.connect(saved, sender=Checkpoint)
    try:
        words = ["--source", "redis", stopped_server.url, "--once", "--max-wait", "0"]
        call_command("engage_consume", *words)
    finally:
        post_save.disconnect(saved, sender=Checkpoint)
    assert seen[0]["unreachable_since"] is not None
    assert seen[0]["lag_seconds"] < 30
    assert told()["unreachable_since"] is None


def test_a_log_whose_folder_is_gone_is_not_reachable_and_one_that_nobody_has_written_yet_is(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    source = LogfileSource(folder / "tracking.log")
    source.read(1, 0.0)
    since = source.unreachable_since
    assert since is not None
    assert source.unreachable_since == since
    folder.mkdir()
    source.read(1, 0.0)
    assert source.unreachable_since is None
    (folder / "tracking.log").symlink_to(folder / "tracking.log")  # there, and cannot be opened
    assert source.unreachable_since is not None
