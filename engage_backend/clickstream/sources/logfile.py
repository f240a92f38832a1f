"""A tracking log that is still being written, followed across rotation, truncation, restarts and times of absence."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engage_backend.clickstream.sources.base import Batch
from engage_backend.clickstream.sources.reading import BLOCK, Reading
from engage_backend.clickstream.sources.rotated import Moved, Part, begins_as, find, is_usable, open_part, rotated

PAUSE = 0.05  # seconds between two looks at a file that has not grown
MAX_BYTES = 64 << 20  # of lines in one batch
LINGER = 60.0  # seconds for which a file that was rotated away may still get lines, as from a logger that reopens late
_LOOKS = 3  # at a folder in which files are just being renamed

log = logging.getLogger(__name__)


class LogfileSource:
    """Follows one log. A position is `{path, inode, offset, head_size, head, changed, before}`.

    Only whole lines are handed out: a half-written one waits for its end. When the file was renamed, or copied and
    truncated, the rest of it is read first, then every newer file in order, packed ones too, and then the one that is
    being written. A file that was just rotated away is looked at for a while longer (`before`). A file that does not exist
    yet is waited for; where there is no position, reading begins with the file that is being written.
    """

    has_one_reader = True

    def __init__(self, path: Path, position: dict[str, Any] | None = None, *, linger: float = LINGER) -> None:
        self.path = path
        self.name = f"logfile:{path.resolve()}"  # the same wherever the command is started
        self.linger = linger
        self._now: Reading | None = None
        self._before: list[tuple[float, Reading]] = []  # until when (monotonic) to look at files rotated away
        self._wanted = position or {}
        self._unreachable_since: datetime | None = None

    @property
    def unreachable_since(self) -> datetime | None:
        """Since when the log's folder is gone, or the log may not be opened. A log that does not exist yet is no trouble."""
        if not self._is_unreachable():
            self._unreachable_since = None
        elif self._unreachable_since is None:
            self._unreachable_since = datetime.now(UTC)
        return self._unreachable_since

    def _is_unreachable(self) -> bool:
        if not self.path.parent.is_dir():
            return True
        if self._now is not None:  # an open file stays readable
            return False
        try:
            self.path.open("rb").close()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def read(self, max_records: int, max_wait: float) -> Batch:
        """The next lines, without their ends."""
        deadline = time.monotonic() + max_wait
        while True:
            reading = self._with_lines()
            records = self._taken(reading, max_records) if reading else []
            if records or time.monotonic() >= deadline:
                return Batch(records, self._position())
            time.sleep(min(PAUSE, max(0.0, deadline - time.monotonic())))

    def _taken(self, reading: Reading, most: int) -> list[bytes]:
        """Lines of one file: of a backlog many, as small batches cost several times as much a line."""
        records, size = reading.take(most), 0
        while len(records) < most and size < MAX_BYTES and not reading.truncated() and reading.fill():
            records += reading.take(most - len(records))
            size += BLOCK
        return records

    def commit(self, position: dict[str, Any]) -> None:
        """A file keeps no record of its readers: the checkpoint does."""

    def close(self) -> None:
        """Close the files."""
        for _, reading in self._before:
            reading.close()
        if self._now is not None:
            self._now.close()
        self._now, self._before = None, []

    def waiting(self) -> int:
        """Bytes that were not handed out yet, packed files as they lie."""
        if self._now is None and not self._open():
            return 0
        assert self._now is not None
        return self._now.waiting() + sum(part.size for part in self._newer(self._now)) + self._size_unless_read()

    def _with_lines(self) -> Reading | None:
        """The file that has whole lines to hand out; None when there are none for now."""
        while True:
            if self._now is None and not self._open():
                return None
            now = self._now
            assert now is not None
            if now.lines:
                return now
            if now.truncated():
                self._truncated(now)
            elif not now.fill():
                if late := self._late():
                    return late
                if not self._moved_on(now):
                    return None

    def _open(self) -> bool:
        """Open the file to go on with; False where there is none for the moment."""
        wanted = self._wanted
        try:
            stream = self.path.open("rb", buffering=0)
        except OSError:  # not there yet, or not there for the moment of a rotation
            return False
        live = Reading(stream, str(self.path))
        if not is_usable(wanted):
            self._now, self._wanted = live, {}
            return True
        if wanted["head_size"]:
            is_live = live.waiting() >= wanted["offset"] and begins_as(stream, wanted)
        else:  # nothing was read of it: it may have been copied and truncated since, once or more often
            is_live = live.inode == wanted["inode"] and not self._changed_since(wanted["changed"] + 1)
        if is_live:
            self._now = Reading(stream, str(self.path), offset=wanted["offset"])
        else:
            live.close()
            self._now = self._found_again(wanted)
        if self._now is None:
            return False
        self._before = [
            (time.monotonic() + self.linger, reading)
            for kept in wanted.get("before", [])
            if (reading := self._reopened(kept)) is not None
        ]
        self._wanted = {}
        return True

    def _reopened(self, position: dict[str, Any]) -> Reading | None:
        """The rotated file that a position was kept for, at its place; None where it is gone."""
        for _ in range(_LOOKS):
            part = find(rotated(self.path), position) if is_usable(position) else None
            if part is None:
                return None
            try:
                return Reading(open_part(part), str(part.path), packed=part.packed, offset=position["offset"])
            except OSError:
                continue
        return None

    def _found_again(self, wanted: dict[str, Any]) -> Reading | None:
        """What to go on with where the file that was being read has not its old name any more."""
        if reading := self._reopened(wanted):
            log.info("%s was rotated; going on in %s", self.path, reading.name)
            return reading
        parts = self._changed_since(wanted["changed"] + (not wanted["offset"]))
        if wanted["offset"]:
            log.warning(
                "%s: the file that was read last is gone, and with it what came at its end; reading %d rotated files that are"
                " newer, and the log from its beginning. Where the file is kept elsewhere: engage_backfill FILE",
                self.path,
                len(parts),
            )
        return self._first_of(parts)

    def _changed_since(self, moment: int) -> list[Part]:
        """The rotated files that were written to at that moment (nanoseconds since 1970) or later, oldest first."""
        return [part for part in rotated(self.path) if part.changed >= moment]

    def _truncated(self, now: Reading) -> None:
        """The file under our eyes was cut short: what we did not see of it may lie in a copy."""
        copy = self._reopened(now.position()) if now.offset else None
        now.close()
        if copy is not None:
            log.info("%s was copied and truncated; its end is in %s", self.path, copy.name)
            self._now = copy
            return
        log.warning("%s was truncated or overwritten; reading it from its beginning", self.path)
        self._now = self._first_of([])

    def _moved_on(self, now: Reading) -> bool:
        """At the end of a file: has another one followed? Then go on with that one."""
        try:
            if self.path.stat().st_ino == now.inode:
                return False
        except OSError:
            return False
        if now.fill():
            return True  # its writer had a last word in between; read that first
        following = self._first_of(self._newer(now))
        if following is None:
            return False
        lingers = 0.0 if now.packed else self.linger - max(0.0, time.time() - now.changed() / 1e9)
        self._before.append((time.monotonic() + lingers, now))
        self._now = following
        return True

    def _late(self) -> Reading | None:
        """A file that was rotated away and has got a line since, or has been given up and has a half one left."""
        for at, (until, reading) in enumerate(self._before):
            if not reading.lines:
                reading.fill()
            given_up = time.monotonic() >= until
            if reading.lines or (given_up and reading.finish()):
                return reading
            if given_up:
                reading.close()
                del self._before[at]
                return self._late()
        return None

    def _newer(self, now: Reading) -> list[Part]:
        """The rotated files that follow the one at hand, oldest first."""
        parts = rotated(self.path)
        here = next((part for part in parts if part.inode == now.inode), None)
        here = here or find(parts, now.position())  # packed meanwhile
        if here is not None:
            return parts[parts.index(here) + 1 :]
        try:
            if self.path.stat().st_ino == now.inode:
                return []
        except OSError:
            pass
        return [part for part in parts if part.changed >= now.changed()]

    def _first_of(self, parts: list[Part]) -> Reading | None:
        """The first of these that can be opened, or the log itself; None when files are being renamed right now."""
        for part in parts:
            try:
                return Reading(open_part(part), str(part.path), packed=part.packed)
            except Moved:
                return None
            except OSError as error:
                log.error("%s cannot be read and is left out: %s", part.path, error.strerror)
        try:
            return Reading(self.path.open("rb", buffering=0), str(self.path))
        except OSError:
            return None

    def _size_unless_read(self) -> int:
        """Size of the log itself where another file is still being read."""
        assert self._now is not None
        try:
            stat = self.path.stat()
        except OSError:
            return 0
        return 0 if stat.st_ino == self._now.inode else stat.st_size

    def _position(self) -> dict[str, Any]:
        if self._now is None:
            nothing = {"inode": 0, "offset": 0, "head_size": 0, "head": "", "changed": time.time_ns()}
            return self._wanted or {"path": str(self.path), **nothing}
        # Of an empty file nothing tells it from another one that gets its inode.
        before = [reading.position() for _, reading in self._before if reading.offset]
        return {"path": str(self.path), **self._now.position(), **({"before": before} if before else {})}
