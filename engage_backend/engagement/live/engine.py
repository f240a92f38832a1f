"""The live engine: events in, predictions kept current.

Every step can be done twice and in any order with the same end: histories are sets, states are functions of histories, and
predictions are functions of states, schedule, clock and model. So a source may deliver at least once; a crash costs nothing.
"""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType

from django.db import connection, transaction

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import COMPARED, DATES_MOVED, KEPT_FACTS, ROSTER_FACTS, is_activity
from engage_backend.clickstream.scores import EFFECTS
from engage_backend.conf import engage_settings
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import Row, to_row
from engage_backend.engagement.live.changes import read_again_soon
from engage_backend.engagement.live.compare import AGAIN_SECONDS, Comparison
from engage_backend.engagement.live.daily import DailyPass, is_nobodys_fault
from engage_backend.engagement.live.due import NEVER, look_again, work_out_all
from engage_backend.engagement.live.forward import move
from engage_backend.engagement.live.heads import Heads
from engage_backend.engagement.live.lease import JobLease
from engage_backend.engagement.live.locks import lock_learners
from engage_backend.engagement.live.own import NotOwn, OwnRecords
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.registry import MAX_KINDS, load_kinds, register_kinds
from engage_backend.engagement.live.rosters import Rosters
from engage_backend.engagement.live.standing import Standing, standing
from engage_backend.engagement.live.status import REFUSED
from engage_backend.engagement.live.submissions import says_something
from engage_backend.engagement.live.waiting import MOST, Waiting
from engage_backend.engagement.live.watch import ModelWatch
from engage_backend.engagement.model import Model
from engage_backend.models import CourseRun
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import Platform

log = logging.getLogger(__name__)

LATELY = timedelta(minutes=10)  # an enrolment in the log that is older is on the roster as the platform has it
_AT_ONCE = 500  # learners a transaction
_ABOUT_RUNS = COMPARED | DATES_MOVED | ROSTER_FACTS  # kinds that say that something has to be read again
_KIND = attrgetter("kind")
_LONGEST_WHY = 300  # characters of what was raised


class Unplaced(StrEnum):
    """Why an event that parsed well was not taken in."""

    COURSE = "unknown course"
    LEARNER = "not enrolled"
    REFUSED = REFUSED  # something of ours raised: see `Engine.refused`


