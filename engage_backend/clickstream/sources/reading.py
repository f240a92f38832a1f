"""One open log file, read in whole lines."""

from __future__ import annotations

import logging
import lzma
import os
import zlib
from typing import Any, BinaryIO

from engage_backend.clickstream.files import LONGEST_LINE
from engage_backend.clickstream.sources.rotated import HEAD, digest

BLOCK = 4 << 20  # bytes read at once: beside the lines that were made of it, it stands in memory twice

log = logging.getLogger(__name__)


class Reading:
    """A file from `offset` on. What lies between the last line handed out and the end of what was read waits here."""

    def __init__(self, stream: BinaryIO, name: str, *, packed: bool = False, offset: int = 0) -> None:
        """`stream` stands at its beginning; with an offset, its first bytes were found to be the right ones."""
        self.name, self.packed = name, packed
        self.inode = os.fstat(stream.fileno()).st_ino
        self.offset = offset  # behind the last line handed out
        self.lines: list[bytes] = []  # whole lines that wait, the next one last
        self._stream = stream
        self._damaged = False
        self._rest = b""  # a line that has no end yet
        self._end = offset  # of what was read
        self._head = stream.read(min(HEAD, offset)) if offset else b""
        if offset:
            stream.seek(offset)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def fill(self) -> bool:
        """Read one block; False at the end of the file."""
        block = self._block()
        if not block:
            return False
        if self._end < HEAD:
            self._head += block[: HEAD - self._end]
        self._end += len(block)
        *whole, self._rest = (self._rest + block).split(b"\n")
        whole.reverse()
        self.lines = whole + self.lines if self.lines else whole
        if len(self._rest) > LONGEST_LINE and not whole:
            log.error("%s has a line of more than %d bytes; skipped", self.name, LONGEST_LINE)
            self.offset += len(self._rest)
            self._rest = b""
        return True

    def _block(self) -> bytes:
        if not self.packed:
            return self._stream.read(BLOCK)
        pieces: list[bytes] = []
        size = 0
        while size < BLOCK and not self._damaged:
            try:  # piece by piece: what comes before a damage must not be lost with what meets it
                piece = self._stream.read1(BLOCK)  # type: ignore[attr-defined]
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as damage:
                self._damaged = True
                log.error("%s is damaged and was read as far as that: %s", self.name, damage)
                break
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def take(self, most: int) -> list[bytes]:
        """The next whole lines, without their ends."""
        taken = self.lines[: -most - 1 : -1]
        del self.lines[len(self.lines) - len(taken) :]
        self.offset = min(self._end, self.offset + sum(map(len, taken)) + len(taken))  # the last line may have no end
        return taken

    def finish(self) -> bool:
        """Nobody writes here any more: what has no end is a line too. Whether there was anything."""
        if not self._rest:
            return False
        self.lines, self._rest = [self._rest, *self.lines], b""
        return True

    def truncated(self) -> bool:
        """Whether the file is not the one any more that was being read: shorter, or of another beginning."""
        if self.packed:
            return False
        number = self._stream.fileno()
        # Cut short and grown past the old end between two looks: only the first bytes tell.
        return os.fstat(number).st_size < self._end or os.pread(number, len(self._head), 0) != self._head

    def changed(self) -> int:
        """When the file was last written to, nanoseconds since 1970."""
        return os.fstat(self._stream.fileno()).st_mtime_ns

    def waiting(self) -> int:
        """Bytes that were not handed out; of a packed file none is known."""
        return 0 if self.packed else os.fstat(self._stream.fileno()).st_size - self.offset

    def position(self) -> dict[str, Any]:
        """Where whoever goes on finds this file again, and the place in it."""
        size = min(HEAD, self.offset)
        return {
            "inode": self.inode,
            "offset": self.offset,
            "head_size": size,
            "head": digest(self._head[:size]),
            "changed": self.changed(),
        }
