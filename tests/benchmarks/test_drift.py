"""When the four course runs would have been called amber or red, each against bins of the others; and one with kinds renamed.

The inputs are those that the shipped model reads, their reference is made of the other three runs: of a model a verdict needs
no more. Each night is judged by the functions that the daily pass calls, on features at midnight of at most LEARNERS.
`ENGAGE_RUNS=FOLDER pytest -m bench -s tests/benchmarks/test_drift.py`; what it gave is in docs/research/drift.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import md5
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import is_activity
from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.categories import is_known
from engage_backend.engagement.counters import DAY, FEATURES, Counters, Plan
from engage_backend.engagement.dataset import clicks_of, load_run
from engage_backend.engagement.drift import far_from, reference
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.enrolments import DATED, Enrolments
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.history import merge, to_row
from engage_backend.engagement.package import read_package
from engage_backend.engagement.structure import micros
from engage_backend.engagement.verdict import Night, colour, reasons, taken_in

RENAMED_FROM = 5 * 7  # day on which week 6 begins
LEARNERS = 600  # of each run, at most: enough for tenths of them

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif("ENGAGE_RUNS" not in os.environ, reason="needs the course runs: ENGAGE_RUNS=FOLDER"),
]


def renamed(event: ClickEvent, start: int) -> ClickEvent:
    """The event as a site sends it that renames all clicks from week 6 on."""
    if not is_activity(event.kind) or event.time < start + RENAMED_FROM * DAY:
        return event
    return event._replace(kind=f"event:acme.{md5(event.kind.encode()).hexdigest()[:8]}")


class Replay:
    """A run's nights: what the daily pass would read on each."""

    def __init__(
        self, folder: Path, change: Callable[[ClickEvent, int], ClickEvent] = lambda event, start: event
    ) -> None:
        package, kinds, enrolments = read_package(folder), KindTable(), Enrolments()
        people = {one.user_id: one for one in package.learners if not one.is_staff}
        start, end = package.schedule.start, package.schedule.end
        assert end is not None
        self.days = range(1, (end - start) // DAY + 1)
        self.clicks: dict[int, Counter[str]] = {day: Counter() for day in self.days}
        self.start, events = start, []
        for event in (change(one, start) for one in clicks_of(package) if one.learner in people):
            if event.kind in DATED:
                enrolments.add(event)
                continue
            kinds.number(event.kind)
            events.append(event)
            if is_activity(event.kind) and (day := (event.time - start) // DAY + 1) in self.clicks:
                self.clicks[day][event.kind] += 1
        events.sort(key=attrgetter("learner"))
        rows: dict[int, list[list[float]]] = {day: [] for day in self.days}
        clocks = [start + day * DAY for day in self.days]
        groups = [(user, list(group)) for user, group in groupby(events, key=attrgetter("learner"))]
        for user, theirs in groups[:LEARNERS]:
            since = micros(people[user].enrolled_at)
            plan, counters, at = Plan.of(package.schedule, since), Counters(), 0
            history = merge([], [to_row(event, kinds.numbers) for event in theirs])
            for day, clock, is_on in zip(self.days, clocks, enrolments.at(user, clocks), strict=True):
                begin = at
                while at < len(history) and history[at].time <= clock:
                    at += 1
                counters.update(history[begin:at], kinds.categories)
                if counters.events and is_on and clock >= since:
                    rows[day].append(counters.features(plan, clock))
        self.features = {
            day: np.array(found, dtype=np.float32).reshape(-1, len(FEATURES)) for day, found in rows.items()
        }

    def nights(self, card: dict[str, object]) -> Iterator[tuple[int, list[tuple[str, int, int]]]]:
        """(day, reasons) of every night."""
        kept: list[Night] = []
        for day in self.days:
            clicks = self.clicks[day]
            known = sum(count for kind, count in clicks.items() if is_known(card, kind))
            date = datetime.fromtimestamp((self.start + day * DAY) / 1e6, UTC).date().isoformat()
            compared = far_from(card, self.features[day])
            kept = taken_in(kept, Night(date, "m", clicks.total(), known, *compared))
            yield day, reasons(kept)


def spells(days: list[int]) -> int:
    """How many times red began: nights next to each other are one alarm."""
    return sum(1 for day in days if day - 1 not in days)


def test_four_runs_unchanged_and_one_with_kinds_renamed() -> None:
    folders = sorted(Path(os.environ["ENGAGE_RUNS"]).glob("OUx-*"))
    kinds = KindTable()
    parts = load_model(BASE_MODEL)[0].parts
    runs = [load_run(read_package(folder), kinds, seed=2013) for folder in folders]
    print(f"\n{'run':24} {'nights':>6} {'amber':>6} {'red':>4} {'alarms':>6}  first red")
    for folder, run in zip(folders, runs, strict=True):
        others = [one for one in runs if one is not run]
        card: dict[str, object] = {"name": "m", "reference": reference(parts, others)}
        variants = {run.name: Replay(folder)}
        if run.name == "OUx-BBB-2013B":
            variants[f"{run.name}, renamed"] = Replay(folder, renamed)
        for name, replay in variants.items():
            said = dict(replay.nights(card))
            colours = Counter(colour(why) for why in said.values())
            red = [day for day, why in said.items() if colour(why) == "red"]
            first = f"day {red[0]}: {', '.join(reason for reason, *_ in said[red[0]])}" if red else "none"
            print(f"{name:24} {len(said):6} {colours['amber']:6} {len(red):4} {spells(red):6}  {first}")
            if name == run.name:
                assert spells(red) <= 1
            else:
                assert RENAMED_FROM < red[0] <= RENAMED_FROM + 1  # the night after the first day
