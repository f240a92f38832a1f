"""From a research package to what training reads: events as arrays, and examples, a learner at a moment, with labels.

An example sees the events up to its clock and nothing later; the schedule counts as known beforehand. End-state tables
give labels only. Who has examples: who is on the roster, from the date of enrolment on, not staff, with at least one event by
then (without one there is no prediction to make). Shown and judged are those still enrolled at the clock (`Run.enrolled`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import groupby, islice
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import KEPT_FACTS, is_activity, is_of_a_unit
from engage_backend.clickstream.parse import latest, parse_lines
from engage_backend.clickstream.whose import is_other, name_hash
from engage_backend.engagement import labels
from engage_backend.engagement.columns import Columns, Pile
from engage_backend.engagement.counters import DAY, FEATURES, Counters, Plan
from engage_backend.engagement.encoder import CARRIED, UNKNOWN_TOKEN, Floats, KindTable, Tokens, encode
from engage_backend.engagement.enrolments import DATED, Enrolments
from engage_backend.engagement.history import Row, merge, to_row
from engage_backend.engagement.package import Package, PackageLearner
from engage_backend.engagement.structure import micros
from engage_backend.engagement.trees import TARGETS

NOT_JUDGED = -1
WEEK = 7 * DAY
_SILENT = FEATURES.index("days_silent")
_LINES_AT_ONCE = 50_000
_EVENTS_AT_ONCE = 50_000  # that are rows at a time: ten times the size they have on the pile

Integers = npt.NDArray[np.int64]
Progress = Callable[[int], object]  # called with a count of lines just read


@dataclass(frozen=True, slots=True)
class Run:
    """One course run. E events of n learners, sorted by learner and time; N examples."""

    name: str
    course: str
    learners: Integers  # (n,) user ids, or numbers in their place: the same person has the same in every run
    begins: Integers  # (n + 1,) where each learner's events begin
    kinds: npt.NDArray[np.integer[Any]]  # (E,) number in the KindTable that all runs share
    who: npt.NDArray[np.int32]  # (N,) index into learners
    seen: npt.NDArray[np.int32]  # (N,) how many of the learner's events lie at or before the clock; at least 1
    clock: Integers  # (N,) microseconds
    week: npt.NDArray[np.int32]  # (N,) 1, 2, ...: the end of that week; 0: a moment within a week, for training only
    features: Floats  # (N, FEATURES)
    labels: npt.NDArray[np.int8]  # (N, TARGETS) 0, 1 or NOT_JUDGED
    level: npt.NDArray[np.int8]  # (N,) active days in the seven days after the clock, 0 to 7, or NOT_JUDGED
    enrolled: npt.NDArray[np.bool_]  # (N,) at the clock, by dated events; see enrolments
    early: npt.NDArray[np.bool_]  # (n,) active by the end of the first week: the published evaluation counts those
    carried: Floats | None = None  # (E, CARRIED) see encoder; only where an LSTM is to be trained

    def known(self, tokens: Tokens) -> float:
        """The share of the events whose kind has a token; `tokens` by kind number. 1 of none."""
        return float((tokens[self.kinds] != UNKNOWN_TOKEN).mean()) if len(self.kinds) else 1.0

    def shown(self) -> npt.NDArray[np.bool_]:
        """Which labels (N, TARGETS) are of figures that a page would show."""
        return are_shown(self.labels, self.features) & self.enrolled[:, None]

    def with_examples(self, chosen: npt.NDArray[np.bool_]) -> Run:
        """The same run with some of its examples."""
        parts = {
            name: getattr(self, name)[chosen]
            for name in ("who", "seen", "clock", "week", "features", "labels", "level", "enrolled")
        }
        kept = {name: getattr(self, name) for name in self.__slots__ if name not in parts}
        return Run(**kept, **parts)


def are_shown(labels_: npt.NDArray[np.int8], features: Floats) -> npt.NDArray[np.bool_]:
    """Which labels (n, TARGETS) of examples with these features are shown: those judged, `leave` of the recently active."""
    found: npt.NDArray[np.bool_] = labels_ != NOT_JUDGED
    found[:, TARGETS.index("leave")] &= features[:, _SILENT] <= labels.RECENTLY_ACTIVE / DAY
    return found


def load_run(
    package: Package,
    kinds: KindTable,
    *,
    seed: int,
    sequence: bool = False,
    progress: Progress = lambda lines: None,
) -> Run:
    """Read a package's log and make its examples. New kinds are registered in `kinds`. See `run_of`."""
    return run_of(package, clicks_of(package, progress), kinds, seed=seed, sequence=sequence)


