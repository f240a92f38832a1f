"""`engage demo`: the main job on this machine, under one command."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from engage_backend.cli import Refusal
from engage_backend.demo.home import SAMPLE, Home, HomeError, check_ours, claim, clear, migrate, start_django
from engage_backend.demo.supervisor import ChildEnded, PortTaken, Supervisor, listen
from engage_backend.platform.moments import from_microseconds

if TYPE_CHECKING:
    from engage_backend.engagement.package import Package

HELP = "Run the standalone site with a course of real learners: a page, a learner to be, a course that goes on."
SPEED = 3600.0  # an hour of the course a second
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
TENTH_WEEK = 9 * WEEK + timedelta(days=2, hours=9)
# When the course begins in its tenth week, what was shown is kept of these moments too: weeks to look back at, the day of
# whose learners it is told how many have not been back, and days that the first week's changes are counted from (a week's
# comparison forgives two days).
EARLIER = (
    *(WEEK, 2 * WEEK, 4 * WEEK, 6 * WEEK),
    *(TENTH_WEEK - 14 * DAY, TENTH_WEEK - 7 * DAY, TENTH_WEEK - 4 * DAY, TENTH_WEEK - DAY),
)
# One task after the other, and no talk with other workers: it is the only one.
WORKER = [
    *("-m", "celery", "-A", "engage_backend.demo.celery_app", "worker", "--queues", "engage", "--pool", "solo"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
]
PATIENCE = 120.0  # seconds until a step that stands still is given up


class _Stopped(BaseException):
    """Somebody asked us to end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--package", type=Path, metavar="DIR", help="replay this research data package from its start, at high speed"
    )
    parser.add_argument("--port", type=int, help="serve here (default: 8000, or a free port where that is taken)")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="keep the site here and go on from it (default: ./var, begun afresh)"
    )


