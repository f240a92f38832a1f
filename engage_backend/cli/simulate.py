"""`engage simulate`: a tracking log as busy as one likes, of learners that do not exist."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

from engage_backend.cli import Refusal
from engage_backend.clickstream.simulate import COURSE, Line, Simulator, history
from engage_backend.streams import FIELD, MOST_SHARDS, Stream, connect, shard_of

HELP = "Write tracking-log lines of made-up learners, as an LMS writes them: load for benchmarks and for trying out a site."
TURN = 0.02  # seconds between two writes
AT_ONCE = 2_000  # lines a write
DAYS = 60.0  # that a past course is spread over

Write = Callable[[list[Line]], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to make up, how fast, and where to."""
    parser.add_argument("--learners", type=_number, default=1_000, metavar="N", help="learners of the course (1000)")
    parser.add_argument(
        "--rate",
        type=float,
        default=100.0,
        metavar="R",
        help="lines a second, each at its time; 0: --lines at once, spread over the last 60 days (100)",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE|URL",
        help="file to append to, - for standard output, or redis://HOST:PORT/DB",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="end after S seconds (until Ctrl-C)")
    parser.add_argument("--lines", type=_number, metavar="N", help="end after N lines (1000000 with --rate 0)")
    parser.add_argument("--course", default=COURSE, metavar="KEY", help=f"course key ({COURSE})")
    parser.add_argument(
        "--first-learner", type=_number, default=1, metavar="ID", help="user id of the first learner (1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another number, another course of events (0)")
    parser.add_argument("--tutor", action="store_true", help="write before each line what Tutor's logger writes")
    parser.add_argument("--shards", type=_number, default=1, metavar="N", help="streams in Redis (1)")
    parser.add_argument("--prefix", default=Stream.prefix, help=f"name of the streams in Redis ({Stream.prefix})")


def _number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return value


def run(options: argparse.Namespace) -> int:
    """Write until the time is over, the lines are written, or Ctrl-C or SIGTERM comes; then say how many and how fast."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    count = options.lines or (None if options.rate else 1_000_000)
    try:
        simulator = Simulator(
            learners=options.learners,
            rate=options.rate or (count or 0) / (DAYS * 86_400),
            course=options.course,
            first_learner=options.first_learner,
            seed=options.seed,
            tutor=options.tutor,
        )
    except ValueError as error:
        raise Refusal(str(error)) from error
    began = time.monotonic()
    deadline = began + options.seconds if options.seconds else float("inf")
    with _opened(options) as write:
        if options.rate:
            written = _paced(simulator, write, options.rate, deadline, count, stop)
        else:
            written = _at_once(simulator, write, deadline, count or 0, stop)
    seconds = max(time.monotonic() - began, 1e-9)
    print(f"{written:,} lines in {seconds:.1f} s, {written / seconds:,.0f} a second", file=sys.stderr)  # noqa: T201
    return 0


def _paced(simulator: Simulator, write: Write, rate: float, deadline: float, count: int | None, stop: Event) -> int:
    began, written = time.monotonic(), 0
    while not stop.is_set() and (count is None or written < count):
        now = time.monotonic()
        if now >= deadline:
            break
        due = int((now - began) * rate) - written
        if count is not None:
            due = min(due, count - written)
        lines: list[Line] = []
        while len(lines) < min(due, AT_ONCE):
            lines += simulator.click(time.time())
        if lines:
            write(lines)
            written += len(lines)
        if len(lines) < AT_ONCE:
            stop.wait(TURN)
    return written


def _at_once(simulator: Simulator, write: Write, deadline: float, count: int, stop: Event) -> int:
    end, written = time.time(), 0
    lines: list[Line] = []
    for made in history(simulator, lines=count, begin=end - DAYS * 86_400, end=end):
        lines += made
        if len(lines) >= AT_ONCE:
            write(lines)
            written += len(lines)
            lines = []
            if stop.is_set() or time.monotonic() >= deadline:
                return written
    write(lines)
    return written + len(lines)


@contextmanager
def _opened(options: argparse.Namespace) -> Iterator[Write]:
    """Where the lines go. Raises Refusal where that cannot be written."""
    where = options.out
    if where.startswith(("redis://", "rediss://", "unix://")):
        with _redis(options) as write:
            yield write
        return
    try:
        if where == "-":
            yield _to_file(sys.stdout.buffer)
        else:
            with Path(where).open("ab", buffering=0) as file:  # whole lines in one piece, whoever else appends
                yield _to_file(file)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refusal(f"cannot write {where}: {error.strerror or error}") from error


def _to_file(file: BinaryIO | FileIO) -> Write:
    def write(lines: list[Line]) -> None:
        file.write(b"".join(line + b"\n" for _, line in lines))
        file.flush()

    return write


@contextmanager
def _redis(options: argparse.Namespace) -> Iterator[Write]:
    """As the tap writes: to the stream of the learner's shard. Waits for room nowhere: what overflows gives way."""
    if options.shards > MOST_SHARDS:
        raise Refusal(f"--shards is at most {MOST_SHARDS}")
    try:
        from redis import RedisError
    except ImportError as error:
        raise Refusal("writing to Redis needs the client: pip install redis") from error
    stream = Stream(options.out, prefix=options.prefix, shards=options.shards)
    length = stream.maxlen // stream.shards
    try:
        client: Any = connect(stream.url, timeout=5.0, connect_timeout=2.0)
    except ValueError as error:
        raise Refusal(f"{options.out}: {error}") from error
    try:

        def write(lines: list[Line]) -> None:
            pipe = client.pipeline(transaction=False)
            for learner, line in lines:
                key = stream.key(shard_of(learner, stream.shards))
                pipe.execute_command("XADD", key, "MAXLEN", "~", length, "*", FIELD, line)
            pipe.execute()

        yield write
    except RedisError as error:
        raise Refusal(f"Redis at {stream.place}: {error}") from error
    finally:
        client.close()
