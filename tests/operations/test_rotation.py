"""A log that is rotated in every way that logrotate knows, while it is read and while nobody reads it."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.clickstream.sources.rotated import rotated


class Log:
    """A log with its writer, its logrotate and its reader. Lines are numbered; each begins as a real one does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tracking.log"
        self.path.touch()
        self.written: list[bytes] = []
        self.read: list[bytes] = []
        self.source = LogfileSource(self.path)
        self.position: dict[str, Any] = {}
        self._day = 0
        self._clock = int(time.time()) - 30

    def tick(self, path: Path) -> None:
        """This file was written to a second later than any other before: the kernel's clock is coarser than a test."""
        self._clock += 1
        os.utime(path, (self._clock, self._clock))

    def write(self, count: int, path: Path | None = None) -> None:
        lines = [
            b'{"name": "play_video", "context": {"user_id": 5}, "n": %d}' % n
            for n in range(len(self.written), len(self.written) + count)
        ]
        with (path or self.path).open("ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))
        self.tick(path or self.path)
        self.written += lines

    def follow(self, size: int = 1_000_000) -> None:
        """Read what is there, as a consumer that keeps its position after each batch."""
        while True:
            batch = self.source.read(size, 0)
            self.position = json.loads(json.dumps(batch.position))
            if not batch.records:
                return
            self.read += batch.records

    def restart(self) -> None:
        self.source.close()
        self.source = LogfileSource(self.path, self.position)

    def numbered(self, number: int) -> Path | None:
        names = (f"tracking.log.{number}", f"tracking.log.{number}.gz")
        return next((self.path.with_name(name) for name in names if self.path.with_name(name).exists()), None)

    def shift(self) -> Path:
        """Make room for a new `.1`."""
        for number in range(30, 0, -1):
            if old := self.numbered(number):
                old.rename(str(old).replace(f".log.{number}", f".log.{number + 1}"))
        return self.path.with_name("tracking.log.1")

    def rename_and_create(self) -> Path:
        new = self.shift()
        self.path.rename(new)
        self.path.touch()
        self.tick(self.path)
        return new

    def copy_and_truncate(self) -> Path:
        new = self.shift()
        shutil.copyfile(self.path, new)
        self.tick(new)
        os.truncate(self.path, 0)
        self.tick(self.path)
        return new

    def dated(self) -> Path:
        self._day += 1
        new = self.path.with_name(f"tracking.log-202601{self._day:02d}-17672{self._day:05d}")
        self.path.rename(new)
        self.path.touch()
        self.tick(self.path)
        return new


def pack(path: Path) -> Path:
    """As gzip does it: another inode, the same time of last change."""
    stat = path.stat()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    path.unlink()
    return packed


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.source.close()


@pytest.mark.parametrize("way", ["rename_and_create", "copy_and_truncate", "dated"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("away", [False, True])
def test_nothing_is_lost_over_three_rotations(log: Log, way: str, packed: bool, away: bool) -> None:
    log.write(400)
    log.follow(size=100)
    log.write(50)
    if away:
        log.source.close()
    for _ in range(3):
        new = getattr(log, way)()
        if packed:
            pack(new)
        log.write(30)
    if away:
        log.restart()
    log.follow()
    log.write(5)
    log.follow()
    assert log.read == log.written


def test_a_place_in_the_middle_of_a_packed_file_is_found_again(log: Log) -> None:
    log.write(1_000)
    batch = log.source.read(7, 0)
    log.read, log.position = batch.records, batch.position
    log.source.close()
    for _ in range(2):
        pack(log.rename_and_create())
        log.write(10)
    log.restart()
    log.follow(size=17)
    assert log.read == log.written


def test_a_reader_that_dies_on_its_way_through_packed_files_goes_on_there(log: Log) -> None:
    log.write(100)
    log.follow()
    for _ in range(4):
        log.write(100)
        pack(log.rename_and_create())
    log.write(100)
    while len(log.read) < len(log.written):
        log.restart()
        batch = log.source.read(37, 0)
        log.read += batch.records
        log.position = json.loads(json.dumps(batch.position))
    assert log.read == log.written


def test_lines_of_a_logger_that_reopens_late_are_not_lost(log: Log) -> None:
    log.write(10)
    log.follow()
    old = log.rename_and_create()
    log.write(1)
    log.follow()
    log.write(5, old)  # syslog had the old file open until it was told
    log.follow()
    log.write(2)
    log.restart()
    log.write(3, old)
    log.follow()
    assert sorted(log.read) == sorted(log.written)


def test_a_half_line_of_the_old_file_is_ended_by_a_late_logger(log: Log) -> None:
    log.write(1)
    with log.path.open("ab") as file:
        file.write(b'{"half')
    log.follow()
    old = log.rename_and_create()
    log.write(1)
    log.follow()
    with old.open("ab") as file:
        file.write(b'": 1}\n')
    log.follow()
    assert log.read == [*log.written, b'{"half": 1}']


def test_a_file_that_is_gone_costs_its_end_alone_and_that_is_said(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.write(10)
    log.follow()
    log.source.close()
    log.write(2)
    gone = log.rename_and_create()
    log.write(4)
    pack(log.rename_and_create())
    log.write(4)
    gone.with_name("tracking.log.2").unlink()
    log.restart()
    log.follow()
    assert log.read == log.written[:10] + log.written[12:]
    assert "engage_backfill" in caplog.text


def test_a_first_start_reads_what_is_being_written_and_leaves_the_past_to_backfill(log: Log) -> None:
    log.write(10)
    log.rename_and_create()
    log.write(3)
    log.follow()
    assert log.read == log.written[10:]


def test_a_log_that_was_empty_when_it_was_last_seen_is_found_again(log: Log) -> None:
    log.follow()
    log.source.close()
    log.write(5)
    log.rename_and_create()
    log.write(5)
    log.restart()
    log.follow()
    assert log.read == log.written


def test_a_reused_inode_is_not_taken_for_the_file_that_had_it(log: Log) -> None:
    log.write(100)
    log.follow(size=50)
    log.source.close()
    log.write(5)
    pack(log.rename_and_create())
    log.write(400)
    log.position["inode"] = log.path.stat().st_ino  # the new file got the number of the old one
    log.restart()
    log.follow()
    assert log.read == log.written


def test_files_that_begin_alike_are_told_apart_by_what_follows(log: Log) -> None:
    same = b'{"name": "/api/poll", "context": {"user_id": 5}, "agent": "' + b"x" * 700 + b'", "time": "%04d"}\n'
    log.path.write_bytes(b"".join(same % n for n in range(8)))
    log.follow()
    log.source.close()
    log.path.write_bytes(b"".join(same % n for n in [0, *range(100, 120)]))
    log.restart()
    log.read.clear()
    log.follow()
    assert len(log.read) == 21


def test_a_damaged_packed_file_is_read_as_far_as_it_goes(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.write(1)
    log.follow()
    log.write(20_000)
    packed = pack(log.rename_and_create())
    packed.write_bytes(packed.read_bytes()[:-2_000])
    log.write(3)
    log.restart()
    log.follow()
    assert log.read[:1_000] == log.written[:1_000]
    assert set(log.written[-3:]) < set(log.read)
    assert "damaged" in caplog.text


def test_what_waits_is_told_in_bytes(log: Log) -> None:
    log.write(10)
    log.follow()
    assert log.source.waiting() == 0
    log.write(10)
    log.rename_and_create()
    log.write(10)
    assert log.source.waiting() == sum(len(line) + 1 for line in log.written[10:])


@pytest.mark.parametrize(
    "names",
    [
        ["tracking.log.10.gz", "tracking.log.9.xz", "tracking.log.2", "tracking.log.1"],
        ["tracking.log-20251231.gz", "tracking.log-20260101-1767225600.gz", "tracking.log-20260102"],
        ["tracking.log.2026-01-01", "tracking.log.2026-01-02"],
        ["tracking-20260101.log.gz", "tracking-20260102.log"],
    ],
)
def test_rotated_files_are_ordered_by_their_names(tmp_path: Path, names: list[str]) -> None:
    for at, name in enumerate(names):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000 - at, 1_000 - at))  # an archive was copied here: times say nothing
    for other in ("tracking.log", "tracking.log.lock", "tracking.log.1.tmp", "tracking.json", "tracking2.log.1"):
        (tmp_path / other).touch()
    assert [part.path.name for part in rotated(tmp_path / "tracking.log")] == names


def test_while_a_file_is_being_packed_the_plain_one_counts(tmp_path: Path) -> None:
    for name in ("tracking.log.1", "tracking.log.1.gz", "tracking.log.2.gz"):
        (tmp_path / name).touch()
    assert [part.path.name for part in rotated(tmp_path / "tracking.log")] == ["tracking.log.2.gz", "tracking.log.1"]


def test_an_xz_file_is_read_as_well(log: Log) -> None:
    log.write(10)
    log.follow(size=5)
    log.write(10)
    old = log.rename_and_create()
    old.with_name("tracking.log.1.xz").write_bytes(lzma.compress(old.read_bytes()))
    old.unlink()
    log.write(1)
    log.restart()
    log.follow()
    assert log.read == log.written


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_writes_rotations_packing_reads_and_restarts_loses_and_doubles_nothing(
    log: Log, seed: int
) -> None:
    dice = random.Random(seed)
    ways = dice.choice([["rename_and_create"], ["copy_and_truncate"], ["dated"], ["rename_and_create", "dated"]])
    unpacked: list[Path] = []
    log.write(1)
    log.follow()
    for _ in range(60):
        match dice.choice(["write", "write", "follow", "restart", "rotate", "pack"]):
            case "write":
                log.write(dice.randint(1, 200))
            case "follow":
                log.follow(size=dice.choice([1, 7, 1_000]))
            case "restart":
                log.restart()
            case "rotate":
                getattr(log, dice.choice(ways))()
                log.write(dice.randint(0, 3))
            case "pack":
                unpacked = [part.path for part in rotated(log.path) if not part.packed]
                for path in unpacked[: dice.randint(0, 2)]:
                    pack(path)
    log.follow()
    log.follow()
    assert sorted(log.read) == sorted(log.written)
