"""What the tap costs the request that emits an event: Redis up, away, silent, and not configured at all."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.sources.redis_stream import RedisSource
from engage_backend.streams import Stream
from engage_backend.tap.backend import TrackingBackend
from engage_backend.tap.record import pack
from engage_backend.tap.sender import Sender
from tests.services import RedisServer, free_port

EXCERPT = Path(__file__).resolve().parents[1] / "data" / "tracking" / "backend.jsonl"
COUNT = 2_000
BURST = 20_000
WAYS = {
    "in a request": "each after half a millisecond of other Python",
    "after a pause": "each after three milliseconds of sleep, which leaves every cache cold",
    "in a loop": "one after the other; more than the thread can send",
}


@pytest.fixture
def events() -> list[dict[str, Any]]:
    """Real events that become records, as the tracker hands them over."""
    told = [json.loads(line) for line in EXCERPT.read_bytes().splitlines()]
    found = [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in told]
    return [event for event in found if pack(event) is not None]


@contextmanager
def redis_that(does: str, folder: Path) -> Iterator[dict[str, Any]]:
    """ENGAGE for a Redis that is up, away, silent (connections are taken, nothing is answered), or none."""
    if does == "up":
        with RedisServer(folder) as server:
            yield {"STREAM": {"URL": server.url}}
    elif does == "silent":
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            yield {"STREAM": {"URL": f"redis://127.0.0.1:{listening.getsockname()[1]}/0"}}
    else:
        yield {"STREAM": {"URL": f"redis://127.0.0.1:{free_port()}/0"}} if does == "away" else {}


def timed(way: str, call: Callable[[Any], object], events: list[dict[str, Any]]) -> tuple[str, float]:
    """p50 and p99 of many calls, in microseconds, by the clock; and that p99."""
    count = BURST if way == "in a loop" else COUNT
    took = []
    start = time.perf_counter()
    for number in range(count):
        if way == "after a pause":
            select.select([], [], [], max(0.0, start + number / 300 - time.perf_counter()))
        if way == "in a request":
            json.loads(json.dumps(events, default=str))
        event = events[number % len(events)]
        clock = time.perf_counter_ns()
        call(event)
        took.append((time.perf_counter_ns() - clock) / 1e3)
    took.sort()
    late = took[count * 99 // 100]
    return f"p50 {took[count // 2]:5.1f}  p99 {late:6.1f}", late


@pytest.mark.bench
@pytest.mark.parametrize("way", WAYS)
def test_what_an_event_costs_its_request(way: str, events: list[dict[str, Any]], tmp_path: Path, settings: Any) -> None:
    print(f"\nMicroseconds an event, {way}: {WAYS[way]}. Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"  empty call     {timed(way, lambda event: None, events)[0]}")
    text, dumps = timed(way, lambda event: json.dumps(event, default=str), events)
    print(f"  json.dumps     {text}")
    for does in ("up", "away", "silent", "none"):
        with redis_that(does, tmp_path) as settings.ENGAGE:
            tap = TrackingBackend()
            for event in events:  # the first event starts the thread
                tap.send(event)
            text, late = timed(way, tap.send, events)
            print(f"  Redis {does:8} {text}  {late / dumps:.1f} times json.dumps (promised: p99 at most 1,000)")
            tap.close(10.0 if does == "up" else 0.1)


@pytest.mark.bench
def test_how_fast_records_pass_through_redis(events: list[dict[str, Any]], tmp_path: Path) -> None:
    records = [packed.record for event in events if (packed := pack(event))]
    total = 100_000
    with RedisServer(tmp_path) as server:
        stream = Stream(server.url)
        sender = Sender(stream, limit=total)
        start = time.perf_counter()
        for number in range(total):
            sender.put(0, records[number % len(records)])
        assert sender.close(120.0)
        sent = total / (time.perf_counter() - start)
        memory = server.client().info("memory")["used_memory"] / total
        source = RedisSource(stream)
        start, read = time.perf_counter(), 0
        while (batch := source.read(10_000, 0.0)).records:
            read += len(batch.records)
            source.commit(batch.position)
        took = read / (time.perf_counter() - start)
        source.close()
    assert read == total
    size = sum(map(len, records)) / len(records)
    print(
        f"\nrecords of {size:.0f} B, {memory:.0f} B in Redis: thread to Redis {sent:,.0f}/s, "
        f"Redis to consumer, acknowledged, {took:,.0f}/s"
    )
