"""What was lost is told until it was backfilled or given up, and a source that was replaced is asked for no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engage_backend.engagement.live.status import status
from engage_backend.messaging.automation.health import health
from engage_backend.models import Checkpoint
from engage_backend.platform.moments import from_microseconds
from tests.engagement.clicks import clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line
from tests.services import RedisServer

EVENTS = sorted(clicks(101, 60), key=lambda event: event.time)
HOUR = timedelta(hours=1)


@pytest.fixture
def log(live: LiveSite, tmp_path: Path) -> Path:
    """A log, all of it read by a consumer that is running."""
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, EVENTS)))
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    return log


def lose(*windows: tuple[datetime, datetime]) -> None:
    """What a Redis source keeps in its position about gaps."""
    lost = [[number, begin.isoformat(), end.isoformat()] for number, (begin, end) in enumerate(windows, 1)]
    keep(gaps=len(lost), lost=lost)


def keep(**told: Any) -> None:
    Checkpoint.objects.update(position={**Checkpoint.objects.get().position, **told})


def at(event: int) -> datetime:
    return from_microseconds(EVENTS[event].time)


def said(*words: str) -> str:
    out = StringIO()
    call_command("engage_status", *words, stdout=out)
    return out.getvalue()


def test_a_gap_is_told_with_its_time_until_that_time_was_backfilled(log: Path) -> None:
    later = at(-1) + 24 * HOUR
    lose((at(10), at(20)), (later, later + HOUR))
    todo = status()["todo"]
    assert [line.partition(" may be lost")[0].partition("that came ")[2] for line in todo] == [
        f"from {begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"
        for begin, end in ((at(10), at(20)), (later, later + HOUR))
    ]
    assert all("engage_backfill" in line and "--close-gaps" in line for line in todo)
    out = StringIO()
    call_command("engage_backfill", str(log), stdout=out)
    assert out.getvalue().count("closed the gap") == 1
    (left,) = status()["todo"]
    assert f"{later:%Y-%m-%dT%H:%M:%SZ}" in left


def test_a_part_of_the_time_does_not_close_a_gap(log: Path) -> None:
    lose((at(0) - HOUR, at(5)), (at(-5), at(-1) + HOUR))
    call_command("engage_backfill", str(log), stdout=StringIO())
    assert len(status()["todo"]) == 2


def test_logs_of_before_and_after_do_not_close_a_gap_and_the_log_between_does(log: Path, tmp_path: Path) -> None:
    wide = next(n for n in range(2, len(EVENTS)) if EVENTS[n].time - EVENTS[n - 2].time > 2 * 3_600 * 1_000_000)
    parts = {"before": EVENTS[: wide - 1], "after": EVENTS[wide:], "all": EVENTS}
    for name, events in parts.items():
        (tmp_path / name).write_bytes(b"".join(map(line, events)))
    lose((at(wide - 2) + timedelta(seconds=1), at(wide) - timedelta(seconds=1)))
    call_command("engage_backfill", str(tmp_path / "before"), str(tmp_path / "after"), stdout=StringIO())
    assert len(status()["todo"]) == 1
    call_command("engage_backfill", str(tmp_path / "all"), stdout=StringIO())
    assert status()["todo"] == []


def test_a_gap_that_ends_before_it_begins_is_closed_by_no_log(log: Path) -> None:
    lose((at(20), at(10)), (at(20), datetime(1970, 1, 1, tzinfo=UTC)))
    call_command("engage_backfill", str(log), stdout=StringIO())
    todo = status()["todo"]
    assert len(todo) == 2
    assert all("at some time" in line for line in todo)


def test_the_operator_closes_what_is_lost_for_good_and_a_later_gap_is_told_again(log: Path) -> None:
    now = datetime.now(UTC)
    lose((now - 2 * HOUR, now - HOUR))
    assert said("--close-gaps").endswith("all is well\n")
    lose((now - 2 * HOUR, now - HOUR), (now, now))
    assert len(status()["todo"]) == 1
    keep(gaps=3)  # one of which no time is known
    assert any("at some time" in line for line in status()["todo"])
    assert said("--close-gaps").endswith("all is well\n")


def test_closing_is_no_sign_of_life_of_a_consumer(log: Path) -> None:
    lose((at(1), at(2)))
    long_ago = datetime.now(UTC) - 3 * HOUR
    Checkpoint.objects.update(updated=long_ago)
    said("--close-gaps")
    assert Checkpoint.objects.get().updated == long_ago


def test_automation_hears_of_a_gap_that_is_open_and_of_no_other(log: Path) -> None:
    now = datetime.now(UTC)
    lose((now, now))
    assert (health(now).gaps, health(now).is_missing) == (1, True)
    said("--close-gaps")
    assert (health(now).gaps, health(now).is_missing) == (1, False)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as server:
        yield server


def test_a_stream_that_was_emptied_unread_is_a_gap_that_an_old_log_does_not_close(
    log: Path, redis_server: RedisServer
) -> None:
    key, words = "engage:lms:events:0", ["--source", "redis", redis_server.url, "--once", "--max-wait", "0"]
    redis_server.command("XADD", key, "*", "r", line(EVENTS[0]))
    call_command("engage_consume", *words)
    began = datetime.now(UTC).replace(microsecond=0)
    for event in EVENTS[1:41]:
        redis_server.command("XADD", key, "*", "r", line(event))
    redis_server.command("XTRIM", key, "MAXLEN", 0)
    call_command("engage_consume", *words)
    call_command("engage_backfill", str(log), stdout=StringIO())
    (gap,) = Checkpoint.objects.get(source="redis:lms").position["lost"]
    begin, end = map(datetime.fromisoformat, gap[1:])
    assert begin <= began <= end <= datetime.now(UTC)
    assert any(f"to {end:%Y-%m-%dT%H:%M:%SZ} may be lost" in told for told in status()["todo"])


def test_records_that_the_lms_dropped_are_closed_and_later_ones_are_told(
    log: Path, redis_server: RedisServer, settings: Any
) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "STREAM": {"URL": redis_server.url}}
    hosts, host = "engage:lms:taps", "engage:lms:tap:web1"
    redis_server.command("ZADD", hosts, 1, "web1")
    redis_server.command("HSET", host, "dropped: no answer", 4, "sent", 9)
    assert any("dropped 4 records" in line for line in status()["todo"])
    assert said("--close-gaps").endswith("all is well\n")
    redis_server.command("HSET", host, "dropped: no answer", 6)
    assert any("dropped 2 records" in line for line in status()["todo"])
    redis_server.command("HSET", host, "dropped: no answer", 1)  # it was silent for thirty days, and counts anew
    assert any("dropped 1 records" in line for line in status()["todo"])


def test_a_source_that_was_replaced_is_asked_for_no_more_until_somebody_reads_it_again(log: Path) -> None:
    source = f"logfile:{log}"
    with pytest.raises(CommandError, match="is being read"):
        said("--replaced", source)
    Checkpoint.objects.update(updated=datetime.now(UTC) - HOUR)
    Checkpoint.objects.create(source="redis:lms")
    (todo,) = status()["todo"]
    assert f"engage_status --replaced {source}" in todo
    told = said("--replaced", source)
    assert told.endswith("all is well\n")
    assert "replaced by another source" in told
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    Checkpoint.objects.filter(source=source).update(updated=datetime.now(UTC) + timedelta(seconds=1) - HOUR)
    Checkpoint.objects.filter(source=source).update(replaced_at=datetime.now(UTC) - 2 * HOUR)
    assert len(status()["todo"]) == 1


def test_a_source_that_nobody_knows_is_refused_with_those_that_are_known(log: Path) -> None:
    with pytest.raises(CommandError, match=r"Known sources: logfile:.*tracking\.log"):
        said("--replaced", "redis:elsewhere")
