"""A tracking log that is still being written, followed across rotation, truncation and restarts."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from pathlib import Path
from typing import Any, BinaryIO

from engage_backend.clickstream.files import LONGEST_LINE
from engage_backend.clickstream.sources.base import Batch

BLOCK = 32 << 20  # bytes read at once: what a batch of 50,000 lines needs, as small batches cost four times as much
PAUSE = 0.05  # seconds between two looks at a file that has not grown
HEAD = 256  # first bytes of a file that tell it from another one in the same place

log = logging.getLogger(__name__)


class LogfileSource:
    """Follows one log file. A position is `{path, inode, offset, head_size, head}`.

    Only whole lines are handed out: a half-written one waits for its end. When the file is renamed and a new one
    takes its name, the old one is read to its end first; when it is truncated or replaced, reading starts at the
    beginning of what is there. A file that does not exist yet is waited for.
    """

    def __init__(self, path: Path, position: dict[str, Any] | None = None) -> None:
        self.path = path
        self.name = f"logfile:{path.resolve()}"  # the same wherever the command is started
        self._file: BinaryIO | None = None
        self._inode = 0
        self._offset = 0  # behind the last line handed out
        self._buffer = b""  # what follows it and was read already
        self._lines: list[bytes] = []  # whole lines of the buffer, the next one last
        self._head_size, self._head = 0, ""
        self._wanted = position or {}

    def read(self, max_records: int, max_wait: float) -> Batch:
        """The next lines, without their ends."""
        deadline = time.monotonic() + max_wait
        while True:
            records = self._take(max_records)
            if records or time.monotonic() >= deadline:
                return Batch(records, self._position())
            time.sleep(min(PAUSE, max(0.0, deadline - time.monotonic())))

    def commit(self, position: dict[str, Any]) -> None:
        """A file keeps no record of its readers: the checkpoint does."""

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take(self, max_records: int) -> list[bytes]:
        if not self._lines:
            self._fill()
        taken = self._lines[: -max_records - 1 : -1]
        del self._lines[len(self._lines) - len(taken) :]
        self._offset += sum(map(len, taken)) + len(taken)
        return taken

    def _fill(self) -> None:
        """Read on until there is a whole line, or nothing more for now."""
        while not self._lines:
            if self._file is None and not self._open():
                return
            assert self._file is not None
            if self._truncated():
                log.warning("%s was truncated or overwritten; reading it from its beginning", self.path)
                self._start_at(0)
            block = self._file.read(BLOCK)
            if block:
                self._keep(block)
            elif not self._moved_on():
                return

    def _keep(self, block: bytes) -> None:
        *whole, self._buffer = (self._buffer + block).split(b"\n")
        whole.reverse()
        self._lines = whole
        if len(self._buffer) > LONGEST_LINE and not whole:
            log.error("%s has a line of more than %d bytes; skipped", self.path, LONGEST_LINE)
            self._offset += len(self._buffer)
            self._buffer = b""

    def _open(self) -> bool:
        try:
            self._file = self.path.open("rb", buffering=0)
        except OSError:  # not there yet, or not there for the moment of a rotation
            return False
        self._inode = os.fstat(self._file.fileno()).st_ino
        self._start_at(self._resumed())
        return True

    def _resumed(self) -> int:
        """Where to go on: at the position that was kept, if this is the file it was kept for."""
        assert self._file is not None
        wanted, self._wanted = self._wanted, {}
        offset, size = wanted.get("offset"), wanted.get("head_size")
        if not isinstance(offset, int) or not isinstance(size, int) or offset <= 0:
            return 0
        if os.fstat(self._file.fileno()).st_size < offset or self._digest(size) != wanted.get("head"):
            rotated = self._rotated(wanted, offset, size)
            if rotated is None:
                log.warning("%s is not the file that was read last; reading it from its beginning", self.path)
                return 0
            self._file.close()
            self._file = rotated
            self._inode = os.fstat(rotated.fileno()).st_ino
        return offset

    def _rotated(self, wanted: dict[str, Any], offset: int, size: int) -> BinaryIO | None:
        """The file that was read last, when it was renamed beside its successor while nobody read it."""
        for other in sorted(self.path.parent.glob(self.path.name + "*")):
            try:
                if other == self.path or other.stat().st_ino != wanted.get("inode"):
                    continue
                file = other.open("rb", buffering=0)
            except OSError:
                continue
            if os.fstat(file.fileno()).st_size >= offset and _digest(file, size) == wanted.get("head"):
                return file
            file.close()
        return None

    def _start_at(self, offset: int) -> None:
        assert self._file is not None
        self._file.seek(offset)
        self._offset, self._buffer, self._lines = offset, b"", []
        self._head_size, self._head = 0, ""

    def _truncated(self) -> bool:
        assert self._file is not None
        if os.fstat(self._file.fileno()).st_size < self._offset + len(self._buffer):
            return True
        # Cut short and grown past the old end between two looks: the first bytes are others.
        return bool(self._head_size) and self._digest(self._head_size) != self._head

    def _moved_on(self) -> bool:
        """At the end: has another file taken the name? Then go on with that one."""
        assert self._file is not None
        try:
            there = self.path.stat()
        except OSError:
            return False
        if there.st_ino == self._inode:
            return False
        if os.fstat(self._file.fileno()).st_size > self._offset + len(self._buffer):
            return True  # its writer had a last word in between; read that first
        if self._buffer:
            # Its writer is gone: this line will not end any more. The parser says what it is.
            self._lines, self._buffer = [self._buffer], b""
            self._offset -= 1  # no line end follows it
            return True
        self.close()
        return True

    def _digest(self, size: int) -> str:
        assert self._file is not None
        return _digest(self._file, size)

    def _position(self) -> dict[str, Any]:
        if self._file is None:
            return self._wanted
        if self._head_size < HEAD and self._head_size < self._offset:
            self._head_size = min(HEAD, self._offset)
            self._head = self._digest(self._head_size)
        return {
            "path": str(self.path),
            "inode": self._inode,
            "offset": self._offset,
            "head_size": self._head_size,
            "head": self._head,
        }


def _digest(file: BinaryIO, size: int) -> str:
    """A short digest of the first bytes; the file is read on where it was. No content stands in a checkpoint."""
    return hashlib.sha256(os.pread(file.fileno(), min(size, HEAD), 0)).hexdigest()[:16]
