"""`make fuzz`: millions of damaged records, each of which has to become an event that can be stored, or a reason why not."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import Any

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse, parse_lines
from engage_backend.engagement.history import merge, pack, split, to_row, unpack
from tests.fuzz.mutations import Mutator, real_lines

_ROUND = 1_000  # records between two looks at the clock
_SLOW = 0.25  # seconds of processor for one record, however it is made; beyond, somebody could hold up a consumer


def fault(record: Any, found: Any) -> str:
    """What is wrong with what `parse` made of a record; empty when nothing is."""
    if isinstance(found, Reason):
        return ""
    if not isinstance(found, ClickEvent):
        return f"neither event nor reason: {found!r}"
    numbers = (found.score, found.possible)
    if not all(number is None or (type(number) is float and math.isfinite(number)) for number in numbers):
        return f"points that are no numbers: {numbers}"
    if not (0 < found.learner < 2**63 and type(found.learner) is int):
        return f"a learner that no column holds: {found.learner!r}"
    if found.attempt is not None and not (type(found.attempt) is int and 0 <= found.attempt < 2**31):
        return f"an attempt that no column holds: {found.attempt!r}"
    for text in (found.course, found.block, found.kind):
        if len(text) > 255:
            return f"a text that no column holds: {text[:80]!r}..."
    if not found.kind or not found.kind.isascii() or found.kind != found.kind.strip():
        return f"a kind that a database may not tell from others: {found.kind!r}"
    return ""


def stored(events: list[ClickEvent]) -> str:
    """What is wrong with the history that the events make; empty when nothing is."""
    numbers = {kind: number for number, kind in enumerate(sorted({event.kind for event in events}))}
    for _, rows in split(merge([], [to_row(event, numbers) for event in events])):
        if unpack(pack(rows)) != list(rows):
            return "a history that is not stored as it is"
    return ""


def work(seed: int, count: int, seconds: float) -> tuple[int, Counter[str], float, list[str]]:
    """Records tried, what came of them, the longest time for one of them, and the first faults."""
    mutator, deadline = Mutator(real_lines(), seed), time.monotonic() + seconds
    tried, longest, came, faults = 0, 0.0, Counter[str](), list[str]()
    while tried < count and time.monotonic() < deadline and len(faults) < 10:
        records: list[Any] = [mutator.mapping() if at % 10 == 0 else mutator.line() for at in range(_ROUND)]
        events, rejected = [], Counter[Reason]()
        for record in records:
            began = time.thread_time()
            try:
                found: Any = parse(record)
                wrong = fault(record, found)
            except Exception as error:
                found, wrong = None, repr(error)
            took = time.thread_time() - began
            longest = max(longest, took)
            if took > _SLOW:
                wrong = wrong or f"{took:.2f} s"
            if wrong:
                faults.append(f"{wrong}\n    {record!r:.2000}")
            came["events" if isinstance(found, ClickEvent) else str(found)] += 1
            if isinstance(record, bytes):
                held, why = parse_lines([record])  # several, where a torn line stands before a whole one
                if found not in held and found not in why:
                    faults.append(f"not what its line holds: {found}\n    {record!r:.2000}")
                events += held
                rejected += why
        try:
            if wrong := stored(events):
                faults.append(f"{wrong}, seed {seed}, records {tried} to {tried + _ROUND}")
            if parse_lines([record for record in records if isinstance(record, bytes)]) != (events, rejected):
                faults.append(f"the fast path differs from parse, seed {seed}, records {tried} to {tried + _ROUND}")
        except Exception as error:
            faults.append(f"storing, or the fast path, seed {seed}, records {tried} to {tried + _ROUND}: {error!r}")
        tried += _ROUND
    return tried, came, longest, faults


def main() -> int:
    """Spread the work over processes; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000_000, help="mutations (10000000)")
    parser.add_argument("--seconds", type=float, default=1_500.0, help="end after so long in any case (1500)")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    began = time.monotonic()
    each = -(-options.count // options.processes)
    with multiprocessing.Pool(options.processes) as pool:
        parts = [(options.seed + number, each, options.seconds) for number in range(options.processes)]
        done = pool.starmap(work, parts)
    tried, longest = sum(one[0] for one in done), max(one[2] for one in done)
    came = sum((one[1] for one in done), Counter[str]())
    faults = [fault for one in done for fault in one[3]]
    took = time.monotonic() - began
    print(
        f"{tried:,} mutations of {len(real_lines())} real records in {took:.0f} s, {tried / took:,.0f} a second on"
        f" {options.processes} processes, seed {options.seed}; the slowest took {longest * 1000:.1f} ms"
    )
    for what, count in came.most_common():
        print(f"{count:>12,}  {what}")
    for one in faults:
        print(f"FAULT {one}", file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
