"""Take in tracking logs of the past: rotated files, a gap, a course that began before Engage was installed."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from engage_backend.clickstream.files import DamagedFile, advice, read_lines
from engage_backend.clickstream.parse import latest
from engage_backend.clickstream.quarantine import Quarantine
from engage_backend.management.stopping import needs_tables, stop_on_signals

_STDIN = Path("-")
_LINES = 50_000  # parsed at once
_EVENTS = 4_000_000  # sorted by learner at once, in some 300 MB: so most histories are written and read in one piece
_AT_ONCE = 100_000  # events that the engine is given at once
_SMALL = 50_000_000  # bytes that are parsed sooner than another process is there
_TELL = 10.0  # seconds between two lines of progress where they cannot be written over each other
_TELL_TERMINAL = 0.5


class Command(BaseCommand):
    """`engage_backfill LOG...`: may be interrupted, repeated, and run beside a consumer; events count once."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which files."""
        parser.add_argument(
            "logs", type=Path, nargs="+", metavar="LOG", help="tracking log, plain, .gz or .xz; - for standard input"
        )

    @needs_tables()
    def handle(self, *args: Any, **options: Any) -> None:
        """Read all files, then bring every learner up to now."""
        # numpy comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.conf import engage_settings
        from engage_backend.engagement.columns import Pile
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.engagement.live.gaps import close_backfilled
        from engage_backend.engagement.live.parsing import parsed, processors
        from engage_backend.engagement.live.retry import limit_waiting, repeated
        from engage_backend.platform.api import get_platform
        from engage_backend.platform.moments import from_microseconds

        logs: list[Path] = options["logs"]
        if missing := [path for path in logs if path != _STDIN and not path.is_file()]:
            raise CommandError(f"no such file: {', '.join(map(str, missing))}{advice(missing[0])}")
        limit_waiting()
        engine = Engine(get_platform(), max_waiting=0)  # who enrols meanwhile is for the consumer
        broken = engage_settings().quarantine
        quarantine = Quarantine(broken) if broken else None
        progress = Progress(self.stdout, logs)
        refused = Counter[str]()
        pile, taken = Pile(), 0
        spans: dict[Path, tuple[int, int]] = {}  # of each log, the times of its first and last events

        def take_in() -> None:
            nonlocal pile, taken
            for events in pile.by_learner(_AT_ONCE):
                if stop.is_set():
                    return
                unplaced = repeated(partial(engine.ingest, events), undone=engine.forget, waits=True)
                if (raised := engine.refused()) and quarantine is not None:
                    quarantine.keep("backfill", [], {}, raised)
                refused.update({str(reason): count for reason, count in unplaced.items()})
                taken += len(events)
                progress.taken = taken
                progress.tell()
            pile = Pile()

        is_small = _STDIN not in logs and sum(map(_size, logs)) < _SMALL
        processes = 0 if is_small else processors()
        until = latest(engine.platform.now())
        with (
            stop_on_signals() as stop,
            closing(parsed(self._blocks(logs, progress), processes=processes, until=until)) as found,
        ):
            for one in found:
                path, lines = one.tag
                if quarantine is not None and one.lines:
                    quarantine.keep(str(path), one.lines, {"lines": lines}, until=until)
                refused.update({str(reason): count for reason, count in one.rejected.items()})
                pile.add(one.columns)
                if len(one.columns.time):
                    times = int(one.columns.time.min()), int(one.columns.time.max())
                    before = spans.get(path, times)
                    spans[path] = min(before[0], times[0]), max(before[1], times[1])
                progress.parsed = taken + len(pile)
                if len(pile) >= _EVENTS:
                    take_in()
                progress.tell()
                if stop.is_set():
                    break
            else:
                take_in()
                if not stop.is_set():
                    repeated(engine.tick, undone=engine.forget)
            stopped = stop.is_set()
        progress.end()
        times_of_logs = [(from_microseconds(first), from_microseconds(last)) for first, last in spans.values()]
        closed = [] if stopped else close_backfilled(times_of_logs)
        if stopped:
            self.stdout.write("stopped; the same command again takes in what is missing")
        self.stdout.write(f"{progress.lines:,} lines, {taken:,} events taken in")
        for reason, count in refused.most_common():
            self.stdout.write(f"  {count:,} not: {reason}")
        for gap in closed:
            self.stdout.write(f"closed the gap from {gap.begin:%Y-%m-%d %H:%M:%S} to {gap.end:%Y-%m-%d %H:%M:%S} UTC")

    def _blocks(self, logs: Iterable[Path], progress: Progress) -> Iterator[tuple[tuple[Path, int], list[bytes]]]:
        """Lines, and where they end: the file, and how many lines of it were read."""
        for path in logs:
            progress.begin(path)
            records = read_lines("-" if path == _STDIN else path, progress=progress.read)
            damage = None
            while damage is None:
                block: list[bytes] = []
                try:
                    block.extend(islice(records, _LINES))
                except DamagedFile as error:
                    damage = error
                    self.stderr.write(f"{error}; taken in as far as it could be read")
                if not block:
                    break
                progress.take(len(block))
                yield (path, progress.in_file), block


class Progress:
    """How far a backfill is, from the bytes of its files; told in one line that is written over on a terminal."""

    def __init__(self, out: OutputWrapper, logs: Iterable[Path], *, every: float | None = None) -> None:
        """`every`: seconds between two lines."""
        self._out, self._terminal = out, out.isatty()
        self._every = every if every is not None else _TELL_TERMINAL if self._terminal else _TELL
        self._total = sum(map(_size, logs))
        self._began = self._told = time.monotonic()
        self._before = self._bytes = 0  # of the files that are done, of the one at hand
        self._path: Path | None = None
        self.lines = self.in_file = 0
        self.parsed = self.taken = 0  # events

    def begin(self, path: Path) -> None:
        """The next file."""
        if self._path is not None:
            self._before += _size(self._path)
        self._path, self._bytes, self.in_file = path, 0, 0

    def read(self, position: int) -> None:
        """So many bytes of the file at hand were read."""
        self._bytes = position

    def take(self, lines: int) -> None:
        """So many more lines."""
        self.lines += lines
        self.in_file += lines

    def tell(self) -> None:
        """Write the line, if it is time."""
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told = now
        seconds, read = now - self._began, min((self._before + self._bytes) / max(self._total, 1), 1.0)
        done = read * (1 + self.taken / max(self.parsed, 1)) / 2  # reading and taking in are half of the work each
        left = seconds * (1 - done) / done if done else 0.0
        line = (
            f"{done:4.0%}  {self.lines:,} lines, {self.taken:,} events taken in,"
            f" about {_span(left)} left  {self._path.name if self._path else ''}"
        )
        self._out.write(f"\r{line:<100.100}" if self._terminal else line, ending="" if self._terminal else "\n")
        self._out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._terminal:
            self._out.write(f"\r{'':100}\r", ending="")


def _size(path: Path) -> int:
    """Bytes of a file as it lies; of standard input nothing is known."""
    return 0 if path == _STDIN else path.stat().st_size


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7_200
        else f"{seconds / 3600:.1f} h"
    )
