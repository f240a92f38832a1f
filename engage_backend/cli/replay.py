"""`engage replay`: a research data package as a live log of the standalone site."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engage_backend.cli import Refusal
from engage_backend.demo.home import Home, HomeError, migrate, other_course, start_django
from engage_backend.platform.moments import from_microseconds

if TYPE_CHECKING:
    from engage_backend.engagement.package import Package

HELP = "Feed a research data package to the standalone site as a live log, from the course's start."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("package", type=Path, metavar="PACKAGE", help="folder of a research data package")
    parser.add_argument(
        "--speed", type=_speed, metavar="N", help="N seconds of the course a second (default: as fast as possible)"
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="the site's folder (default: ./var)")


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1e9:
        raise argparse.ArgumentTypeError("has to be more than 0")
    return value


def run(options: argparse.Namespace) -> int:
    """Load the course where the site does not have it, and write its lines, on from where a replay was stopped."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: stop.set())
    home = start_django((options.home or Path("var")).resolve())
    from engage_backend.engagement.package import PackageError, read_package

    try:
        package = read_package(options.package)
        home.folder.mkdir(parents=True, exist_ok=True)
        migrate(home)
        if other := other_course(package.schedule.course):
            raise Refusal(f"{home.folder} holds the course {other} already; give another folder with --home")
        _replay(package, home, options.speed, stop)
    except (PackageError, HomeError) as error:
        raise Refusal(str(error)) from None
    except OSError as error:
        raise Refusal(f"{home.folder}: cannot be written ({error.strerror}); give another folder with --home") from None
    return 0


def _replay(package: Package, home: Home, speed: float | None, stop: threading.Event) -> None:
    from engage_backend.demo.clock import set_clock
    from engage_backend.demo.lag import consumer_keeps_up
    from engage_backend.demo.load import load_package
    from engage_backend.demo.replay import Replay, follow, race
    from engage_backend.platform.api import get_platform

    console = Console(highlight=False)
    loaded = load_package(package)
    console.print(f"{loaded.display_name or loaded.course_key}: {loaded.learners:,} learners")
    with Replay(package, home.tracking_log) as replay:
        now = get_platform().now() if replay.written else from_microseconds(package.schedule.start)
        set_clock(now, speed=speed or 0)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=None)

            def show(lines: int) -> None:
                when = get_platform().now()
                progress.update(task, description=f"{when:%d %B %Y}  {replay.written:,} lines")

            show(0)
            if speed is None:
                race(replay, stop=stop, progress=show, keeps_up=lambda: consumer_keeps_up(home.tracking_log))
            else:
                follow(replay, stop=stop, progress=show)
        how = "all of it" if replay.finished else "stopped; the same command goes on from here"
        console.print(f"{replay.written:,} lines in {home.tracking_log} ({how})")
