"""What a retired person left in the streams in Redis and in quarantine files is taken out by the clock, and nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engage_backend.clickstream.quarantine import Quarantine, twins
from engage_backend.clickstream.sources.redis_stream import RedisSource
from engage_backend.clickstream.stream_status import stream_status
from engage_backend.clickstream.whose import users_in
from engage_backend.governance.retirement import retire
from engage_backend.governance.sweep import AFTERMATH, Sweep
from engage_backend.models import Tombstone
from engage_backend.streams import Stream, shard_of
from engage_backend.tap.record import pack
from tests.clickstream.records import BACKEND, REAL, line
from tests.services import RedisServer

WHO, OTHER = 555_001, 5_550_012  # the one's number is a part of the other's


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


def record(user: int, name: str = "play_video") -> bytes:
    event = {"name": name, "timestamp": "2024-02-01T00:00:00Z", "data": {"id": "v1"}}
    packed = pack({**event, "context": {"user_id": user, "course_id": "course-v1:TestX+T101+2024", "path": "/event"}})
    assert packed is not None
    return packed.record


def add(server: RedisServer, stream: Stream, *users: int) -> None:
    for user in users:
        server.command("XADD", stream.key(shard_of(user, stream.shards)), "*", "r", record(user))


def waiting(server: RedisServer, stream: Stream) -> list[int]:
    keys = [stream.key(shard) for shard in range(stream.shards)]
    entries = [fields["r"] for key in keys for _, fields in server.command("XRANGE", key, "-", "+")]
    return sorted(user for entry in entries for user in users_in(entry.encode()))


@pytest.mark.parametrize("shards", [1, 4])
def test_unread_records_of_a_retired_person_leave_the_streams(
    db: None, server: RedisServer, settings: Any, shards: int
) -> None:
    stream = Stream(server.url, shards=shards)
    settings.ENGAGE = {"STREAM": {"URL": server.url, "SHARDS": shards}}
    add(server, stream, WHO, OTHER, WHO, 7, WHO)
    retire(WHO)
    assert waiting(server, stream) == sorted([7, WHO, WHO, WHO, OTHER])  # the receiver touches no Redis
    Sweep().run()
    assert waiting(server, stream) == [7, OTHER]
    assert Tombstone.objects.get().swept_at is not None


def test_a_consumer_takes_no_sweep_for_a_loss(db: None, server: RedisServer, settings: Any) -> None:
    stream = Stream(server.url)
    settings.ENGAGE = {"STREAM": {"URL": server.url}}
    source = RedisSource(stream)
    add(server, stream, WHO, OTHER)
    first = source.read(1, 1.0)  # the one of WHO: being stored, and not ours to delete
    add(server, stream, WHO, OTHER)
    retire(WHO)
    Sweep().run()
    source.commit(first.position)
    rest = source.read(100, 1.0)
    source.commit(rest.position)
    last = source.read(100, 0.0)
    assert [users_in(one) for one in rest.records] == [{OTHER}, {OTHER}]
    assert last.position["gaps"] == 0
    assert not any(shard.cut for shard in stream_status(stream).shards)
    source.close()


def test_while_redis_is_away_nothing_is_marked_as_done_and_it_is_tried_again(
    db: None, server: RedisServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Stream(server.url)
    settings.ENGAGE = {"STREAM": {"URL": server.url}}
    retire(WHO)
    server.kill()
    sweep = Sweep()
    with caplog.at_level(logging.INFO):
        sweep.run()
    assert Tombstone.objects.get().swept_at is None
    assert str(WHO) not in caplog.text
    server.start()
    add(server, stream, WHO, 7)
    sweep.run()
    assert waiting(server, stream) == [7]


def test_what_came_in_the_minutes_after_is_taken_out_too_and_then_it_is_over(
    db: None, server: RedisServer, settings: Any
) -> None:
    stream = Stream(server.url)
    settings.ENGAGE = {"STREAM": {"URL": server.url}}
    retire(WHO)
    sweep = Sweep()
    sweep.run()
    add(server, stream, WHO)
    long_ago = datetime.now(UTC) - AFTERMATH
    Tombstone.objects.update(retired_at=long_ago, swept_at=long_ago)
    sweep.run()
    assert waiting(server, stream) == []
    with CaptureQueriesContext(connection) as queries:
        sweep.run()
    assert len(queries) == 1


def kept(path: Path) -> list[dict[str, Any]]:
    lines = [one for file in twins(path) if file.exists() for one in file.read_bytes().splitlines()]
    return [found for one in lines if (found := json.loads(one))]


def test_quarantined_records_of_a_retired_person_are_taken_out_of_the_file_and_its_twin(
    db: None, tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "quarantine.jsonl"
    settings.ENGAGE = {"QUARANTINE": str(path)}
    whole = [line(time="never", context={"user_id": user}) for user in (WHO, OTHER)]
    cut = [one[: one.index(b"course_id")] for one in whole]
    nobody = b'{"username": "marked-username", "event_ty'
    quarantine = Quarantine(path, max_bytes=1_500)
    quarantine.keep("s", [*whole, *cut, nobody], {})
    assert all(file.exists() for file in twins(path))
    retire(WHO)
    Sweep().run()
    assert sorted(one["text"] for one in kept(path)) == sorted(one.decode() for one in (whole[1], cut[1]))
    left = b"".join(file.read_bytes() for file in twins(path) if file.exists())
    assert b"marked-username" not in left


def test_what_is_put_aside_later_stays_unless_it_names_a_retired_person(
    db: None, tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "quarantine.jsonl"
    settings.ENGAGE = {"QUARANTINE": str(path)}
    retire(WHO)
    Tombstone.objects.update(retired_at=datetime.now(UTC) - 2 * AFTERMATH)
    sweep = Sweep()
    for _ in range(2):  # a log of last year is backfilled, and again
        Quarantine(path).keep("s", [b"{broken", line(time="never", context={"user_id": WHO})], {})
        sweep.run()
    assert [one["text"] for one in kept(path)] == ["{broken", "{broken"]


def test_records_that_another_process_appends_meanwhile_are_not_lost(db: None, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "quarantine.jsonl"
    settings.ENGAGE = {"QUARANTINE": str(path)}
    Quarantine(path).keep("s", [line(time="never", context={"user_id": WHO})], {})
    other = path.open("ab")
    retire(WHO)
    Sweep().run()
    other.write(b'{"text": "appended"}\n')
    other.close()
    assert [one["text"] for one in kept(path)] == ["appended"]


def test_the_users_of_every_real_record_are_found() -> None:
    def of(record: bytes) -> set[int]:
        found = json.loads(record)
        return {int(user)} if (user := (found.get("context") or {}).get("user_id")) else set()

    for one in (*REAL, *BACKEND):
        assert of(one) <= users_in(one)
    assert users_in(b"2025-07-17 10:00:00,000 INFO 25 [tracking] [user 5] [ip 10.0.0.1] logger.py:41 - {") == {5}
    assert users_in(b'"event": "{\\"target_user_id\\": \\"77\\", \\\\\\"user_id\\\\\\": 78}"') == {77, 78}
