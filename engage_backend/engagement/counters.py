"""Counters: what a stream can keep about a learner, and what the read-out reads from it at a moment.

All are integers that move by events alone, in constant work per event, so that feeding events one by one, in chunks or as a
whole gives the same counters bit for bit, and no floating-point noise can flip a split of a tree. The clock and the
schedule enter in `features` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

import msgspec

from engage_backend.clickstream.scores import BY_PLACE, PLACES, Score, place_of
from engage_backend.engagement.categories import FACT, Category
from engage_backend.engagement.rows import Row, block_number
from engage_backend.platform.protocol import CourseSchedule

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WINDOW = 28  # days of daily activity that are kept
SESSION_GAP = 30 * MINUTE
MOST_UNITS = 512  # blocks of a learner that are told apart; nobody's state grows without end
_UNIT = 2**32 - 1  # of a block's number, the bits that `units` keeps
SPINNING = 5  # wrong answers to one problem without a right one: three, and no success in the next two
_FULL = 1_000_000  # a full score, in millionths
_MOST = 2**62  # millionths; what states can hold
_MONDAY = 3  # 1970 began on a Thursday
_VIDEO, _CORRECT = int(Category.VIDEO), int(Category.CORRECT)
_ANSWERS = (_CORRECT, int(Category.INCORRECT))
_CHECK = place_of("problem_check_correct")

COUNTERS = 1  # raised when a feature of the same name begins to mean something else: models of before are refused then

FEATURES = (
    "days_since_start",
    "share_of_course",
    "days_to_end",
    "days_silent",
    "days_since_first_event",
    "events",
    "events_per_day",
    "events_1d",
    "events_3d",
    "events_7d",
    "events_14d",
    "events_28d",
    "trend_7d",
    "active_days",
    "active_days_7d",
    "active_days_14d",
    "active_days_28d",
    "active_days_share",
    "longest_silence_days",
    "sessions",
    "hours",
    "content_events",
    "video_events",
    "forum_events",
    "forum_posts",
    "problem_events",
    "progress_events",
    "correct",
    "incorrect",
    "correct_share",
    "blocks_handed_in",
    "attempts_per_block",
    "points_attempted",
    "points_earned",
    "points_due",
    "points_missed",
    "points_open",
    "points_due_7d",
    "points_reachable",
    "missing_to_pass",
    "attempted_of_due",
    "score_of_attempted",
    "last_score",
    "days_since_handed_in",
    "lead_days",
    "days_to_next_due",
    "units",
    "furthest_task",
    "lag",
    "enrolled_lead_days",
    "hour_regularity",
    "weekday_regularity",
    "night_share",
    "evening_share",
    "weekend_share",
)
# Read by a model only where nested validation says that it pays: see `training.heard`.
OPTIONAL = {
    "progress": ("units", "furthest_task", "lag", "enrolled_lead_days"),
    "rhythm": ("hour_regularity", "weekday_regularity", "night_share", "evening_share", "weekend_share"),
}
UNKNOWN = -1.0  # a feature that the schedule does not tell


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule as counters read it, for one learner or for all of a run."""

    origin: int  # weeks are counted from here: the run's start, or a self-paced learner's own enrolment after it
    end: int | None
    passing_grade: float
    graded: dict[int, tuple[float, int | None]]  # block number -> (points, due), in the course's order
    opens: Mapping[int, int] = field(default_factory=dict)  # block number -> when it opens, where that is known
    enrolled: int | None = None  # the learner's enrolment; None: not known

    @classmethod
    def of(
        cls, schedule: CourseSchedule, enrolled: int | None = None, dues: Mapping[str, int | None] | None = None
    ) -> Plan:
        """The plan of a run; `enrolled` (µs) moves the origin of self-paced ones only. `dues`: a learner's own due dates."""
        origin = max(enrolled, schedule.start) if schedule.self_paced and enrolled is not None else schedule.start
        own = dues or {}
        graded = {
            block_number(block.block): (block.points, own.get(block.block, block.due)) for block in schedule.graded
        }
        opens = {block_number(block.block): block.opens for block in schedule.graded if block.opens is not None}
        return cls(origin, schedule.end, schedule.passing_grade, graded, opens, enrolled)


