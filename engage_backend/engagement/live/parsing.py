"""Parsing in processes of its own: it takes as long as all that follows, and needs neither database nor model."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import Generic, NamedTuple, TypeVar

from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.quarantine import BROKEN
from engage_backend.clickstream.whose import current_key, set_key
from engage_backend.engagement.columns import Columns

_AHEAD = 60  # blocks that are parsed and wait: 2 MB each, where a block has 50,000 lines
_Tag = TypeVar("_Tag")


class Parsed(NamedTuple, Generic[_Tag]):
    """What came of one block of lines."""

    tag: _Tag  # what the caller gave with it
    columns: Columns
    rejected: Counter[Reason]
    lines: list[bytes]  # where some of them are broken; else none


class ParserDied(RuntimeError):
    """A parsing process ended by itself: killed, most likely, for want of memory."""


def parsed(
    blocks: Iterable[tuple[_Tag, list[bytes]]], *, processes: int, until: int | None = None
) -> Generator[Parsed[_Tag], None, None]:
    """Each block parsed, in order, by so many processes that read ahead of the caller; ParserDied when one is gone.

    With none it is done here, which is quicker for little. Closing the iterator ends the processes; they end as well when
    this one is killed. What is later than `until` (µs since 1970) is rejected.
    """
    if not processes:
        for tag, lines in blocks:
            yield _with_lines(tag, lines, *_parse(lines, until))
        return
    stopped = threading.Event()
    unread, unused = threading.Semaphore(processes + 1), threading.Semaphore(_AHEAD)
    waiting: SimpleQueue[Future[Parsed[_Tag]] | BaseException | None] = SimpleQueue()
    links: SimpleQueue[Connection] = SimpleQueue()
    context = get_context("spawn")
    workers = []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        worker = context.Process(target=_parse_blocks, args=(theirs, until, current_key()), daemon=True)
        worker.start()
        theirs.close()
        links.put(ours)
        workers.append((worker, ours))

    def work(tag: _Tag, lines: list[bytes]) -> Parsed[_Tag]:
        link = links.get()
        try:
            link.send(lines)
            columns, rejected = link.recv()
        except (EOFError, OSError) as gone:
            raise ParserDied("a parsing process was ended; is there enough memory?") from gone
        finally:
            links.put(link)
            unread.release()
        return _with_lines(tag, lines, columns, rejected)

    def read() -> None:
        try:
            for tag, lines in blocks:
                unused.acquire()
                unread.acquire()
                if stopped.is_set():
                    return
                waiting.put(pool.submit(work, tag, lines))
        except BaseException as error:
            waiting.put(error)
        else:
            waiting.put(None)

    pool = ThreadPoolExecutor(processes, thread_name_prefix="parsing")
    reader = threading.Thread(target=read, name="reading", daemon=True)
    reader.start()
    try:
        while (found := waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found.result()
            unused.release()
    finally:
        stopped.set()
        unread.release()
        unused.release()
        pool.shutdown(cancel_futures=True)
        for worker, ours in workers:
            ours.close()
            worker.join()


def processors() -> int:
    """How many parsing processes this machine has room for: all its processors, until events are taken in; 8 at most."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


def _parse_blocks(link: Connection, until: int | None, key: bytes) -> None:
    """Answer blocks of lines with columns, until nobody asks any more."""
    set_key(key)
    for number in (SIGINT, SIGTERM):  # who started us finishes what it has in hand, and then closes the link
        signal(number, SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            link.send(_parse(link.recv(), until))


def _parse(lines: list[bytes], until: int | None) -> tuple[Columns, Counter[Reason]]:
    events, rejected = parse_lines(lines, until=until)
    return Columns.of(events), rejected


def _with_lines(tag: _Tag, lines: list[bytes], columns: Columns, rejected: Counter[Reason]) -> Parsed[_Tag]:
    return Parsed(tag, columns, rejected, lines if not BROKEN.isdisjoint(rejected) else [])
