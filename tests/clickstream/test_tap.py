"""The tap in front of a real Redis that comes, goes, hangs and fills up; and in a process with an LMS's event tracking."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse, parse_lines
from engage_backend.clickstream.sources.redis_stream import RedisSource
from engage_backend.clickstream.stream_status import stream_status
from engage_backend.conf import engage_settings
from engage_backend.streams import Stream, shard_of
from engage_backend.tap.backend import TrackingBackend
from engage_backend.tap.sender import Sender
from tests.clickstream.records import BACKEND, COURSE, EXCERPT
from tests.clickstream.test_parse import pairs
from tests.services import PATIENCE, RedisServer, free_port, until

ROOT = Path(__file__).resolve().parents[2]


def event_of(learner: int) -> dict[str, Any]:
    context = {"user_id": learner, "course_id": COURSE, "path": "/event", "event_source": "server"}
    return {"name": "play_video", "timestamp": datetime.now(UTC), "data": {"id": "v1"}, "context": context}


def in_stream(server: RedisServer, stream: Stream) -> list[bytes]:
    with server.client() as client:
        found = [client.xrange(stream.key(shard)) for shard in range(stream.shards)]
    return [fields["r"].encode() for entries in found for _, fields in entries]


def learners(records: list[bytes]) -> Counter[int]:
    return Counter(event.learner for event in parse_lines(records)[0])


@pytest.fixture
def backend(settings: Any) -> Any:
    """A backend, which has not seen the settings yet; it is closed after the test."""
    made = TrackingBackend()
    yield made
    made.close()


def point_to(settings: Any, url: str, **more: Any) -> Stream:
    settings.ENGAGE = {"STREAM": {"URL": url, **more}}
    found = engage_settings().stream
    assert found is not None
    return found


# The way of a record


def test_events_become_the_same_clicks_as_the_lines_of_the_log(
    server: RedisServer, settings: Any, backend: TrackingBackend
) -> None:
    stream = point_to(settings, server.url, SHARDS=3)
    both = pairs(EXCERPT / "lms.jsonl", EXCERPT / "backend.jsonl")
    for line in BACKEND:
        told = json.loads(line)
        backend.send({**told, "timestamp": datetime.fromisoformat(told["timestamp"])})
    assert backend.close()
    source = RedisSource(stream)
    clicks, _ = parse_lines(source.read(1000, 1.0).records)
    source.close()
    assert set(clicks) == {found for line in BACKEND if isinstance(found := parse(line), ClickEvent)}
    logged = {found for line, _ in both if isinstance(found := parse(line), ClickEvent)}
    assert len(logged) >= 8
    assert logged <= set(clicks)


def test_a_learners_records_are_all_in_one_shard(server: RedisServer, settings: Any, backend: TrackingBackend) -> None:
    stream = point_to(settings, server.url, SHARDS=4)
    for learner in [*range(1, 41), *range(1, 41)]:
        backend.send(event_of(learner))
    assert backend.close()
    with server.client() as client:
        lengths = [client.xlen(stream.key(shard)) for shard in range(4)]
    assert sum(lengths) == 80
    assert all(lengths)
    for shard in range(4):
        only = Stream(server.url, shards=4)
        source = RedisSource(only, shards=[shard])
        found = learners(source.read(100, 0.0).records)
        source.close()
        assert set(found) == {learner for learner in range(1, 41) if shard_of(learner, 4) == shard}
        assert set(found.values()) == {2}


def test_the_stream_keeps_to_its_length(server: RedisServer, settings: Any, backend: TrackingBackend) -> None:
    point_to(settings, server.url, MAXLEN=1000)
    for learner in range(1, 3001):
        backend.send(event_of(learner))
    assert backend.close(10.0)
    assert 1000 <= server.command("XLEN", "engage:lms:events:0") < 1300


# Redis comes and goes


def test_what_was_sent_while_redis_was_not_there_yet_arrives(
    stopped_server: RedisServer, settings: Any, backend: TrackingBackend, caplog: pytest.LogCaptureFixture
) -> None:
    stream = point_to(settings, stopped_server.url)
    for learner in range(1, 101):
        backend.send(event_of(learner))
    until(lambda: "no records to Redis" in caplog.text)
    stopped_server.start()
    until(lambda: len(in_stream(stopped_server, stream)) >= 100)
    until(lambda: "takes records again" in caplog.text)
    assert learners(in_stream(stopped_server, stream)) == Counter(range(1, 101))


def test_nothing_is_lost_when_redis_is_killed_and_comes_back(
    stopped_server: RedisServer, settings: Any, backend: TrackingBackend
) -> None:
    stream = point_to(settings, stopped_server.url)
    stopped_server.start()
    for learner in range(1, 3001):
        backend.send(event_of(learner))
        if learner == 1000:
            until(lambda: in_stream(stopped_server, stream))
            stopped_server.kill()
        if learner == 2000:
            stopped_server.start()
    assert backend.close(20.0)
    assert set(learners(in_stream(stopped_server, stream))) == set(range(1, 3001))


def test_a_redis_that_hangs_costs_the_request_nothing_and_is_made_up_for(
    server: RedisServer, settings: Any, backend: TrackingBackend, caplog: pytest.LogCaptureFixture
) -> None:
    stream = point_to(settings, server.url)
    backend.send(event_of(1))
    until(lambda: in_stream(server, stream))
    server.hold()
    try:
        start = time.perf_counter()
        for learner in range(2, 502):
            backend.send(event_of(learner))
        assert time.perf_counter() - start < 2.5  # a single answer waited for each would take 50
        until(lambda: "no records to Redis" in caplog.text)
    finally:
        server.wake()
    until(lambda: set(learners(in_stream(server, stream))) == set(range(1, 502)))


def test_a_full_queue_drops_and_counts_where_status_sees_it(server: RedisServer) -> None:
    stream = Stream(server.url)
    sender = Sender(stream, limit=50)
    sender.put(0, b"{}")
    until(lambda: server.command("XLEN", stream.key(0)))
    server.hold()
    try:
        for _ in range(500):
            sender.put(0, b"{}")
        assert 500 - 50 - 100 <= sender.dropped["queue full"] <= 500 - 50  # a batch of 100 may be under way
    finally:
        server.wake()
    assert sender.close(10.0)
    status = stream_status(stream)
    (counts,) = status.taps.values()
    assert counts["dropped: queue full"] == status.dropped == sender.dropped["queue full"]
    assert counts["sent"] == 501 - status.dropped
    assert abs(counts["updated"] - time.time()) < 60


def test_a_redis_that_is_full_takes_the_records_once_it_has_room(server: RedisServer) -> None:
    stream = Stream(server.url)
    server.command("CONFIG", "SET", "maxmemory", "1")
    sender = Sender(stream)
    sender.put(0, b"{}")
    until(lambda: sender._away_since is not None)
    assert server.command("XLEN", stream.key(0)) == 0
    server.command("CONFIG", "SET", "maxmemory", "0")
    assert until(lambda: server.command("XLEN", stream.key(0))) == 1
    assert sender.close()
    assert not sender.dropped


def test_what_redis_will_never_take_is_dropped_and_holds_up_nothing(server: RedisServer) -> None:
    stream = Stream(server.url, shards=2)
    server.command("SET", stream.key(0), "no stream")
    sender = Sender(stream)
    for _ in range(20):
        sender.put(0, b"{}")
        sender.put(1, b"{}")
    assert sender.close(5.0)
    assert sender.dropped == {"refused by Redis": 20}
    assert server.command("XLEN", stream.key(1)) == 20


def test_trouble_is_told_once_a_minute_and_never_with_the_password(caplog: pytest.LogCaptureFixture) -> None:
    attempts = 0
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def count() -> None:
            nonlocal attempts
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return
                attempts += 1

        threading.Thread(target=count, daemon=True).start()
        sender = Sender(Stream(f"redis://:sesame@127.0.0.1:{listening.getsockname()[1]}/0"))
        sender.put(0, b"{}")
        until(lambda: attempts >= 4)
        sender.close()
        listening.shutdown(socket.SHUT_RDWR)
    told = [record for record in caplog.records if record.name.startswith("engage_backend.tap")]
    assert len(told) == 1
    assert "sesame" not in caplog.text


# The LMS does not notice


@pytest.mark.parametrize(
    "event", [None, {}, [], {"name": 3, "context": 5}, {"name": "x", "context": {"user_id": 1}, 5: 6}]
)
def test_an_event_that_is_none_raises_nothing(
    server: RedisServer, settings: Any, backend: TrackingBackend, event: Any
) -> None:
    stream = point_to(settings, server.url)
    backend.send(event)
    backend.send(event_of(1))
    assert backend.close()
    assert learners(in_stream(server, stream)) == {1: 1}


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_value_that_cannot_be_told_costs_its_record_alone_and_is_counted(
    server: RedisServer, settings: Any, backend: TrackingBackend
) -> None:
    stream = point_to(settings, server.url)
    event = event_of(1)
    event["context"]["page"] = Unspeakable()
    backend.send(event)
    backend.send({**event_of(2), "data": {"id": "x" * 10_000}})
    backend.send(event_of(3))
    assert backend.close()
    assert learners(in_stream(server, stream)) == {3: 1}
    (counts,) = stream_status(stream).taps.values()
    assert (counts["dropped: not readable"], counts["dropped: too long"], counts["sent"]) == (1, 1, 1)


@pytest.mark.parametrize("given", [None, {}, {"STREAM": None}, {"STREAM": {"URL": "http://x"}}, {"STREAM": 5}])
def test_without_a_usable_stream_nothing_is_done(settings: Any, backend: TrackingBackend, given: Any) -> None:
    settings.ENGAGE = given
    before = threading.active_count()
    for _ in range(10):
        backend.send(event_of(1))
    assert threading.active_count() == before
    assert backend.close()


def test_the_settings_count_from_the_first_event_on(
    server: RedisServer, settings: Any, backend: TrackingBackend
) -> None:
    stream = point_to(settings, server.url)  # after the backend was made, as a site's own file comes after ours
    backend.send(event_of(1))
    until(lambda: in_stream(server, stream))


def lms_process(deed: str, count: int, engage: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """What such a process said, and what it wrote to its log."""
    environment = {**os.environ, "ENGAGE": json.dumps(engage), "PYTHONPATH": str(ROOT)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.clickstream.lms_process", deed, str(count)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_the_tracker_of_an_lms_brings_every_event_until_the_process_ends(server: RedisServer) -> None:
    stream = Stream(server.url, prefix="other")
    said, _ = lms_process("emit", 500, {"STREAM": {"URL": server.url, "PREFIX": "other"}})
    assert "engage-tap" in said["threads"]
    found = in_stream(server, stream)
    assert learners(found) == Counter(range(1, 501))
    assert b"MARKED" not in b"".join(found)


def test_an_lms_that_forks_sends_every_event_once(server: RedisServer) -> None:
    said, _ = lms_process("fork", 100, {"STREAM": {"URL": server.url}})
    assert said == {"children": [0, 0]}
    expected = [*range(1, 101), *range(1001, 1101), *range(2001, 2101), *range(3001, 3101)]
    assert set(learners(in_stream(server, Stream(server.url)))) == set(expected)


def test_the_thread_imports_nothing_so_that_a_fork_cannot_cut_an_import_in_two(server: RedisServer) -> None:
    code = f"""
import sys
from engage_backend.streams import Stream
from engage_backend.tap.sender import Sender
sender = Sender(Stream("redis://localhost:{server.port}/0"))
before = set(sys.modules)
sender.put(0, b"1")
done = sender.close(10.0)
away = Sender(Stream("redis://localhost:{free_port()}/0"))
away.put(0, b"1")
print(done, away.close(0.2), sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "True False []\n", done.stderr


@pytest.mark.parametrize("hangs", [True, False])
def test_an_lms_ends_and_answers_in_time_when_redis_does_not(server: RedisServer, hangs: bool) -> None:
    url = server.url if hangs else f"redis://127.0.0.1:{free_port()}/0"
    server.hold()
    start = time.monotonic()
    said, told = lms_process("emit", 200, {"STREAM": {"URL": url}})
    server.wake()
    assert time.monotonic() - start < 30  # most of it is Python's and Django's own start
    assert said["seconds"] < 5  # 200 events that waited for one answer each would take 20
    assert "200 records unsent" in told


def test_an_lms_without_a_stream_loads_no_client_and_starts_no_thread() -> None:
    said, told = lms_process("emit", 50, {})
    assert said["threads"] == ["MainThread"]
    assert told == ""
