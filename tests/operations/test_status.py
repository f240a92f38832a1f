"""What the operator is told: how far each source is, what is kept, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.categories import Category, category_of
from engage_backend.engagement.live.lease import JobLease
from engage_backend.engagement.live.status import status
from engage_backend.management.doctor import examine
from engage_backend.models import Checkpoint, HistoryChunk, Kind
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line
from tests.operations.sites import ROOT
from tests.services import PATIENCE, RedisServer

EVENTS = sorted(clicks(101, 60), key=lambda event: event.time)


def consume(path: Path) -> None:
    call_command("engage_consume", str(path), "--once", "--max-wait", "0")


@pytest.fixture
def read_log(live: LiveSite, tmp_path: Path) -> Path:
    """A log of 60 events and four lines that are none, all of it read."""
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, EVENTS)) + b'{"broken\n\n\n' + line(EVENTS[0]._replace(learner=999)))
    consume(log)
    return log


def seen(ago: timedelta) -> None:
    Checkpoint.objects.update(updated=datetime.now(UTC) - ago)


def test_before_anything_ran_it_says_what_to_start(live: LiveSite) -> None:
    found = status()
    assert found["sources"] == []
    assert found["todo"][0].startswith("no consumer has run: start `engage_consume")


def test_a_source_that_is_read_to_its_end_has_no_lag_and_nothing_is_to_do(read_log: Path) -> None:
    (source,) = status()["sources"]
    assert (source["alive"], source["lag_seconds"], source["lag_events"]) == (True, 0.0, 0)
    assert (source["events"], source["broken"]) == (61, 1)
    assert source["rate"] > 0
    assert source["rejected"] == {"blank line": 2, "broken JSON": 1, "not enrolled": 1}
    assert source["last_event"] == datetime.fromtimestamp(EVENTS[-1].time / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    Checkpoint.objects.update(rejected={})
    assert status()["todo"] == []


def test_lag_is_the_age_of_the_first_line_that_waits_by_the_sites_clock(live: LiveSite, read_log: Path) -> None:
    waiting = [event._replace(time=EVENTS[-1].time + n * 1_000_000) for n, event in enumerate(EVENTS, 1)]
    with read_log.open("ab") as file:
        file.write(b"".join(map(line, waiting)) + b'{"half')
    site_now = live.engine().platform.now().timestamp()
    (source,) = status()["sources"]
    assert source["lag_events"] == 60
    assert source["lag_seconds"] == pytest.approx(site_now - waiting[0].time / 1e6, abs=0.1)
    consume(read_log)
    assert status()["sources"][0]["lag_events"] == 0


def test_lag_counts_rotated_files_too(read_log: Path) -> None:
    with read_log.open("ab") as file:
        file.write(b"".join(map(line, EVENTS[:10])))
    read_log.rename(read_log.with_name("tracking.log.1"))
    read_log.write_bytes(b"".join(map(line, EVENTS[:5])))
    found = status()["sources"][0]
    assert found["lag_events"] in (10, 15)  # what the next read hands out, or an estimate from the bytes
    assert found["lag_seconds"] > 0


@pytest.mark.parametrize(
    ("ago", "says"),
    [
        (timedelta(seconds=10), None),
        (timedelta(minutes=5), "last seen 5 minutes ago: start engage_consume"),
        (timedelta(days=3), "last seen 3 days ago"),
        (timedelta(days=30), "no consumer has run"),
    ],
)
def test_a_consumer_that_is_not_seen_any_more_is_to_be_started(
    read_log: Path, ago: timedelta, says: str | None
) -> None:
    Checkpoint.objects.update(rejected={})
    seen(ago)
    todo = status()["todo"]
    assert (says is None) == (todo == [])
    assert says is None or says in todo[0]


def test_broken_records_are_pointed_at_when_they_are_many(read_log: Path, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "QUARANTINE": "/somewhere/quarantine.jsonl"}
    assert any("1 records are broken" in line and "/somewhere/quarantine.jsonl" in line for line in status()["todo"])


def test_history_and_states_are_counted_in_bytes(read_log: Path) -> None:
    found = status()
    size = sum(len(bytes(data)) for data in HistoryChunk.objects.values_list("data", flat=True))
    assert found["history"] == {"events": 60, "bytes": size, "chunks": 1, "bytes_per_event": round(size / 60, 2)}
    assert found["states"]["count"] == 4
    assert found["states"]["bytes_per_learner"] > 0
    assert sum(found["learners"].values()) == 4


def test_the_share_of_events_that_the_model_understands(read_log: Path) -> None:
    kinds = status()["kinds"]
    logged = [event.kind for event in parse_lines(map(line, EVENTS))[0]]
    unknown = Counter(kind for kind in logged if category_of(kind) == Category.OTHER)
    assert 0 < unknown.total() < 60
    assert kinds["understood_share"] == round(1 - unknown.total() / 60, 4)
    assert kinds["unknown"] == [kind for kind, _ in unknown.most_common()]
    assert [run["understood_share"] for run in status()["runs"]] == [kinds["understood_share"]]
    said = StringIO()
    call_command("engage_status", stdout=said)
    assert f"which understands {kinds['understood_share']:.1%} of its events" in " ".join(said.getvalue().split())
    assert (kinds["registered"], kinds["most"]) == (Kind.objects.count(), 20_000)


def test_a_missing_model_and_a_late_pass_are_to_do(live: LiveSite, read_log: Path) -> None:
    (live.model / "card.json").unlink()
    live.clock(45)
    todo = status()["todo"]
    assert any(str(live.model) in line and line.startswith("no model") for line in todo)
    assert any(COURSE in line and "engage_tick" in line for line in todo)


def test_weights_that_are_cut_off_or_missing_are_to_do_for_status_and_doctor(live: LiveSite, read_log: Path) -> None:
    def told() -> tuple[bool, bool]:
        todo = any("copy the whole folder" in line and str(live.model) in line for line in status()["todo"])
        return todo, any(one.about == "model" and one.state == "wrong" for one in examine(None))

    assert told() == (False, False)
    weights = live.model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert told() == (True, True)
    weights.unlink()
    assert told() == (True, True)


def test_a_full_registry_is_said(read_log: Path) -> None:
    first = Kind.objects.count()
    Kind.objects.bulk_create(Kind(number=n, name=f"k{n}") for n in range(first, 20_000))
    assert any("registry of kinds is full" in line for line in status()["todo"])


def test_a_pass_under_way_names_its_holder(read_log: Path) -> None:
    assert status()["lease"] is None
    lease = JobLease("clock")
    lease.take(datetime.now(UTC))
    assert status()["lease"]["holder"] == lease.holder
    lease.take(datetime.now(UTC) - timedelta(hours=1))
    assert status()["lease"] is None


def test_the_command_prints_the_same_for_people_and_for_machines(read_log: Path) -> None:
    said, machine = StringIO(), StringIO()
    call_command("engage_status", stdout=said)
    call_command("engage_status", "--json", stdout=machine)
    found = json.loads(machine.getvalue())
    for expected in (
        str(read_log),
        "running",
        "61 events",
        "lag 0.0 s",
        "60 events in",
        "test in",
        COURSE,
        "broken JSON",
    ):
        assert expected in said.getvalue(), expected
    assert found["sources"][0]["source"] == f"logfile:{read_log}"
    assert all(f"! {line}" in said.getvalue() for line in found["todo"])


def test_it_says_that_all_is_well(read_log: Path) -> None:
    Checkpoint.objects.update(rejected={})
    said = StringIO()
    call_command("engage_status", stdout=said)
    assert said.getvalue().endswith("all is well\n")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as server:
        yield server


def test_streams_in_redis_are_told_with_what_waits_and_what_was_dropped(
    live: LiveSite, redis_server: RedisServer, settings: Any
) -> None:
    from engage_backend.conf import engage_settings
    from engage_backend.streams import GROUP, connect

    settings.ENGAGE = {**settings.ENGAGE, "STREAM": {"URL": redis_server.url, "SHARDS": 2}}
    stream = engage_settings().stream
    assert stream is not None
    client: Any = connect(redis_server.url, timeout=2.0, connect_timeout=1.0)
    try:
        for shard in range(2):
            client.execute_command("XGROUP", "CREATE", stream.key(shard), GROUP, "0", "MKSTREAM")
        for _ in range(3):
            client.xadd(stream.key(1), {"r": b"{}"})
        client.zadd(stream.hosts_key, {"web1": 1})
        client.hset(stream.host_key("web1"), mapping={"sent": 7, "dropped: no answer": 4})
    finally:
        client.close()
    found = status()
    assert (found["stream"]["lag_events"], found["stream"]["dropped"]) == (3, 4)
    assert any("the LMS dropped 4 records" in line for line in found["todo"])
    redis_server.kill()
    found = status()
    assert found["stream"]["trouble"]
    assert any("does not answer" in line for line in found["todo"])


def test_it_loads_no_torch() -> None:
    code = "import sys, django; django.setup(); import engage_backend.engagement.live.status; print('torch' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "False\n"
