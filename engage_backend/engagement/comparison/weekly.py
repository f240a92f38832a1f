"""The twelve weekly features of the publication, for each learner and week, known at the week's end.

Le, Pardos, Meyer, Thorp (AIED 2018) took them from Taylor, Veeramachaneni, O'Reilly, "Likely to Stop?" (2014; their
numbers in brackets). They are additive: what is counted is added up from a learner's first event to the week's end, and
ratios and deviations are made of those sums. Terms that the sources leave open are settled here:

- a session ends where nothing happens for 30 minutes; its time runs from its first event to its last;
- an event lasts until the next one of its session, and is known to have lasted so when that one comes; the last of a session
  has no duration;
- a problem is attempted when a score is handed in for its block; what edX tells of one submission within five seconds (the
  check and the grade) is one; a problem is correct when the log says so (`problem_check`) or,
  where it tells points alone, when all of them were earned;
- a quotient whose divisor is 0 takes 1 for it: the time or the problems spent without a correct one.

| column | definition, at the end of week w |
| --- | --- |
| total_time | seconds on learning resources: the sum of session times (x2) |
| problems | distinct problems attempted (x6) |
| attempts_per_problem | submissions / problems (x9) |
| correct_problems | distinct correct problems (x8) |
| time_per_correct | total_time / correct_problems (x10) |
| time_since_last | seconds from the last event to the week's end |
| lead_time | mean seconds from a submission to its block's due date, late ones negative; 0 without any (x210) |
| longest_event | seconds of the longest learning event (x15) |
| video_time | seconds of events about videos (x16) |
| deviation | standard deviation of the learning events' durations, seconds (x13) |
| attempted_per_correct | problems / correct_problems (x11) |
| share_of_course | part of the course's time that is over, 0 to 1 |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.categories import FACT, Category
from engage_backend.engagement.counters import SECOND, SESSION_GAP, Plan
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import Row

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_ECHO = 5 * SECOND

TWELVE = (
    "total_time",
    "problems",
    "attempts_per_problem",
    "correct_problems",
    "time_per_correct",
    "time_since_last",
    "lead_time",
    "longest_event",
    "video_time",
    "deviation",
    "attempted_per_correct",
    "share_of_course",
)


@dataclass(frozen=True, slots=True)
class Clicks:
    """All events of a run, and its facts of hand-ins, as columns, shape (E,), in order of learner and time."""

    who: Integers  # index of the learner
    time: Integers
    category: Integers
    block: Integers
    score: Doubles  # -1: none
    possible: Doubles

    @classmethod
    def of(cls, histories: Sequence[Sequence[Row]], kinds: KindTable) -> Clicks:
        """From each learner's history."""
        counts = [len(history) for history in histories]
        flat = [row for history in histories for row in history]
        return cls(
            who=np.repeat(np.arange(len(histories)), counts).astype(np.int64),
            time=np.array([row.time for row in flat], dtype=np.int64),
            category=np.array([kinds.categories[row.kind] & 15 for row in flat], dtype=np.int64),
            block=np.array([row.block for row in flat], dtype=np.int64),
            score=np.array([row.score for row in flat], dtype=np.float64),
            possible=np.array([row.possible for row in flat], dtype=np.float64),
        )

    def activity(self) -> Clicks:
        """The events without the facts: a fact is written when a task was graded, which may be long after."""
        mine = self.category != FACT
        return Clicks(*(getattr(self, name)[mine] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Learners by weeks: where something that happened at a time counts first."""

    origin: Integers  # (L,) where each learner's weeks are counted from
    weeks: int

    def index(self, who: Integers, time: Integers) -> Integers:
        """The week at whose end it is known, from 0; what came before the start counts in the first week."""
        late: Integers = np.maximum(-((self.origin[who] - time) // WEEK) - 1, 0)
        return late

    def sums(self, who: Integers, time: Integers, values: Doubles | None = None) -> Doubles:
        """Sums by learner, from the beginning to each week's end: (L, weeks). Without values, counts."""
        week = self.index(who, time)
        known = week < self.weeks
        cells = who[known] * self.weeks + week[known]
        weights = None if values is None else values[known]
        added = np.bincount(cells, weights=weights, minlength=len(self.origin) * self.weeks)
        total: Doubles = np.cumsum(added.reshape(len(self.origin), self.weeks).astype(np.float64), axis=1)
        return total

    def largest(self, who: Integers, time: Integers, values: Doubles) -> Doubles:
        """The largest value so far, 0 where there was none: (L, weeks)."""
        week = self.index(who, time)
        known = week < self.weeks
        top = np.zeros((len(self.origin), self.weeks))
        np.maximum.at(top, (who[known], week[known]), values[known])
        highest: Doubles = np.maximum.accumulate(top, axis=1)
        return highest

    def last_so_far(self, clicks: Clicks) -> Integers:
        """The time of the last event by each week's end: (L, weeks); the very beginning where there was none."""
        week = self.index(clicks.who, clicks.time)
        known = week < self.weeks
        top = np.full((len(self.origin), self.weeks), np.iinfo(np.int64).min // 4)
        np.maximum.at(top, (clicks.who[known], week[known]), clicks.time[known])
        latest: Integers = np.maximum.accumulate(top, axis=1)
        return latest

    @property
    def ends(self) -> Integers:
        """The end of each week: (L, weeks)."""
        ends: Integers = self.origin[:, None] + (np.arange(self.weeks) + 1) * WEEK
        return ends


def twelve(clicks: Clicks, lattice: Lattice, plans: Sequence[Plan], end: int) -> Doubles:
    """The features, shape (L, weeks, 12) in the order of TWELVE. `end` of the course."""
    acted = clicks.activity()
    before, after = _pairs(acted)
    seconds = (acted.time[after] - acted.time[before]) / SECOND
    # Known when the later event comes: at the end of an earlier week nobody can tell that there will be one.
    who, when = acted.who[after], acted.time[after]
    video = np.where(acted.category[before] == Category.VIDEO, seconds, 0.0)
    time, squares, durations = (lattice.sums(who, when, part) for part in (seconds, seconds**2, np.ones(len(seconds))))
    handed_in = _handed_in(clicks)
    submitted = _once(clicks, handed_in)
    first = handed_in[_first_of_block(clicks, handed_in)]
    right = handed_in[_is_correct(clicks, handed_in)]
    right = right[_first_of_block(clicks, right)]
    problems, correct, submissions = (
        lattice.sums(clicks.who[part], clicks.time[part]) for part in (first, right, submitted)
    )
    lead, leads = _leads(clicks, lattice, submitted, plans[0].graded if plans else {})
    mean = time / np.maximum(durations, 1)
    over = (lattice.ends - lattice.origin[:, None]) / np.maximum(end - lattice.origin[:, None], WEEK)
    return np.stack(
        (
            time,
            problems,
            submissions / np.maximum(problems, 1),
            correct,
            time / np.maximum(correct, 1),
            np.maximum(lattice.ends - np.maximum(lattice.last_so_far(acted), lattice.origin[:, None]), 0) / SECOND,
            lead / np.maximum(leads, 1),
            lattice.largest(who, when, seconds),
            lattice.sums(who, when, video),
            np.sqrt(np.maximum(squares / np.maximum(durations, 1) - mean**2, 0.0)),
            problems / np.maximum(correct, 1),
            np.clip(over, 0.0, 1.0),
        ),
        axis=2,
    )


def attempted_and_open(
    clicks: Clicks, lattice: Lattice, graded: Mapping[int, tuple[float, int | None]]
) -> tuple[Doubles, Doubles]:
    """By each week's end, (L, weeks): the points attempted (each block once), and those not attempted that are not over."""
    handed_in = _handed_in(clicks)
    first = handed_in[_first_of_block(clicks, handed_in)]
    points = np.array([graded.get(block, (0.0, None))[0] for block in clicks.block[first].tolist()])
    attempted = lattice.sums(clicks.who[first], clicks.time[first], points)
    still_open = np.zeros_like(attempted)
    for block, (worth, due) in graded.items():
        mine = first[clicks.block[first] == block]
        missing = lattice.sums(clicks.who[mine], clicks.time[mine]) == 0
        still_open += worth * (missing & (lattice.ends < due if due is not None else True))
    return attempted, still_open


def _pairs(clicks: Clicks) -> tuple[Integers, Integers]:
    """Events and their next ones in the same session, as indices."""
    same = clicks.who[1:] == clicks.who[:-1]
    before = np.flatnonzero(same & (np.diff(clicks.time) <= SESSION_GAP))
    return before, before + 1


def _handed_in(clicks: Clicks) -> Integers:
    return np.flatnonzero((clicks.possible > 0) & (clicks.score >= 0) & (clicks.block != 0))


def _once(clicks: Clicks, handed_in: Integers) -> Integers:
    """The submissions without the echoes of each."""
    order = handed_in[np.lexsort((clicks.time[handed_in], clicks.block[handed_in], clicks.who[handed_in]))]
    earlier, later = order[:-1], order[1:]
    same = (clicks.who[later] == clicks.who[earlier]) & (clicks.block[later] == clicks.block[earlier])
    echo = same & (clicks.time[later] - clicks.time[earlier] <= _ECHO)
    submitted: Integers = np.sort(np.concatenate((order[:1], later[~echo])))
    return submitted


def _first_of_block(clicks: Clicks, chosen: Integers) -> Integers:
    """Of chosen events, in order of learner and time, the first of each learner and block, as indices into them."""
    both = np.stack((clicks.who[chosen], clicks.block[chosen]), axis=1)
    first: Integers = np.unique(both, axis=0, return_index=True)[1]
    return first


def _is_correct(clicks: Clicks, chosen: Integers) -> npt.NDArray[np.bool_]:
    category = clicks.category[chosen]
    full = clicks.score[chosen] >= clicks.possible[chosen]
    told = (category == Category.CORRECT) | (category == Category.INCORRECT)
    correct: npt.NDArray[np.bool_] = np.where(told, category == Category.CORRECT, full)
    return correct


def _leads(
    clicks: Clicks, lattice: Lattice, handed_in: Integers, graded: Mapping[int, tuple[float, int | None]]
) -> tuple[Doubles, Doubles]:
    """Sum and count of seconds between submissions and due dates."""
    dues = [graded.get(block, (0.0, None))[1] for block in clicks.block[handed_in].tolist()]
    known = np.array([due is not None for due in dues], dtype=bool)
    mine = handed_in[known]
    seconds = (np.array([due for due in dues if due is not None], dtype=np.float64) - clicks.time[mine]) / SECOND
    who, time = clicks.who[mine], clicks.time[mine]
    return lattice.sums(who, time, seconds), lattice.sums(who, time)
