"""A log that is being written: nothing is lost, nothing comes in halves."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.sources.logfile import MAX_BYTES, LogfileSource
from engage_backend.clickstream.sources.reading import BLOCK

Follow = Callable[..., LogfileSource]


def write(path: Path, text: bytes, mode: str = "ab") -> None:
    with path.open(mode) as file:
        file.write(text)


def drain(source: LogfileSource, size: int = 1000) -> list[bytes]:
    found: list[bytes] = []
    while records := source.read(size, 0).records:
        found += records
    return found


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Opens sources, from a position as a database keeps it, and closes them after the test."""
    opened: list[LogfileSource] = []

    def start(path: Path, position: dict[str, Any] | None = None, **options: float) -> LogfileSource:
        opened.append(LogfileSource(path, json.loads(json.dumps(position)), **options))
        return opened[-1]

    yield start
    for source in opened:
        source.close()


def test_lines_come_in_order_in_batches_of_any_size(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    lines = [b"line %d" % n for n in range(1000)]
    write(path, b"\n".join(lines) + b"\n")
    for size in (1, 7, 1000, 5000):
        assert drain(follow(path), size) == lines


def test_a_half_written_line_waits_for_its_end(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntw")
    source = follow(path)
    assert drain(source) == [b"one"]
    write(path, b"o")
    assert drain(source) == []
    write(path, b"\n")
    assert drain(source) == [b"two"]


def test_a_reader_that_starts_again_goes_on_where_it_was(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntwo\nthree\nfo")
    source = follow(path)
    batch = source.read(2, 0)
    assert batch.records == [b"one", b"two"]
    source.close()
    again = follow(path, batch.position)
    write(path, b"ur\n")
    assert drain(again) == [b"three", b"four"]


def test_every_position_on_the_way_is_one_to_start_from(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    lines = [b"x" * n for n in range(60)]
    write(path, b"\n".join(lines) + b"\n")
    source = follow(path)
    for done in range(1, 61):
        batch = source.read(1, 0)
        assert drain(follow(path, batch.position)) == lines[done:]


def test_rename_and_create_loses_nothing_of_the_old_file(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntwo\n")
    source = follow(path)
    assert source.read(1, 0).records == [b"one"]
    path.rename(tmp_path / "tracking.log-20260101")
    write(tmp_path / "tracking.log-20260101", b"three\n")
    write(path, b"four\n")
    assert drain(source) == [b"two", b"three", b"four"]
    assert source.read(1, 0).position["inode"] == path.stat().st_ino


def test_a_rotation_between_two_starts_loses_nothing(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntwo\n")
    batch = follow(path).read(1, 0)
    path.rename(tmp_path / "tracking.log.1")
    write(path, b"three is longer than what was read before\n")
    assert drain(follow(path, batch.position)) == [b"two", b"three is longer than what was read before"]


def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntwo\n")
    source = follow(path)
    assert drain(source) == [b"one", b"two"]
    os.truncate(path, 0)
    assert drain(source) == []
    write(path, b"new\n")
    assert drain(source) == [b"new"]


def test_a_file_cut_short_and_grown_past_its_old_end_is_noticed(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\ntwo\n")
    source = follow(path)
    batch = source.read(10, 0)
    write(path, b"other\nand more than before\n", mode="wb")
    assert drain(source) == [b"other", b"and more than before"]
    assert drain(follow(path, batch.position)) == [b"other", b"and more than before"]


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    source = follow(path)
    assert source.read(10, 0).records == []
    write(path, b"one\n")
    assert source.read(10, 5).records == [b"one"]


def test_a_waiting_reader_gets_a_line_as_soon_as_it_is_written(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    path.touch()
    source = follow(path)
    assert source.read(10, 0).records == []
    writer = threading.Timer(0.1, write, (path, b"one\n"))
    writer.start()
    assert source.read(10, 30).records == [b"one"]
    writer.join()


def test_the_last_half_line_of_a_file_whose_writer_is_gone_is_handed_out(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\nhal")
    source = follow(path, linger=0.0)
    assert drain(source) == [b"one"]
    path.rename(tmp_path / "tracking.log.1")
    write(path, b"two\n")
    assert drain(source) == [b"two", b"hal"]


def test_a_position_holds_nothing_of_what_the_log_says(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"secret-name\n")
    assert "secret" not in json.dumps(follow(path).read(1, 0).position)


def test_a_position_of_another_kind_starts_at_the_beginning(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "tracking.log"
    write(path, b"one\n")
    for position in ({}, {"offset": "x"}, {"offset": 10**12, "head_size": 4, "head": "0"}, {"offset": 2}):
        assert drain(follow(path, position)) == [b"one"]


def test_a_source_has_one_name_wherever_it_is_started(
    tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert follow(Path("tracking.log")).name == follow(tmp_path / "tracking.log").name


def test_a_backlog_comes_in_large_batches_however_little_is_read_at_once(tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    lines = [b"%09d " % n + b"x" * 990 for n in range(3 * BLOCK // 1000)]
    log.write_bytes(b"\n".join(lines) + b"\nhalf")
    source = LogfileSource(log)
    first = source.read(len(lines) - 1_000, 0)
    rest = source.read(len(lines), 0)
    assert [len(first.records), len(rest.records)] == [len(lines) - 1_000, 1_000]
    assert first.records + rest.records == lines
    again = LogfileSource(log, first.position)
    assert again.read(len(lines), 0) == rest
    with log.open("ab") as out:
        out.writelines(b"%d\n" % n for n in range(2))
    assert source.read(10, 0).records == again.read(10, 0).records == [b"half0", b"1"]
    source.close(), again.close()


def test_a_batch_of_long_lines_ends_before_it_fills_the_memory(tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    line = b"x" * (BLOCK // 4) + b"\n"
    count = 6 * MAX_BYTES // BLOCK
    with log.open("wb") as out:
        for _ in range(count):
            out.write(line)
    source = LogfileSource(log)
    batches = [len(source.read(100_000, 0).records) for _ in range(2)]
    assert sum(batches) == count and max(batches) * len(line) <= MAX_BYTES + 2 * BLOCK
    source.close()