@dataclass(slots=True)
class Counters:
    """What is kept of one learner. Times are microseconds since 1970, UTC; 0 events: all zero."""

    events: int = 0
    first: int = 0
    last: int = 0
    active_days: int = 0
    longest_silence: int = 0
    sessions: int = 0
    time_on_task: int = 0  # microseconds within sessions
    by_category: list[int] = field(default_factory=lambda: [0] * len(Category))
    by_day: list[int] = field(
        default_factory=lambda: [0] * WINDOW
    )  # events on the last active day, the day before, ...
    # Block number -> [current score in millionths (-1: none), attempts, first and last handed in (0: not), order of the score,
    # order of the hand-in, wrong answers in a row]; an order is time x PLACES + place, as in `live.submissions`.
    handed_in: dict[int, list[int]] = field(default_factory=dict)
    by_hour: list[int] = field(default_factory=lambda: [0] * 24)  # hours with a click, by hour of the day, UTC
    by_weekday: list[int] = field(default_factory=lambda: [0] * 7)  # days with a click, from Monday, UTC
    units: dict[int, int] = field(default_factory=dict)  # block -> the session (1, 2, ...) in which it was last begun
    rewatched: int = 0  # times that a video of an earlier session was played again
    retried: int = 0  # answers to a problem whose answer before was wrong
    spinning: int = 0  # problems answered wrong SPINNING times in a row

    def update(self, rows: Iterable[Row], categories: Sequence[int]) -> None:
        """Take in rows that follow the ones already counted; `categories[kind number]` is their sort."""
        by_category, by_day, last, units = self.by_category, self.by_day, self.last, self.units
        known = len(categories)
        for time, kind, block, _, score, possible, attempt in rows:
            category = categories[kind] if kind < known else 0
            if category > FACT:
                if block:
                    self._take_in(block, category >> 4, score, possible, attempt, time)
                category &= 15
            if category == FACT:
                continue
            by_category[category] += 1
            gap = time - last
            hour = time // HOUR
            if self.events == 0:
                self.first = time
                self.active_days = self.sessions = 1
                self.by_hour[hour % 24] = self.by_weekday[(hour // 24 + _MONDAY) % 7] = 1
            elif hour != last // HOUR:
                self.by_hour[hour % 24] += 1
                days = hour // 24 - last // DAY
                if days:
                    self.active_days += 1
                    self.by_weekday[(hour // 24 + _MONDAY) % 7] += 1
                    by_day[:0] = [0] * min(days, WINDOW)
                    del by_day[WINDOW:]
            if self.events:
                if gap > SESSION_GAP:
                    self.sessions += 1
                    self.longest_silence = max(self.longest_silence, gap)
                else:
                    self.time_on_task += gap
            by_day[0] += 1
            self.events += 1
            last = time
            if not block:
                continue
            unit = block & _UNIT
            begun = units.get(unit)
            if begun is None:
                if len(units) < MOST_UNITS:
                    units[unit] = self.sessions
            elif category == _VIDEO and begun != self.sessions:
                units[unit] = self.sessions
                self.rewatched += 1
            if category in _ANSWERS:
                self._answered(block, is_right=category == _CORRECT)
        self.last = last

    def _answered(self, block: int, *, is_right: bool) -> None:
        """Count an answer to a problem that the grader judged."""
        kept = self.handed_in.get(block)
        if kept is None:
            return
        if kept[6]:
            self.retried += 1
        kept[6] = 0 if is_right else kept[6] + 1
        if kept[6] == SPINNING:
            self.spinning += 1

    def _take_in(self, block: int, place: int, score: float, possible: float, attempt: int, time: int) -> None:
        """Let a record about a task count: of two of one time the one that `EFFECTS` puts lower."""
        effect, order = BY_PLACE[place], time * PLACES + place
        kept = self.handed_in.setdefault(block, [-1, 0, 0, 0, 0, 0, 0])
        if effect.score is Score.TAKEN_BACK:
            if order >= kept[4]:
                kept[0], kept[4] = -1, order
        elif effect.score is Score.SET and possible > 0.0 and score >= 0.0:
            share = round(_FULL * score / possible)
            if share > _MOST:  # refused whatever comes after it, so that the order of batches does not matter
                raise OverflowError(f"a score of {score:g} out of {possible:g}")
            if order > kept[4] or (order == kept[4] and (attempt, share) > (kept[1], kept[0])):
                kept[0], kept[4] = share, order
        if effect.handed_in is None or order < kept[5]:
            return
        if not effect.handed_in:
            kept[1:4] = [0, 0, 0]
        elif attempt >= 0 or place != _CHECK:
            kept[1:4] = [max(kept[1], attempt, 1), kept[2] or time, time]
        else:  # a check that does not tell which attempt it was
            kept[1:4] = [kept[1] + 1, kept[2] or time, time]
        kept[5] = order

    def copy(self) -> Counters:
        """An independent copy."""
        return self.from_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The counters as bytes; `from_bytes` gives them back exactly."""
        flat = [number for block, kept in self.handed_in.items() for number in (block, *kept)]
        return msgspec.msgpack.encode(
            [
                self.events,
                self.first,
                self.last,
                self.active_days,
                self.longest_silence,
                self.sessions,
                self.time_on_task,
                self.by_category,
                self.by_day,
                self.by_hour,
                self.by_weekday,
                self.rewatched,
                self.retried,
                self.spinning,
                [number for pair in self.units.items() for number in pair],
                flat,
            ]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Counters:
        """The counters that `to_bytes` wrote."""
        events, first, last, days, silence, sessions, on_task, by_category, by_day, *rest = msgspec.msgpack.decode(data)
        by_hour, by_weekday, rewatched, retried, spinning, units, flat = rest
        handed_in = {flat[at]: flat[at + 1 : at + 8] for at in range(0, len(flat), 8)}
        return cls(
            events,
            first,
            last,
            days,
            silence,
            sessions,
            on_task,
            by_category,
            by_day,
            handed_in,
            by_hour,
            by_weekday,
            dict(zip(units[::2], units[1::2], strict=True)),
            rewatched,
            retried,
            spinning,
        )

    def features(self, plan: Plan, clock: int) -> list[float]:
        """What the read-out reads at `clock` (µs): one number for each of FEATURES, whole or exact quotients.

        The schedule counts as known beforehand; of the learner only what was counted.
        """
        since_start = (clock - plan.origin) / DAY
        length = (plan.end - plan.origin) / DAY if plan.end is not None else None
        silent = max(clock - self.last, 0) / DAY if self.events else since_start
        today = clock // DAY
        offset = max(today - self.last // DAY, 0) if self.events else WINDOW
        within = [sum(self.by_day[: max(window - offset, 0)]) for window in (1, 3, 7, 14, 28)]
        active = [sum(1 for n in self.by_day[: max(window - offset, 0)] if n) for window in (7, 14, 28)]
        span = max(today - self.first // DAY + 1, 1) if self.events else 1
        right, wrong = self.by_category[Category.CORRECT], self.by_category[Category.INCORRECT]
        attempts = sum(kept[1] for kept in self.handed_in.values())
        blocks = sum(1 for kept in self.handed_in.values() if is_attempted(kept))
        return [
            since_start,
            since_start / length if length else UNKNOWN,
            (plan.end - clock) / DAY if plan.end is not None else UNKNOWN,
            min(silent, 365.0),
            max(clock - self.first, 0) / DAY if self.events else UNKNOWN,
            self.events,
            self.events / span,
            *within,
            (2 * within[2] - within[3]) / (within[3] + 1),
            self.active_days,
            *active,
            self.active_days / span,
            max(self.longest_silence / DAY, silent) if self.events else UNKNOWN,
            self.sessions,
            self.time_on_task / (3600 * SECOND),
            *(self.by_category[c] for c in (Category.CONTENT, Category.VIDEO, Category.FORUM, Category.POST)),
            self.by_category[Category.PROBLEM],
            self.by_category[Category.PROGRESS],
            right,
            wrong,
            right / (right + wrong) if right + wrong else UNKNOWN,
            blocks,
            attempts / blocks if blocks else 0.0,
            *self._tasks(plan, clock),
            *self._coverage(plan, since_start / length if length else UNKNOWN),
            *self._rhythm(),
        ]

    def _coverage(self, plan: Plan, share: float) -> list[float]:
        """How far the learner has come, and how early they enrolled; `share`: of the course that is over."""
        furthest = reached = 0.0
        for block, (points, _) in plan.graded.items():
            reached += points
            if block in self.handed_in and is_attempted(self.handed_in[block]):
                furthest = reached
        lead = UNKNOWN if plan.enrolled is None else min(max((plan.origin - plan.enrolled) / DAY, -90.0), 180.0)
        return [
            len(self.units),
            furthest if plan.graded else UNKNOWN,
            share - furthest if plan.graded and share >= 0 else 0.0,
            lead,
        ]

    def _rhythm(self) -> list[float]:
        """When in a day and a week the learner comes, of the hours and days with a click, UTC."""
        hours, days = sum(self.by_hour), sum(self.by_weekday)
        if not hours:
            return [0.0, 0.0, UNKNOWN, UNKNOWN, UNKNOWN]
        return [
            regularity(self.by_hour),
            regularity(self.by_weekday),
            sum(self.by_hour[:6]) / hours,
            sum(self.by_hour[18:]) / hours,
            sum(self.by_weekday[5:]) / days,
        ]

    def latency(self, plan: Plan) -> float:
        """Return the mean days from the opening of a task, or the enrolment after it, to its first hand-in; UNKNOWN: none."""
        since = plan.enrolled or 0
        waited = [
            max(kept[2] - max(opens, since), 0)
            for block, opens in plan.opens.items()
            if (kept := self.handed_in.get(block)) is not None and kept[2]
        ]
        return sum(waited) / len(waited) / DAY if waited else UNKNOWN

    def _tasks(self, plan: Plan, clock: int) -> list[float]:
        """The features that need the schedule's graded blocks, in the order of FEATURES."""
        last_at = max((kept[3] for kept in self.handed_in.values() if kept[3]), default=None)
        scores = (kept[0] / _FULL for kept in self.handed_in.values() if kept[3] == last_at and kept[0] >= 0)
        last_score = next(scores, UNKNOWN)
        since_last = (clock - last_at) / DAY if last_at is not None else UNKNOWN
        if not plan.graded:
            return [UNKNOWN] * 10 + [last_score, since_last, UNKNOWN, UNKNOWN]
        attempted = scored = earned = due = missed = still_open = soon = 0.0
        leads: list[int] = []
        next_due: int | None = None
        for block, (points, deadline) in plan.graded.items():
            kept = self.handed_in.get(block)
            over = deadline is not None and deadline <= clock
            if over:
                due += points
            elif deadline is not None and (next_due is None or deadline < next_due):
                next_due = deadline
            if kept is not None and is_attempted(kept):
                attempted += points
                if kept[0] >= 0:  # what is handed in and not graded may still give its points
                    scored += points
                    earned += points * kept[0] / _FULL
                if deadline is not None and kept[2]:
                    leads.append(min(max(deadline - kept[2], -14 * DAY), 28 * DAY))
            elif over:
                missed += points
            else:
                still_open += points
                if deadline is not None and deadline <= clock + 7 * DAY:
                    soon += points
        return [
            attempted,
            earned,
            due,
            missed,
            still_open,
            soon,
            earned + still_open + attempted - scored,
            plan.passing_grade - earned,
            (due - missed) / due if due else UNKNOWN,
            earned / scored if scored else UNKNOWN,
            last_score,
            since_last,
            sum(leads) / len(leads) / DAY if leads else UNKNOWN,
            (next_due - clock) / DAY if next_due is not None else UNKNOWN,
        ]


def regularity(counts: Sequence[int]) -> float:
    """Return how much the counts keep to few of their places: (log n - entropy) x the largest count.

    PDH of hours and PWD of weekdays in Boroujeni, Sharma, Kidzinski, Lucignano, Dillenbourg, "How to Quantify Student's
    Regularity?" (EC-TEL 2016). 0: alike at all times.
    """
    total = sum(counts)
    if not total:
        return 0.0
    entropy = log(total) - sum(n * log(n) for n in counts if n) / total
    return max(log(len(counts)) - entropy, 0.0) * max(counts)


def is_attempted(kept: Sequence[int]) -> bool:
    """Return whether a task of `Counters.handed_in` was handed in, or has a score without that."""
    return kept[3] > 0 or kept[0] >= 0