def clicks_of(package: Package, progress: Progress = lambda lines: None) -> Iterator[ClickEvent]:
    """Read a package's log: what its learners did themselves, and what was said of their scores and enrolments.

    Records without a user id, of before November 2013, are given to the user whose name they bear.
    """
    names = {learner.username: learner.user_id for learner in package.learners}
    own = {learner.user_id: name_hash(learner.username) for learner in package.learners}
    lines, until, opens = package.lines(), latest(datetime.now(UTC)), package.schedule.start
    while part := list(islice(lines, _LINES_AT_ONCE)):
        for event in parse_lines(part, until=until, names=names)[0]:
            if event.who and is_other(event.who, own.get(event.learner, "")):
                continue  # staff who masquerade
            opened = event.time >= opens or not is_of_a_unit(event.kind)
            if opened if is_activity(event.kind) else event.kind in KEPT_FACTS or event.kind in DATED:
                yield event
        progress(len(part))


def run_of(
    package: Package,
    events: Iterable[ClickEvent],
    kinds: KindTable,
    *,
    seed: int,
    sequence: bool = False,
    enrolments: Enrolments | None = None,
) -> Run:
    """The run of a package whose log holds `events`, in any order and however often each.

    `sequence`: with what an LSTM reads of each event, `Run.carried`. `enrolments`, if given, takes in what the events say of
    who was enrolled when.
    """
    people = {learner.user_id: learner for learner in package.learners if not learner.is_staff}
    enrolments = Enrolments() if enrolments is None else enrolments
    mine = _without_dated(
        (event for event in events if event.learner in people and event.course == package.course), enrolments
    )
    pile, last, last_click = Pile(), 0, -1
    while part := list(islice(mine, _LINES_AT_ONCE)):
        for event in part:
            kinds.number(event.kind)
        clicks = [event for event in part if is_activity(event.kind)]
        last = max([last, *(event.time for event in clicks)])
        last_click = max([last_click, *(event.time for event in clicks if event.possible is None)])
        pile.add(Columns.of(part))
    # Outcomes may come in after the clicks have stopped; what stops the clock is the clicks.
    end_of_data = ((last if last_click < 0 else last_click) // DAY + 1) * DAY  # of the day: a log is cut between days
    every_kind = np.arange(len(kinds.names), dtype=np.int64)
    found: list[_Learner] = []
    for part in pile.by_learner(_EVENTS_AT_ONCE):
        for user, theirs in groupby(part, key=attrgetter("learner")):
            history = merge([], [to_row(event, kinds.numbers) for event in theirs])
            if any(row.kind not in kinds.facts for row in history):
                found.append(_Learner(people[user], history, package, kinds, every_kind, end_of_data, seed, sequence))
    return Run(
        name=package.name,
        course=package.course,
        learners=np.array([one.user_id for one in found], dtype=np.int64),
        begins=np.cumsum([0, *(len(one.read) for one in found)], dtype=np.int64),
        kinds=_join([one.read for one in found], np.zeros(0, dtype=np.int32)),
        carried=_join(
            [one.carried for one in found if one.carried is not None], np.zeros((0, CARRIED), dtype=np.float32)
        )
        if sequence
        else None,
        who=np.repeat(np.arange(len(found), dtype=np.int32), [len(one.clock) for one in found]),
        seen=_join([one.seen for one in found], np.zeros(0, dtype=np.int32)),
        clock=_join([one.clock for one in found], np.zeros(0, dtype=np.int64)),
        week=_join([one.week for one in found], np.zeros(0, dtype=np.int32)),
        features=_join([one.features for one in found], np.zeros((0, len(FEATURES)), dtype=np.float32)),
        labels=_join([one.labels for one in found], np.zeros((0, len(TARGETS)), dtype=np.int8)),
        level=_join([one.level for one in found], np.zeros(0, dtype=np.int8)),
        enrolled=_join([enrolments.at(one.user_id, one.clock.tolist()) for one in found], np.zeros(0, dtype=bool)),
        early=np.array([one.early for one in found], dtype=bool),
    )


def _without_dated(events: Iterable[ClickEvent], enrolments: Enrolments) -> Iterator[ClickEvent]:
    """The events that stand in a history; the others go into `enrolments`."""
    for event in events:
        if event.kind in DATED:
            enrolments.add(event)
        else:
            yield event


def _join(parts: Sequence[npt.NDArray[Any]], nothing: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else nothing


class _Learner:
    """The events and the examples of one learner, in arrays."""

    def __init__(
        self,
        learner: PackageLearner,
        rows: list[Row],
        package: Package,
        kinds: KindTable,
        every_kind: Tokens,
        end_of_data: int,
        seed: int,
        sequence: bool,
    ) -> None:
        schedule = package.schedule
        enrolled = micros(learner.enrolled_at)
        plan = Plan.of(schedule, enrolled)
        clicks = kinds.clicks(rows)
        times, moments_of_all = [row.time for row in clicks], [row.time for row in rows]
        end = end_of_data if schedule.end is None else min(schedule.end, end_of_data)
        moments = _moments(plan.origin, end, times, seed=seed, name=f"{package.course} {learner.user_id}")
        moments = [(clock, week) for clock, week in moments if clock >= max(enrolled, times[0])]
        self.user_id = learner.user_id
        self.early = times[0] <= plan.origin + WEEK
        self.read = np.array([row.kind for row in clicks], dtype=np.int32)
        self.carried = encode(clicks, None, every_kind)[1] if sequence else None
        self.clock = np.array([clock for clock, _ in moments], dtype=np.int64)
        self.week = np.array([week for _, week in moments], dtype=np.int32)
        self.seen = np.array([bisect_right(times, clock) for clock, _ in moments], dtype=np.int32)
        features: list[list[float]] = []
        counters, begin = Counters(), 0
        for clock, _ in moments:
            seen = bisect_right(moments_of_all, clock)
            counters.update(rows[begin:seen], kinds.categories)
            begin = seen
            features.append(counters.features(plan, clock))
        counters.update(rows[begin:], kinds.categories)
        self.features = np.array(features, dtype=np.float32).reshape(-1, len(FEATURES))
        completed = labels.complete(counters, plan)
        certified_at = None if learner.certified_at is None else micros(learner.certified_at)
        outcomes = [
            (
                int(learner.certified),
                NOT_JUDGED if completed is None else int(completed),
                int(labels.leave(times[-1], clock))
                if labels.leave_is_judged(
                    clock,
                    end_of_course=schedule.end,
                    end_of_data=end_of_data,
                    certified_at=certified_at,
                )
                else NOT_JUDGED,
            )
            for clock, _ in moments
        ]
        self.labels = np.array(outcomes, dtype=np.int8).reshape(-1, len(TARGETS))
        days = (
            labels.active_days_next_week(times, clock, end_of_course=schedule.end, end_of_data=end_of_data)
            for clock, _ in moments
        )
        self.level = np.array([NOT_JUDGED if count is None else count for count in days], dtype=np.int8)


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