def run(options: argparse.Namespace) -> int:
    """Prepare a home, start the processes, and wait for Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    console = Console(highlight=False)
    try:
        folder = (options.home or Path("var")).resolve()
        if options.home is None:
            check_ours(folder)
        with claim(folder), listen(options.port) as listener:
            if options.home is None:
                clear(folder)
            _Demo(folder, console, options.package).run(listener.fileno(), listener.getsockname()[1])
    except (HomeError, PortTaken, ChildEnded) as error:
        raise Refusal(str(error)) from None
    except _Stopped:
        console.print("\nEnded.")
    return 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # Once: what ends the children is not to be interrupted.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise _Stopped


class _Demo:
    """The steps, in their order."""

    def __init__(self, folder: Path, console: Console, package: Path | None) -> None:
        self.folder, self.console, self.folder_of_package = folder, console, package
        self.began = time.monotonic()

    def run(self, descriptor: int, port: int) -> None:
        """Everything, until somebody ends it."""
        address = f"http://127.0.0.1:{port}/"
        os.environ["ENGAGE_ADDRESS"] = address  # where the links in messages lead
        with self._step("Reading the course"):
            package = self._read_package()
        with self._step("Making the database"):
            home = start_django(self.folder)
            migrate(home)
        with self._step(f"Loading {package.schedule.display_name or package.schedule.course}"):
            self._load(package)
        with Supervisor(home) as children:
            try:
                children.start("site", ["-m", "engage_backend.demo.serve", str(descriptor)], pass_fds=[descriptor])
                children.start(
                    "consumer",
                    ["-m", "django", "engage_consume", "--source", "logfile", str(home.tracking_log)],
                )
                children.start("messages", WORKER)
                self._begin(package, home, children)
                with self._step("Waiting for the site to answer"):
                    self._until(children, lambda: _answers(address))
                self._say_what_to_do(home, address)
                replay = ["-m", "engage_backend.demo.replay", str(package.folder)]
                if self.folder_of_package is None:
                    self._set_speed(SPEED)
                    children.start("replay", replay, may_end=True)
                else:
                    children.start("replay", [*replay, "--race"], may_end=True)
                    self._show_race(package, home, children)
                self._until(children, lambda: False, patience=None)
            finally:
                # A home that is used again goes on where it stood, however long that is from now.
                children.stop()
                self._set_speed(0)

    def _read_package(self) -> Package:
        from engage_backend.engagement.package import PackageError, read_package

        try:
            return read_package(self.folder_of_package or SAMPLE)
        except PackageError as error:
            raise Refusal(str(error)) from None

    def _load(self, package: Package) -> None:
        from engage_backend.demo.home import other_course
        from engage_backend.demo.load import load_package

        if other := other_course(package.schedule.course):
            raise Refusal(f"{self.folder} holds the course {other} already; give another folder with --home")
        try:
            load_package(package)
        except ValueError as error:
            raise Refusal(f"{package.folder}: {error}") from None

    def _begin(self, package: Package, home: Home, children: Supervisor) -> None:
        """Write what has happened by now to the log, and wait until the consumer has taken it in.

        In a course that is begun in its tenth week, in steps: so there is something to look back at.
        """
        from engage_backend.demo.clock import set_clock
        from engage_backend.demo.lag import is_read, is_shown
        from engage_backend.demo.replay import Replay, emit_all
        from engage_backend.engagement.live.lease import JobLease
        from engage_backend.platform.api import get_platform

        course_key, moments = package.schedule.course, [get_platform().now()]
        with Replay(package, home.tracking_log) as replay:
            if replay.written == 0:
                start = from_microseconds(package.schedule.start)
                set_clock(start, speed=0)
                moments = [start]
                if self.folder_of_package is None:
                    moments += [start + passed for passed in (*EARLIER, TENTH_WEEK)]
            with self._bar("Taking in what has happened so far", len(moments)) as advance:
                daily_pass = JobLease("clock")
                for number, moment in enumerate(moments):
                    advance(number)
                    # The clock first: lines that are later than it are not believed. Until they are read the daily pass is
                    # ours, and waits: what it shows is kept as it is.
                    self._until(children, daily_pass.take)
                    set_clock(moment, speed=0)
                    emit_all(replay, moment)
                    self._until(children, lambda: daily_pass.take() and is_read(home.tracking_log))
                    daily_pass.release()
                    self._until(children, partial(is_shown, course_key, home.tracking_log, moment.date()))

    def _show_race(self, package: Package, home: Home, children: Supervisor) -> None:
        """The replay of a whole package: how far it is, and in the end how fast it was."""
        from engage_backend.demo.lag import bytes_read, events_read
        from engage_backend.platform.api import get_platform

        schedule = package.schedule
        start, end = from_microseconds(schedule.start), from_microseconds(schedule.end or schedule.start)
        before, began = events_read(home.tracking_log), time.monotonic()
        with self._bar("Replaying", max(1, (end - start).days)) as advance:

            def over() -> bool:
                advance((get_platform().now() - start).days)
                replay = children.children[-1].process.poll() is not None
                return replay and bytes_read(home.tracking_log) >= home.tracking_log.stat().st_size

            self._until(children, over, patience=None, pause=0.25)
        lines, seconds = events_read(home.tracking_log) - before, time.monotonic() - began
        self.console.print(
            f"  Replayed {lines:,} lines in {seconds:.0f} s ({lines / seconds:,.0f} a second). The page stays open."
        )

    def _set_speed(self, speed: float) -> None:
        from engage_backend.demo.clock import set_clock
        from engage_backend.platform.api import get_platform

        set_clock(get_platform().now(), speed=speed)

    def _say_what_to_do(self, home: Home, address: str) -> None:
        def say(words: str = "") -> None:
            self.console.print(words, soft_wrap=True)

        say()
        say(f"  [bold]{address}[/bold]  ready after {time.monotonic() - self.began:.0f} s; Ctrl-C ends everything")
        say()
        say("  Look as course staff, learner or stranger. Be a learner beside the charts, and watch your row move.")
        say(f"  Messages that were sent: {address}outbox/")
        say(f"  Every click is a line:  tail -f {home.tracking_log}")
        say(f"  Without a model:        mv {home.model} {home.model}.away")
        say(f"  What each process says: {home.logs}")
        say()

    @contextmanager
    def _step(self, words: str) -> Iterator[None]:
        began = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(words):
                yield
        else:
            yield
        self.console.print(f"  [green]✓[/green] {words} [dim]{time.monotonic() - began:.1f} s[/dim]")

    @contextmanager
    def _bar(self, words: str, total: int) -> Iterator[Callable[[int], None]]:
        began = time.monotonic()
        columns = (TextColumn("  {task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
        with Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True) as progress:
            task = progress.add_task(words, total=total)
            yield lambda done: progress.update(task, completed=done)
        self.console.print(f"  [green]✓[/green] {words} [dim]{time.monotonic() - began:.1f} s[/dim]")

    @staticmethod
    def _until(
        children: Supervisor, done: Callable[[], bool], *, patience: float | None = PATIENCE, pause: float = 0.1
    ) -> None:
        """Wait for `done`, seeing to it that every process lives. Raises Refusal when it takes too long."""
        began = time.monotonic()
        while not done():
            children.check()
            if patience is not None and time.monotonic() - began > patience:
                raise Refusal(f"gave up after {patience:.0f} s; see {children.home.logs}")
            time.sleep(pause)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.RequestException:
        return False
