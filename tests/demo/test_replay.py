"""A package's lines reach the log: each once, in order, none before its time."""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from engage_backend.demo.clock import set_clock, speed
from engage_backend.demo.home import HomeError
from engage_backend.demo.load import load_package
from engage_backend.demo.replay import LINES_AT_ONCE, Replay, emit_all, follow, race, time_of
from engage_backend.engagement.package import read_package
from engage_backend.platform.api import get_platform
from tests.demo.conftest import START, line

FOREVER = START + timedelta(days=10_000)


def test_every_line_is_written_once_and_in_order(package_folder: Path, lines: list[bytes], tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    with Replay(read_package(package_folder), log) as replay:
        for day in range(12):
            emit_all(replay, START + timedelta(days=day))
        assert replay.finished
    assert log.read_bytes() == b"\n".join(lines) + b"\n"


def test_no_line_is_written_before_its_time(package_folder: Path, lines: list[bytes], tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    with Replay(read_package(package_folder), log) as replay:
        emit_all(replay, START)
        assert log.read_bytes().splitlines() == lines[:5]
        assert emit_all(replay, START + timedelta(hours=5, minutes=59)) == 0
        assert emit_all(replay, START + timedelta(hours=6)) == 1


def test_another_process_goes_on_where_the_first_stopped(
    package_folder: Path, lines: list[bytes], tmp_path: Path
) -> None:
    log = tmp_path / "tracking.log"
    with Replay(read_package(package_folder), log) as replay:
        emit_all(replay, START + timedelta(days=3))
    with Replay(read_package(package_folder), log) as replay:
        emit_all(replay, FOREVER)
    assert log.read_bytes().splitlines() == lines


def test_two_replays_into_one_log_are_refused(package_folder: Path, tmp_path: Path) -> None:
    package = read_package(package_folder)
    with Replay(package, tmp_path / "tracking.log"), pytest.raises(HomeError, match="in use"):
        Replay(package, tmp_path / "tracking.log")


def test_a_packed_log_of_more_than_one_write_arrives_whole(package_folder: Path, tmp_path: Path) -> None:
    many = [line(101, START + timedelta(seconds=n)) for n in range(2 * LINES_AT_ONCE + 7)]
    next(package_folder.glob("*events.log")).unlink()
    with gzip.open(package_folder / "T-events.log.gz", "wb") as file:
        file.write(b"\n".join(many) + b"\n")
    log = tmp_path / "tracking.log"
    writes: list[int] = []
    with Replay(read_package(package_folder), log) as replay:
        assert emit_all(replay, FOREVER, progress=writes.append) == len(many)
    assert max(writes) == LINES_AT_ONCE
    assert log.read_bytes().splitlines() == many


def test_lines_that_say_no_time_follow_the_line_before_them(package_folder: Path, tmp_path: Path) -> None:
    file = next(package_folder.glob("*events.log"))
    first, later = line(101, START), line(101, START + timedelta(days=1))
    file.write_bytes(b"\n".join([first, b"not JSON", b'{"time": 5}', b"", later]) + b"\n")
    log = tmp_path / "tracking.log"
    with Replay(read_package(package_folder), log) as replay:
        emit_all(replay, START)
    assert log.read_bytes().splitlines()[:3] == [first, b"not JSON", b'{"time": 5}']
    assert later not in log.read_bytes()


def test_the_time_of_a_line_is_its_own_and_not_its_payloads() -> None:
    record = json.loads(line(101, START)) | {"event": {"time": "1999-01-01T00:00:00+00:00"}}
    assert time_of(json.dumps(record).encode()) == START
    assert time_of(b"2026-01-05 INFO [tracking] - " + json.dumps(record).encode()) == START
    assert time_of(b'{"time": "2026-01-05T00:00:00"}') == START


@pytest.mark.django_db
def test_a_race_ends_with_every_line_written_and_the_clock_at_its_day(
    package_folder: Path, lines: list[bytes], tmp_path: Path
) -> None:
    package = read_package(package_folder)
    load_package(package)
    set_clock(START, speed=0)
    log = tmp_path / "tracking.log"
    with Replay(package, log) as replay:
        race(replay, stop=threading.Event())
    assert log.read_bytes().splitlines() == lines
    last = time_of(lines[-1])
    assert last is not None
    assert last <= get_platform().now() <= last + timedelta(days=1)
    assert speed() == 1


@pytest.mark.django_db
def test_a_race_waits_for_whoever_reads_the_log(package_folder: Path, tmp_path: Path) -> None:
    package = read_package(package_folder)
    load_package(package)
    set_clock(START, speed=0)
    log = tmp_path / "tracking.log"
    asked: list[int] = []

    def keeps_up() -> bool:
        asked.append(len(log.read_bytes().splitlines()))
        return len(asked) % 3 == 0  # says "not yet" twice a day

    with Replay(package, log) as replay:
        race(replay, stop=threading.Event(), keeps_up=keeps_up)
    for first, second, third in zip(asked[::3], asked[1::3], asked[2::3], strict=True):
        assert first == second == third, "the next day's lines came before the last day's were read"


@pytest.mark.django_db
def test_following_the_clock_stops_when_told_and_writes_nothing_of_the_future(
    package_folder: Path, lines: list[bytes], tmp_path: Path
) -> None:
    package = read_package(package_folder)
    load_package(package)
    set_clock(START, speed=0)
    stop = threading.Event()
    with Replay(package, tmp_path / "tracking.log") as replay:
        follow(replay, stop=stop, progress=lambda count: stop.set())
        assert replay.written == 5


def test_whoever_looks_how_far_it_came_never_meets_half_an_answer(package_folder: Path, tmp_path: Path) -> None:
    log, seen, ended = tmp_path / "tracking.log", set(), threading.Event()

    def look() -> None:
        while not ended.is_set():
            if log.with_name("replay.json").exists():
                seen.add(json.loads(log.with_name("replay.json").read_bytes())["lines"])

    with Replay(read_package(package_folder), log) as replay, ThreadPoolExecutor(1) as other:
        looking = other.submit(look)
        for hour in range(24 * 12):
            replay.emit(START + timedelta(hours=hour))
        ended.set()
        looking.result()
    assert seen
