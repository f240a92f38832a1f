"""A package as a live log: its lines go to tracking.log as the site's clock reaches their time.

Run as `python -m engage_backend.demo.replay PACKAGE` it is the process that keeps the demo's course going.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from engage_backend.demo import log
from engage_backend.demo.home import claim
from engage_backend.engagement.package import Package, read_package

LINES_AT_ONCE = 5_000
FOLLOW_SECONDS = 0.1
POSITION = "replay.json"
SLOW_SECONDS = 0.5
MOST_DAYS = 7


class _Timed(msgspec.Struct):
    time: datetime | None = None


_decode = msgspec.json.Decoder(_Timed).decode


def time_of(line: bytes) -> datetime | None:
    """When the thing of a line happened, UTC; None where the line does not say it."""
    try:
        when = _decode(line[line.index(b"{") :]).time
    except (ValueError, msgspec.MsgspecError):
        return None
    return when if when is None or when.tzinfo else when.replace(tzinfo=UTC)


class Replay:
    """A package's lines on their way to a log: each once, in the package's order, none before its time.

    How far it has come is kept beside the log, so that the next process goes on from there. One at a time: raises
    HomeError while another replays into the same log.
    """

    def __init__(self, package: Package, tracking_log: Path) -> None:
        self.package = package
        self.written = 0
        self._log = tracking_log
        self._lock = claim(tracking_log.parent, "replay.lock")
        self._position = tracking_log.with_name(POSITION)
        if self._position.exists():
            kept = json.loads(self._position.read_bytes())
            self.written = int(kept["lines"]) if kept["course"] == package.schedule.course else 0
        self._lines: Iterator[bytes] = islice(package.lines(), self.written, None)
        self._next: bytes | None = next(self._lines, None)
        self._next_time = time_of(self._next) if self._next is not None else None

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *exc: object) -> None:
        self._lock.close()

    @property
    def finished(self) -> bool:
        """Whether the package has no more lines."""
        return self._next is None

    def emit(self, now: datetime) -> int:
        """Append the lines whose time has come by `now`; how many. At most `LINES_AT_ONCE`: call until it is 0.

        A line without a time follows the one before it.
        """
        due: list[bytes] = []
        while self._next is not None and len(due) < LINES_AT_ONCE:
            if self._next_time is not None and self._next_time > now:
                break
            due.append(self._next.rstrip(b"\r\n"))
            self._next = next(self._lines, None)
            self._next_time = time_of(self._next) if self._next is not None else None
        if due:
            log.append(self._log, due)
            self.written += len(due)
            self._keep_position()
        return len(due)

    def _keep_position(self) -> None:
        # Renamed into place, so that neither a reader nor a crash ever meets half of it.
        state = {"course": self.package.schedule.course, "lines": self.written}
        fresh = self._position.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self._position)


def emit_all(replay: Replay, now: datetime, *, progress: Callable[[int], None] = lambda lines: None) -> int:
    """Append everything due by `now`, telling `progress` how many lines each write had; how many in all."""
    total = 0
    while lines := replay.emit(now):
        total += lines
        progress(lines)
    return total


def follow(replay: Replay, *, stop: threading.Event, progress: Callable[[int], None] = lambda lines: None) -> None:
    """Keep step with the site's clock until the package ends or `stop` is set."""
    from engage_backend.platform.api import get_platform

    while not replay.finished and not stop.is_set():
        lines = replay.emit(get_platform().now())
        if lines:
            progress(lines)
        if lines < LINES_AT_ONCE:
            stop.wait(FOLLOW_SECONDS)


def race(
    replay: Replay,
    *,
    stop: threading.Event,
    keeps_up: Callable[[], bool] = lambda: True,
    progress: Callable[[int], None] = lambda lines: None,
) -> None:
    """Go through the package as fast as possible: move the clock a day ahead, write that day's lines, again.

    Where a day takes whoever works behind the log more than half a second, days are taken together, a week at most.
    `keeps_up` says whether whoever reads the log is not far behind; the next day does not begin before, so that what
    the page shows and the clock beside it belong together. In the end the clock runs as the world's does.
    """
    from engage_backend.demo.clock import set_clock
    from engage_backend.platform.api import get_platform

    now, days = get_platform().now(), 1
    while not replay.finished and not stop.is_set():
        began = time.monotonic()
        # From now, not from the last day: "you" may have moved the clock meanwhile, and it never goes back.
        now = max(now, get_platform().now()) + timedelta(days=days)
        set_clock(now, speed=0)
        emit_all(replay, now, progress=progress)
        while not keeps_up() and not stop.wait(0.005):
            pass
        days = min(days + 1, MOST_DAYS) if time.monotonic() - began > SLOW_SECONDS else max(days - 1, 1)
    set_clock(max(now, get_platform().now()), speed=1)


def main(arguments: list[str]) -> int:
    """The process of the demo: follow the clock, or with `--race` drive it, until SIGTERM or the package's end."""
    import django
    from django.conf import settings

    django.setup()
    from engage_backend.demo.lag import consumer_keeps_up

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    with Replay(read_package(Path(arguments[0])), settings.TRACKING_LOG) as replay:
        if "--race" in arguments:
            race(replay, stop=stop, keeps_up=lambda: consumer_keeps_up(settings.TRACKING_LOG))
        else:
            follow(replay, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
