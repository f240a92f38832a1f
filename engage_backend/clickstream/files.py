"""Lines of log files as they lie around: plain, `.gz`, `.xz`, or standard input."""

from __future__ import annotations

import gzip
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, cast

BLOCK = 1 << 20
LONGEST_LINE = 1 << 24  # bytes; a file without line ends must not fill the memory


class DamagedFile(OSError):
    """A compressed file ends early or is corrupt; all lines before the damage were handed out."""


def read_lines(
    path: Path | Literal["-"], *, progress: Callable[[int], None] = lambda position: None
) -> Iterator[bytes]:
    """The lines of a file without their ends; the last one also where no line end follows.

    `progress` is told now and then how many bytes of the file, as it lies, were read.
    Raises OSError where there is no such file or it may not be read, `DamagedFile` in the middle of a corrupt one.
    """
    if path == "-":
        yield from _lines(sys.stdin.buffer)
        return
    with opened(path) as stream:
        try:
            yield from _lines(stream, lambda: progress(os.lseek(stream.fileno(), 0, os.SEEK_CUR)))
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise DamagedFile(f"{path} is damaged: {error}") from error


def advice(path: Path) -> str:
    """Return what to do about a path that no file system has, or nothing."""
    scheme = path.parts[0].removesuffix(":").lower() if path.parts else ""
    if scheme in ("s3", "gs", "az", "abfs", "swift"):
        return f"; an object in {scheme.upper()} is read through a pipe, as in: aws s3 cp URL - | gunzip -c | engage inspect -"
    if scheme in ("http", "https", "ftp"):
        return "; an address is read through a pipe, as in: curl URL | engage inspect -"
    return ""


def opened(path: Path) -> BinaryIO:
    """The file, unpacked on the way; the first bytes tell, since logs are renamed when they are rotated."""
    stream = path.open("rb")
    start = stream.read(6)
    stream.seek(0)
    if start.startswith(b"\x1f\x8b"):
        stream.close()
        return cast(BinaryIO, gzip.open(path, "rb"))
    if start == b"\xfd7zXZ\x00":
        stream.close()
        return cast(BinaryIO, lzma.open(path, "rb"))
    return stream


def _lines(stream: BinaryIO, read: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    rest = b""
    while True:
        try:
            # What was unpacked before the damage must not be lost with the block that met it.
            block = stream.read1(BLOCK)  # type: ignore[attr-defined]
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile):
            if rest:
                yield rest
            raise
        read()
        if not block:
            break
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from lines
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest
