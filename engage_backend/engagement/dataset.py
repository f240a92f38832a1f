"""From a research package to what training reads: events as arrays, and examples, a learner at a moment, with labels.

An example sees the events up to its clock and nothing later; the schedule counts as known beforehand. End-state tables
give labels only. Who counts: enrolled at the clock, not staff, with at least one event by then (without one there is
no prediction to make).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement import labels
from engage_backend.engagement.counters import DAY, FEATURES, Counters, Plan
from engage_backend.engagement.encoder import Floats, KindTable, Tokens, encode
from engage_backend.engagement.history import Row, merge, to_row
from engage_backend.engagement.package import Package, PackageLearner
from engage_backend.engagement.structure import micros

NOT_JUDGED = -1
WEEK = 7 * DAY
_LINES_AT_ONCE = 50_000

Integers = npt.NDArray[np.int64]
Progress = Callable[[int], object]  # called with a count of lines just read


@dataclass(frozen=True, slots=True)
class Run:
    """One course run. E events of n learners, sorted by learner and time; N examples."""

    name: str
    course: str
    learners: Integers  # (n,) user ids: the same person has the same in every run
    begins: Integers  # (n + 1,) where each learner's events begin
    kinds: npt.NDArray[np.int32]  # (E,) number in the KindTable that all runs share
    carried: Floats  # (E, CARRIED) see encoder
    who: npt.NDArray[np.int32]  # (N,) index into learners
    seen: npt.NDArray[np.int32]  # (N,) how many of the learner's events lie at or before the clock; at least 1
    clock: Integers  # (N,) microseconds
    week: npt.NDArray[np.int32]  # (N,) 1, 2, ...: the end of that week; 0: a moment within a week, for training only
    features: Floats  # (N, FEATURES)
    labels: npt.NDArray[np.int8]  # (N, TARGETS) 0, 1 or NOT_JUDGED
    early: npt.NDArray[np.bool_]  # (n,) active by the end of the first week: the published evaluation counts those

    def with_examples(self, chosen: npt.NDArray[np.bool_]) -> Run:
        """The same run with some of its examples."""
        parts = {name: getattr(self, name)[chosen] for name in ("who", "seen", "clock", "week", "features", "labels")}
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in parts}
        return Run(**kept, **parts)


def load_run(package: Package, kinds: KindTable, *, seed: int, progress: Progress = lambda lines: None) -> Run:
    """Read a package's log and make its examples. New kinds are registered in `kinds`."""
    lines = package.lines()

    def events() -> Iterable[ClickEvent]:
        while part := list(islice(lines, _LINES_AT_ONCE)):
            yield from parse_lines(part)[0]
            progress(len(part))

    return run_of(package, events(), kinds, seed=seed)


def run_of(package: Package, events: Iterable[ClickEvent], kinds: KindTable, *, seed: int) -> Run:
    """The run of a package whose log holds `events`, in any order and however often each."""
    people = {learner.user_id: learner for learner in package.learners if not learner.is_staff}
    rows: dict[int, list[Row]] = {user: [] for user in people}
    for event in events:
        mine = rows.get(event.learner)
        if mine is not None and event.course == package.course:
            kinds.number(event.kind)
            mine.append(to_row(event, kinds.numbers))
    histories = {user: merge([], mine) for user, mine in sorted(rows.items()) if mine}
    rows.clear()
    clicks = [row.time for history in histories.values() for row in history if row.possible < 0]
    last = max((history[-1].time for history in histories.values()), default=0)
    # Outcomes may come in after the clicks have stopped; what stops the clock is the clicks.
    end_of_data = (max(clicks, default=last) // DAY + 1) * DAY  # of the day: a log is cut between days
    every_kind = np.arange(len(kinds.names), dtype=np.int64)
    parts = [_Learner(people[user], history, package, kinds, end_of_data, seed) for user, history in histories.items()]
    encoded = [encode(history, None, every_kind) for history in histories.values()]
    counts = [len(history) for history in histories.values()]
    return Run(
        name=package.name,
        course=package.course,
        learners=np.array(list(histories), dtype=np.int64),
        begins=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64),
        kinds=_join([tokens for tokens, _ in encoded]).astype(np.int32),
        carried=np.concatenate([carried for _, carried in encoded]) if encoded else np.zeros((0, 4), dtype=np.float32),
        who=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.clocks) for part in parts]),
        seen=np.array([seen for part in parts for seen in part.seen], dtype=np.int32),
        clock=np.array([clock for part in parts for clock in part.clocks], dtype=np.int64),
        week=np.array([week for part in parts for week in part.weeks], dtype=np.int32),
        features=np.array([row for part in parts for row in part.features], dtype=np.float32).reshape(
            -1, len(FEATURES)
        ),
        labels=np.array([row for part in parts for row in part.labels], dtype=np.int8).reshape(-1, len(labels.TARGETS)),
        early=np.array([part.early for part in parts], dtype=bool),
    )


def _join(parts: Sequence[Tokens]) -> Tokens:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


class _Learner:
    """The examples of one learner."""

    def __init__(
        self, learner: PackageLearner, rows: list[Row], package: Package, kinds: KindTable, end_of_data: int, seed: int
    ) -> None:
        schedule = package.schedule
        enrolled = micros(learner.enrolled_at)
        plan = Plan.of(schedule, enrolled)
        times = [row.time for row in rows]
        end = end_of_data if schedule.end is None else min(schedule.end, end_of_data)
        moments = _moments(plan.origin, end, times, seed=seed, name=f"{package.course} {learner.user_id}")
        moments = [(clock, week) for clock, week in moments if clock >= max(enrolled, times[0])]
        self.early = times[0] <= plan.origin + WEEK
        self.clocks = [clock for clock, _ in moments]
        self.weeks = [week for _, week in moments]
        self.seen = [bisect_right(times, clock) for clock in self.clocks]
        self.features: list[list[float]] = []
        counters, begin = Counters(), 0
        for clock, seen in zip(self.clocks, self.seen, strict=True):
            counters.update(rows[begin:seen], kinds.categories)
            begin = seen
            self.features.append(counters.features(plan, clock))
        counters.update(rows[begin:], kinds.categories)
        completed = labels.complete(counters, plan)
        certified_at = None if learner.certified_at is None else micros(learner.certified_at)
        self.labels = [
            (
                int(learner.certified),
                NOT_JUDGED if completed is None else int(completed),
                int(labels.leave(times[-1], clock))
                if labels.leave_is_judged(
                    clock,
                    last_so_far=times[seen - 1],
                    end_of_course=schedule.end,
                    end_of_data=end_of_data,
                    certified_at=certified_at,
                )
                else NOT_JUDGED,
            )
            for clock, seen in zip(self.clocks, self.seen, strict=True)
        ]


def _moments(origin: int, end: int, times: list[int], *, seed: int, name: str) -> list[tuple[int, int]]:
    """(clock, week) in order of time: every week's end, and some moments of no week (0), about three in four weeks.

    Those are any time of a week, or right at an event: both are when a site asks.
    """
    digest = blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    chance = np.random.default_rng(int.from_bytes(digest, "little"))
    moments = [(origin + week * WEEK, week) for week in range(1, (end - origin) // WEEK + 1)]
    weeks = len(moments)
    moments += [(origin + int(day * DAY), 0) for day in chance.uniform(0, 7 * weeks, size=weeks // 2)]
    moments += [(times[at], 0) for at in chance.integers(0, len(times), size=(weeks + 3) // 4) if times[at] <= end]
    return sorted(moments)