class Engine:
    """Keeps one site's predictions current. One per process; many processes may work on the same database."""

    def __init__(
        self, platform: Platform, *, pass_seconds: float = 1.0, max_kinds: int = MAX_KINDS, max_waiting: int = MOST
    ) -> None:
        """`pass_seconds`: passes over one run keep this distance, however fast the site's clock runs; readings of its scores
        that records ask for, `AGAIN_SECONDS` times as much.

        `max_waiting`: events that wait for a roster to be read again; what finds no room counts as not enrolled.
        """
        # A batch is a hundred thousand small tuples that hold no cycles; looking for some took a sixth of the time.
        gc.set_threshold(200_000, 20, 20)
        self.platform = platform
        self.max_kinds = max_kinds
        self.kinds = KindTable()
        self.heads = Heads()
        self.watch = ModelWatch(lambda: engage_settings().model)
        self.lease = JobLease("clock")
        self._comparison = Comparison(platform, AGAIN_SECONDS * pass_seconds)
        self._waiting = Waiting(max_waiting)
        self._own = OwnRecords(platform)
        self._rosters = Rosters(platform)
        self._stands: tuple[str, bool] | None = None  # the model, and whether it is calibrated, as at the last tick
        self._day = date.min  # of the site's clock at the last tick
        self._daily = DailyPass(self.watch, self.heads, self._standing, self._move, pass_seconds)
        self._refused: dict[ClickEvent, str] = {}  # what raised, for the quarantine

    def read_rosters(self, events: Iterable[ClickEvent]) -> float:
        """Ask the platform about whom the `ingest` of these events does not know; since when that counts as asked.

        Outside of its transaction: a roster that changed takes the lock of its run, and learners are locked before their run.
        """
        began = time.monotonic()
        users: defaultdict[str, set[int]] = defaultdict(set, {course: set() for course in self._waiting.courses()})
        for event in events:
            if event.kind not in COMPARED:
                users[event.course].add(event.learner)
        for course_key, asked in sorted(users.items()):
            self._rosters.learners(course_key, self._asking(course_key, asked))
        return began

    def ingest(self, events: Iterable[ClickEvent], *, asked: float | None = None) -> Counter[Unplaced | NotOwn]:
        """Take events in and bring the learners they are of up to now; counts what was not taken in, by reason.

        `asked`: what `read_rosters` of these events gave, where that was done.

        Whom the platform did not have before these events came may have enrolled since: such events wait, at most
        `ROSTER_SECONDS`, and are counted when the platform has been asked again.
        """
        self._waiting.settle()  # the call before this one was not undone
        unplaced: Counter[Unplaced | NotOwn] = Counter()
        by_run: defaultdict[str, defaultdict[int, list[ClickEvent]]] = defaultdict(lambda: defaultdict(list))
        for course in self._waiting.courses():
            by_run[course]  # asked below, also where no event came
        lately = to_microseconds(self.platform.now() - LATELY)
        enrolled: set[tuple[str, int]] = set()  # where somebody came, went or changed mode, and who
        for event in events:
            if event.kind in _ABOUT_RUNS:
                if event.kind not in ROSTER_FACTS:
                    self._comparison.notice(event)
                elif event.time > lately:
                    enrolled.add((event.course, event.learner))
                if event.kind in COMPARED:
                    continue
            by_run[event.course][event.learner].append(event)
        for course_key, user in sorted(enrolled):
            read_again_soon(course_key, user=user)
        began = time.monotonic() if asked is None else asked
        for course_key, by_user in sorted(by_run.items()):  # so that two consumers lock in one order
            learners = self._rosters.learners(course_key, self._asking(course_key, by_user))
            is_fresh = self._rosters.asked(course_key) >= began
            if is_fresh:
                for user, waited in self._waiting.take(course_key).items():
                    by_user[user] += waited
            placed: dict[int, list[ClickEvent]] = {}  # by user
            for user, new in by_user.items():
                if learners and user in learners:
                    placed[user] = new
                    continue
                lost = len(new) if is_fresh else self._waiting.hold(course_key, user, new)
                if lost:
                    unplaced[Unplaced.LEARNER if learners is not None else Unplaced.COURSE] += lost
            if placed and learners:
                run = CourseRun.objects.get(course_key=course_key)
                kept, others = self._own.keep(placed, to_microseconds(run.start))
                unplaced.update(others)
                if refused := self._take_in(run, {learners[user]: new for user, new in kept.items()}):
                    unplaced[Unplaced.REFUSED] += refused
                if run.next_pass == NEVER:
                    look_again(run, self.platform.now().date() + timedelta(days=engage_settings().active_days + 1))
        return unplaced

    def settle(self) -> Counter[Unplaced | NotOwn]:
        """Read the rosters again that events wait for, and take these in or count them: before the process ends."""
        for course_key in self._waiting.courses():
            self._rosters.ask_again(course_key)
        return self.ingest(())

    @property
    def waiting(self) -> int:
        """Events that wait for a roster to be read."""
        return len(self._waiting)

    def refused(self) -> dict[ClickEvent, str]:
        """Give out, once, the events that made something of ours raise, each with what was raised: for the quarantine."""
        given, self._refused = self._refused, {}
        return given

    def forget(self) -> None:
        """Drop what was read or given out in a transaction that did not last."""
        self._refused.clear()
        self.kinds = KindTable()
        self.heads.clear()
        self._rosters.forget()
        self._waiting.undo()

    def _take_in(self, run: CourseRun, events: Mapping[int, Sequence[ClickEvent]]) -> int:
        """Take the events of these learners in; how many made something of ours raise, and were put aside."""
        ids = sorted(events)
        if connection.in_atomic_block and len(ids) > _AT_ONCE:
            # The parts are one transaction: whoever waited for a learner while holding the run's row would wait for ever.
            lock_learners(ids)
        parts = ({pk: events[pk] for pk in ids[at : at + _AT_ONCE]} for at in range(0, len(ids), _AT_ONCE))
        return sum(self._take_part_in(run, part) for part in parts)

    def _take_part_in(self, run: CourseRun, part: Mapping[int, Sequence[ClickEvent]]) -> int:
        """In a transaction, or savepoint, of its own. Where it raises, halves are tried, down to the one event that does it."""
        try:
            with transaction.atomic():
                # Each kind is asked once: there are some dozens of them, and a hundred thousand events.
                kinds: set[str] = set().union(*(map(_KIND, new) for new in part.values()))
                kept = {kind for kind in kinds if is_activity(kind) or kind in KEPT_FACTS}
                numbers = self._numbers(kept, part)
                scored = {} if kinds.isdisjoint(EFFECTS) else part
                self._move(
                    run,
                    {pk: [to_row(one, numbers) for one in new if one.kind in kept] for pk, new in part.items()},
                    {pk: new for pk, new in scored.items() if any(map(says_something, new))},
                )
        except Exception as error:
            if is_nobodys_fault(error):
                raise
            self.heads.clear()  # some may be of the savepoint that did not last
            self.kinds = KindTable()
            if halves := _halved(part):
                return sum(self._take_part_in(run, half) for half in halves)
            ((event,),) = part.values()
            self._refused[event] = f"{type(error).__name__}: {error}"[:_LONGEST_WHY]
            log.error("an event of %s could not be taken in: %s", run.course_key, type(error).__name__)
            return 1
        return 0

    def _numbers(self, kinds: set[str], part: Mapping[int, Sequence[ClickEvent]]) -> Mapping[str, int]:
        """Return the number of each of these kinds of events in `part`, new ones registered."""
        if not kinds - self.kinds.numbers.keys():
            return self.kinds.numbers
        bringers = {event.kind: pk for pk, new in part.items() for event in new if event.kind in kinds}
        model = self.watch.look()
        known = model.vocabulary if model is not None else ()
        today = self.platform.now().date()
        return register_kinds(self.kinds, bringers, today=today, reserved=known, most=self.max_kinds)

    def _standing(self, run: CourseRun) -> Standing:
        """What the run's figures are to stand on."""
        return standing(run, self.watch.look(), calibrated=self.watch.calibrated)

    def _move(
        self,
        run: CourseRun,
        rows: Mapping[int, Sequence[Row]],
        scores: Mapping[int, Sequence[ClickEvent]] = MappingProxyType({}),
    ) -> None:
        move(
            run,
            rows,
            scores,
            model=self.watch.look(),
            shift=self._standing(run).shift,
            kinds=self.kinds,
            heads=self.heads,
            now=self.platform.now(),
            active_days=engage_settings().active_days,
        )

    def _asking(self, course_key: str, users: Iterable[int]) -> set[int]:
        """These users of a run, and those for whom events wait."""
        return {*users, *self._waiting.users(course_key)}

    def tick(self, *, real: datetime | None = None, seconds: float | None = None) -> list[str]:
        """What time and not events bring about; gives the keys of the runs that were passed over.

        Rosters and model are looked at by every process, for itself. The pass over all learners is done by the one that
        holds the lease; `real` is the world's time by which leases run out, if not now. After `seconds` of reading rosters, and
        of passing, the next call goes on, so that clicks need not wait for all learners' turn.
        """
        load_kinds(self.kinds)
        model = self.watch.look()
        self._rosters.read(real or datetime.now(UTC), seconds)
        now = self.platform.now()
        for part in self._comparison.facts(now, real=real, seconds=seconds):
            self.ingest(part)
        self._see_what_is_due(model, now)

        def hold() -> bool:
            return self.lease.take(real)

        if not self._daily.due(now) or not hold():
            return []
        until = None if seconds is None else time.monotonic() + seconds
        passed = []
        try:
            # Asked again: whoever held the lease before may have done it.
            for run in self._daily.due(now):
                if not hold():
                    break
                if not self._daily.is_going(run) and not self._rosters.is_current(run, wait=until is None):
                    break  # its roster is compared in the next calls, and then it has its turn
                if self._daily.pass_over(run, now, hold, until):
                    passed.append(run.course_key)
                if until is not None and time.monotonic() >= until:
                    break
            return passed
        finally:
            if not self._daily.is_going():
                self.lease.release()

    def _see_what_is_due(self, model: Model | None, now: datetime) -> None:
        """Work out which runs are due where it does not follow from what is stored: see `due`."""
        stands = (model.identity if model is not None else "", self.watch.calibrated)
        if stands != self._stands or now.date() < self._day:
            if model is None:
                for run in CourseRun.objects.exclude(model=""):
                    self._say_no_model(run, now)
            work_out_all(now, lambda run: self._standing(run).identity)
            self._stands = stands
        self._day = now.date()

    def _say_no_model(self, run: CourseRun, now: datetime) -> None:
        with transaction.atomic():
            if CourseRun.objects.filter(pk=run.pk, model=run.model).update(model=""):
                raise_version(run, now)


def _halved(part: Mapping[int, Sequence[ClickEvent]]) -> list[Mapping[int, Sequence[ClickEvent]]]:
    """Two halves of the learners, or of one learner's events; none of a single event."""
    if len(part) > 1:
        pks = sorted(part)
        half = len(pks) // 2
        return [{pk: part[pk] for pk in some} for some in (pks[:half], pks[half:])]
    ((pk, events),) = part.items()
    half = len(events) // 2
    return [{pk: events[:half]}, {pk: events[half:]}] if half else []
