"""What a comparison reads of one course run: who is judged when, what could be known by then, and what came of them.

An example is a learner at the end of a week. Trained on are those active by the end of the first week, not staff; judged are
those of them who are enrolled at the example's clock, by dated events. Every model sees the same examples. Times are
microseconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import SUBMITTED, is_activity
from engage_backend.engagement import labels
from engage_backend.engagement.comparison.weekly import Clicks, Lattice, attempted_and_open, twelve
from engage_backend.engagement.counters import DAY, FEATURES, Plan
from engage_backend.engagement.dataset import WEEK, Run, clicks_of, run_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.enrolments import Enrolments
from engage_backend.engagement.history import Row, merge, to_row
from engage_backend.engagement.package import Package, Profile, profiles
from engage_backend.engagement.structure import micros

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

SHARES = (25, 50, 75)  # per cent of the course
_FOR_EVER = 2**62
SINGLE = ("days_silent", "events", "points_earned")  # the features that stand alone as models


@dataclass(frozen=True, slots=True)
class Material:
    """One course run; n examples in order of learner and week, L learners, E events."""

    name: str
    course: str  # course key of the run
    start: int
    end: int  # of the course, or of the clicks where the schedule names none
    self_paced: bool
    run: Run  # all of it, for our own model: moments within weeks and latecomers too
    at: Integers  # (n,) where the examples stand in `run`
    who: Integers  # (n,) index into `learners`
    week: Integers  # (n,) 1, 2, ...
    features: Doubles  # (n, 12) see weekly
    single: Doubles  # (n, 3) see SINGLE
    truths: npt.NDArray[np.int8]  # (n, TARGETS) 0, 1 or NOT_JUDGED; `leave` of everybody, active or long silent
    recent: Doubles  # (n,) days since the last event
    undecided: Flags  # (n,) neither handed in enough to pass, nor out of reach of it
    enrolled: Flags  # (n,) at the example's clock, by dated events: who is judged
    learners: Integers  # (L,) user ids
    certified: Flags  # (L,)
    events: Integers  # (L,) how many in all
    profiles: tuple[Profile | None, ...]  # (L,) for figures by group, and for nothing else
    dated: bool  # whether the log tells of any enrolment: without, everybody counts as enrolled
    undated: int  # learners who are unenrolled in the end, and no event tells since when: they count as enrolled

    def among(self, name: str) -> Flags:
        """Which examples a figure is over, of those enrolled: `all`, `active_14d`, `active_7d` or `undecided`."""
        return self.ever(name) & self.enrolled

    def ever(self, name: str) -> Flags:
        """The same, and those who have unenrolled by then."""
        if name == "undecided":
            return self.undecided
        limits = {"all": np.inf, "active_14d": labels.RECENTLY_ACTIVE / DAY, "active_7d": 7.0}
        return self.recent <= limits[name]

    def keep(self, chosen: Flags) -> Material:
        """The same run with the examples of some learners (L,); their numbers stay."""
        mine = chosen[self.who]
        moved = np.cumsum(chosen[self.run.who]) - 1  # where an example of the run goes
        parts = {name: getattr(self, name)[mine] for name in _PER_EXAMPLE}
        return replace(self, run=self.run.with_examples(chosen[self.run.who]), **parts | {"at": moved[self.at[mine]]})

    def week_at(self, share: int) -> int:
        """The last week that ends by `share` per cent of the course; at least 1."""
        return max(int((self.end - self.start) * share / 100 // WEEK), 1)

    def digest(self, reads: str, names: Sequence[str]) -> str:
        """Changes when anything changes that a family of models could read here.

        `reads`: the family's `single` or weekly `features`, the `events` by kind, or all of `run`. `names`: of the kinds,
        whose numbers do not matter.
        """
        found = blake2b(f"{self.name} {self.course} {self.start} {self.end}".encode(), digest_size=16)
        own = [reads] if reads in _PER_EXAMPLE else []
        for part in ("who", "week", "truths", "learners", "certified", "events", *own):
            found.update(np.ascontiguousarray(getattr(self, part)).data)
        if own:
            return found.hexdigest()
        there = np.unique(self.run.kinds).tolist()
        order = sorted(there, key=names.__getitem__)
        places = np.zeros(max(there, default=0) + 1, dtype=np.int32)
        places[order] = np.arange(len(order))
        found.update("\n".join(names[kind] for kind in order).encode())
        found.update(places[self.run.kinds].data)
        parts = ("begins", "features", "labels", "enrolled") if reads == "run" else ("begins",)
        for part in parts if self.run.carried is None or reads != "run" else (*parts, "carried"):
            found.update(np.ascontiguousarray(getattr(self.run, part)).data)
        found.update(np.ascontiguousarray(self.run.seen[slice(None) if reads == "run" else self.at]).data)
        return found.hexdigest()


_PER_EXAMPLE = ("at", "who", "week", "features", "single", "truths", "recent", "undecided", "enrolled")


def load_material(
    package: Package,
    kinds: KindTable,
    *,
    seed: int,
    sequence: bool = False,
    progress: Callable[[int], object] = lambda lines: None,
) -> Material:
    """Read a package's log. `progress` is called with a count of lines just read. New kinds are registered in `kinds`.

    `sequence`: with what an LSTM of ours reads of each event.
    """
    return material_of(package, clicks_of(package, progress), kinds, seed=seed, sequence=sequence)


def material_of(
    package: Package, events: Iterable[ClickEvent], kinds: KindTable, *, seed: int, sequence: bool = False
) -> Material:
    """The material of a package whose log holds `events`, in any order and however often each."""
    people = {learner.user_id: learner for learner in package.learners if not learner.is_staff}
    rows: dict[int, list[Row]] = {user: [] for user in people}

    def overheard() -> Iterable[ClickEvent]:
        for event in events:
            counts = is_activity(event.kind) or event.kind == SUBMITTED
            if counts and event.learner in rows and event.course == package.course:
                kinds.number(event.kind)
                rows[event.learner].append(to_row(event, kinds.numbers))
            yield event

    enrolments = Enrolments()
    run = run_of(package, overheard(), kinds, seed=seed, sequence=sequence, enrolments=enrolments)
    histories = [merge([], rows.pop(user)) for user in run.learners.tolist()]
    clicks = Clicks.of(histories, kinds)
    at = np.flatnonzero((run.week > 0) & run.early[run.who])
    who, week, clock = run.who[at].astype(np.int64), run.week[at].astype(np.int64), run.clock[at]
    schedule = package.schedule
    acted = clicks.activity()
    end_of_data = _end_of_data(acted)
    plans = [Plan.of(schedule, micros(people[user].enrolled_at)) for user in run.learners.tolist()]
    lattice = Lattice(np.array([plan.origin for plan in plans], dtype=np.int64), int(run.week.max(initial=0)))
    end = schedule.end or max(end_of_data, schedule.start + WEEK)
    so_far = lattice.last_so_far(acted)[who, week - 1] if len(at) else clock
    attempted, still_open = attempted_and_open(clicks, lattice, plans[0].graded if plans else {})
    reached, reachable = (part[who, week - 1] for part in (attempted, attempted + still_open))
    found = profiles(package.folder)
    return Material(
        name=package.name,
        course=package.course,
        start=schedule.start,
        end=end,
        self_paced=schedule.self_paced,
        run=run,
        at=at,
        who=who,
        week=week,
        features=twelve(clicks, lattice, plans, end)[who, week - 1],
        single=run.features[at][:, [FEATURES.index(name) for name in SINGLE]].astype(np.float64),
        truths=run.labels[at],
        recent=np.maximum(clock - so_far, 0) / DAY,
        enrolled=run.enrolled[at],
        undecided=(reached < schedule.passing_grade - 1e-6) & (reachable >= schedule.passing_grade - 1e-6),
        learners=run.learners,
        certified=np.array([people[user].certified for user in run.learners.tolist()], dtype=bool),
        events=np.diff(run.begins),
        profiles=tuple(found.get(user) for user in run.learners.tolist()),
        dated=enrolments.are_dated,
        undated=sum(
            not people[user].is_active and bool(enrolments.at(user, [_FOR_EVER])[0]) for user in run.learners.tolist()
        ),
    )


def _end_of_data(clicks: Clicks) -> int:
    """The end of the day of the last click; outcomes may come in for longer."""
    told = clicks.time[clicks.possible < 0]
    last = told if len(told) else clicks.time
    return (int(last.max(initial=0)) // DAY + 1) * DAY
