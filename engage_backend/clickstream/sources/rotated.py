"""The files that a log was rotated into: which they are, in which order, and which of them was being read."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from engage_backend.clickstream.files import opened

HEAD = 4_096  # first bytes of a file that tell it from any other: some lines, and with them the times in them

# `.1`, `.2.gz`, `-20260101`, `-20260101-1767225600.gz`, `.2026-01-01`
_SUFFIX = re.compile(r"(?:\.(?P<number>\d{1,6})|[-.](?P<date>\d{4}[\d_-]{4,}))(?P<packed>\.(?:gz|xz))?")


class Moved(OSError):
    """The file was renamed or removed between being found and being opened: look again."""


class Part(NamedTuple):
    """One file of a rotated log."""

    path: Path
    inode: int
    size: int  # bytes as they lie
    changed: int  # when it was last written to, nanoseconds since 1970
    packed: bool


def rotated(path: Path) -> list[Part]:
    """The files that the log at `path` was rotated into, oldest first; the one being written is not among them.

    Files that are numbered go by number, files that are dated by date, both together by their last change. Of a file that
    is just being packed the plain one counts.
    """
    found: dict[str, tuple[re.Match[str], Part]] = {}
    for other in path.parent.glob(path.stem + "*"):
        if other == path or not (match := _suffix(path, other.name)):
            continue
        try:
            stat = other.stat()
        except OSError:
            continue
        part = Part(other, stat.st_ino, stat.st_size, stat.st_mtime_ns, bool(match["packed"]))
        place = match["number"] or match["date"]
        if place not in found or not part.packed:
            found[place] = match, part
    parts = list(found.values())
    if all(match["number"] for match, _ in parts):
        parts.sort(key=lambda one: -int(one[0]["number"]))
    elif all(match["date"] for match, _ in parts):
        parts.sort(key=lambda one: one[0]["date"])
    else:
        parts.sort(key=lambda one: one[1].changed)
    return [part for _, part in parts]


def _suffix(path: Path, name: str) -> re.Match[str] | None:
    """What rotation added to the log's name, at its end or before its extension."""
    rest = name.removeprefix(path.name)
    if rest == name:
        rest = name.removeprefix(path.stem).replace(path.suffix, "", 1) if path.suffix in name else ""
    return _SUFFIX.fullmatch(rest)


def open_part(part: Part) -> BinaryIO:
    """The part, unpacked on the way. Raises Moved when it is not there any more, OSError when it may not be read."""
    try:
        stream = opened(part.path) if part.packed else cast(BinaryIO, part.path.open("rb", buffering=0))
    except FileNotFoundError as gone:
        raise Moved(str(part.path)) from gone
    if os.fstat(stream.fileno()).st_ino != part.inode:
        stream.close()
        raise Moved(str(part.path))
    return stream


def digest(head: bytes) -> str:
    """What a checkpoint keeps of a file's first bytes: no content."""
    return hashlib.sha256(head).hexdigest()[:16]


def is_usable(position: dict[str, Any]) -> bool:
    """Whether a position that was kept has the fields of one."""
    numbers = all(isinstance(position.get(name), int) for name in ("inode", "offset", "head_size", "changed"))
    return numbers and position["offset"] >= 0 and 0 <= position["head_size"] <= HEAD and "head" in position


def begins_as(stream: BinaryIO, position: dict[str, Any]) -> bool:
    """Whether a file's first bytes are those of the file that a position was kept for; leaves it at its beginning."""
    try:
        head = stream.read(position["head_size"])
        stream.seek(0)
    except (OSError, EOFError, ValueError):  # what unpacking raises
        return False
    return bool(digest(head) == position["head"])


def find(parts: list[Part], position: dict[str, Any]) -> Part | None:
    """The part that a position was kept for: of the same inode, or a copy, packed or not; None where it is gone."""
    same = [part for part in parts if part.inode == position["inode"]]
    if not position["head_size"]:  # nothing was read of it yet: only the inode tells
        return same[0] if same else None
    for part in [*same, *(part for part in reversed(parts) if part not in same)]:
        if not part.packed and part.size < position["offset"]:
            continue
        try:
            with open_part(part) as stream:
                if begins_as(stream, position):
                    return part
        except OSError:
            continue
    return None
