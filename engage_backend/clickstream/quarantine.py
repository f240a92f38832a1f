"""Broken records, kept for whoever has to find out what broke them. What is well-formed and merely no click is not kept.

The file is bounded and never in the way: a full disk or a folder that may not be written costs the record, not the consumer.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse_lines

BROKEN = frozenset({Reason.BROKEN_JSON, Reason.NOT_AN_EVENT, Reason.NO_TIME, Reason.PIECE, Reason.LATER})
KEPT = 2_048  # bytes of a record
MAX_BYTES = 10_000_000  # of the file; with the one before it, twice that
COMPLAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


class Quarantine:
    """A file of JSON lines `{at, source, reason, position, record, of, bytes, text}`.

    `record` of `of`: the how-manieth of the batch that ended at `position`, from 1; 0: of an earlier batch. A batch that is
    read again after a crash is kept again. The file holds what the log held, names included: its owner alone may read it.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path, self.max_bytes = path, max_bytes
        self.dropped = 0  # records that could not be kept
        self._complained = float("-inf")

    def keep(
        self,
        source: str,
        records: Sequence[bytes],
        position: dict[str, Any],
        refused: Mapping[ClickEvent, str] = MappingProxyType({}),
        *,
        until: int | None = None,
    ) -> int:
        """Keep the broken records of a batch, and those later than `until` (µs). Return how many they are.

        Never raises for what the disk does.

        `refused`: events that could not be taken in, and why. One whose record is not in the batch is kept as a record that
        says the same.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        found: list[tuple[str, int, bytes]] = []  # reason, number in the batch, record
        left = dict(refused)
        for number, record in enumerate(records, start=1):
            events, reasons = parse_lines([record], until=until)
            why = [str(reason) for reason in reasons if reason in BROKEN]
            if refused:
                why += [refused[event] for event in events if event in refused]
                for event in events:
                    left.pop(event, None)
            if why:
                found.append((why[0], number, record))
        found += [(why, 0, _as_record(event)) for event, why in left.items()]
        lines = []
        for reason, number, record in found:
            entry = {
                "at": at,
                "source": source,
                "reason": reason,
                "position": position,
                "record": number,
                "of": len(records),
                "bytes": len(record),
                "text": record[:KEPT].decode("utf-8", "replace"),
            }
            lines.append(json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        try:
            self._append(lines)
        except OSError as error:
            self.dropped += len(lines)
            if time.monotonic() - self._complained > COMPLAIN_SECONDS:
                self._complained = time.monotonic()
                log.warning("%s: %d broken records could not be kept: %s", self.path, self.dropped, error.strerror)
        return len(lines)

    def _append(self, lines: list[bytes]) -> None:
        part: list[bytes] = []
        size = self._size()
        for line in lines:
            if size + len(line) > self.max_bytes and size:
                self._write(part)
                self.path.replace(twins(self.path)[1])
                part, size = [], 0
            part.append(line)
            size += len(line)
        self._write(part)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            data = b"".join(lines)
            written = os.write(handle, data)
            if written < len(data):  # the disk is full: what does not fit must not leave half a line behind
                os.ftruncate(handle, os.fstat(handle).st_size - written)
                raise OSError(28, "No space left on device")
        finally:
            os.close(handle)


def _as_record(event: ClickEvent) -> bytes:
    """What the event says, with the learner where a retirement looks for it."""
    fields = event._asdict()
    context = {"user_id": fields.pop("learner"), "course_id": fields.pop("course")}
    return json.dumps({"context": context, **fields}).encode()


def twins(path: Path) -> tuple[Path, Path]:
    """The file, and the one before it."""
    return path, path.with_name(path.name + ".1")


def erase(path: Path, unwanted: Callable[[dict[str, Any]], bool]) -> int:
    """Take the records that are `unwanted` out of the file and the one before it; how many.

    Each is written over where it lies, with an empty object and blanks: other processes append meanwhile, and what they write
    must not be lost. A line that cannot be read is taken out too. Of the two, the older is removed when nothing is left in
    it. Raises OSError.
    """
    erased = 0
    for file in twins(path):
        if file.exists() and not file.is_file():
            continue  # a pipe or a device: what went there is gone, and reading it may never end
        try:
            handle = file.open("r+b")
        except FileNotFoundError:
            continue
        with handle:
            at, left = 0, 0
            for line in handle.readlines():
                size = len(line.rstrip(b"\n"))
                if line.rstrip() not in (b"", b"{}"):
                    if _reads_as(line, unwanted):
                        os.pwrite(handle.fileno(), b"{}".ljust(size), at)
                        erased += 1
                    else:
                        left += 1
                at += len(line)
        if not left and file != path:  # the file itself may just be growing
            file.unlink(missing_ok=True)
    return erased


def _reads_as(line: bytes, unwanted: Callable[[dict[str, Any]], bool]) -> bool:
    try:
        found = json.loads(line)
    except ValueError:
        return True
    return not isinstance(found, dict) or unwanted(found)
