"""Comparing learners' tasks, and their own due dates, with the platform's own tables: the log is fast, the platform is right.

What differs becomes facts, which the engine takes in like those of a log. Read are: what changed since the last time, when a
process starts, every hour, and after a record that says that something changed and not what; and everything once a day, and
after a deletion for all learners, since a row that is gone leaves no trace in what changed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import DatabaseError, transaction
from django.db.models import Q

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import (
    PLATFORM_DELETED,
    PLATFORM_HANDED_IN,
    PLATFORM_SCORED,
    PLATFORM_UNSCORED,
    STATES_DELETED,
)
from engage_backend.clickstream.scores import PLACES, place_of
from engage_backend.conf import engage_settings
from engage_backend.engagement.live.due import AFTER_THE_END
from engage_backend.engagement.live.lease import JobLease
from engage_backend.engagement.live.roster import sync_dates
from engage_backend.engagement.live.submissions import Standing, overridden, standings
from engage_backend.models import CourseRun, Learner, LearnerStatus
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import Platform, PlatformScore

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0  # how often it is looked whether something is due
AGAIN_SECONDS = 30.0  # how far apart readings of one run are that records ask for
HOURLY = timedelta(hours=1)
OVERLAP = timedelta(minutes=10)  # a transaction may commit after a later one was read
# A record is written before its transaction ends: for so long the log is believed before the tables.
MARGIN = timedelta(minutes=1)
SAME_SHARE = 1e-6  # of a score; the platform keeps raw points, and we keep weighted ones
_AT_ONCE = 500  # learners or rows


Facts = list[ClickEvent]


class _Known(NamedTuple):
    """A learner of ours."""

    learner: int
    begins: datetime | None  # nothing of before is taken in


class Comparison:
    """One process's part in it: `facts` is asked often, and gives what is due. Of many processes one does it."""

    def __init__(self, platform: Platform, again_seconds: float = AGAIN_SECONDS) -> None:
        self.platform, self.again_seconds = platform, again_seconds
        self._lease = JobLease("scores")
        self._looked = float("-inf")
        self._started: set[str] = set()  # course keys of which this process has read what changed
        self._wanted: dict[str, float] = {}  # course key -> when (monotonic) it may be read
        self._read: dict[str, float] = {}  # course key -> when (monotonic) it was read last
        self._going: Iterator[Facts] | None = None  # a reading that is not at its end
        self._part: Facts | None = None  # given, and not known to have been taken in

    def notice(self, event: ClickEvent) -> None:
        """Take note of a record that says that scores of its run changed, and not which."""
        self._wanted.setdefault(
            event.course, max(time.monotonic(), self._read.get(event.course, 0) + self.again_seconds)
        )
        if event.kind == STATES_DELETED:
            CourseRun.objects.filter(course_key=event.course).update(scores_compared=None)

    def facts(self, now: datetime, *, real: datetime | None = None, seconds: float | None = None) -> Iterator[Facts]:
        """Give the differences in parts, each of which has to be taken in before the next is asked for.

        After `seconds` the next call goes on, so that clicks need not wait. A part that could not be taken in comes again.
        """
        clock = time.monotonic()
        if self._going is None:
            wanted = [course for course, at in self._wanted.items() if at <= clock]
            if not wanted and clock - self._looked < LOOK_SECONDS:
                return
            self._looked = clock
            self._going = self._due(wanted, now, real)
        while True:
            if self._part is None:
                self._part = next(self._going, None)
            if self._part is None:
                self._going = None
                return
            yield self._part
            self._part = None
            if seconds is not None and time.monotonic() - clock >= seconds:
                return

    def _due(self, wanted: Collection[str], now: datetime, real: datetime | None) -> Iterator[Facts]:
        going_on = CourseRun.objects.filter(Q(end=None) | Q(end__gt=now - AFTER_THE_END)).order_by("pk")
        for run in going_on:
            if not self._is_due(run, now, wanted) or not engage_settings().covers(run.course_key):
                continue
            if not self._lease.take(real):
                return
            self._wanted.pop(run.course_key, None)
            _read_dates(self.platform, run)
            yield from differences(self.platform, run, now)
            self._started.add(run.course_key)
            self._read[run.course_key] = time.monotonic()
        self._lease.release()

    def _is_due(self, run: CourseRun, now: datetime, wanted: Collection[str]) -> bool:
        return (
            run.course_key in wanted
            or run.course_key not in self._started
            or run.scores_compared != now.date()
            or run.scores_read is None
            or now - run.scores_read >= HOURLY
        )


def _read_dates(platform: Platform, run: CourseRun) -> None:
    """Copy the due dates of single learners; the platform may just be rebuilding the course's structure."""
    try:
        with transaction.atomic():
            sync_dates(platform, run)
    except DatabaseError:
        raise
    except Exception:
        log.warning("Learners' own due dates of %s cannot be read now.", run.course_key, exc_info=True)


def differences(platform: Platform, run: CourseRun, now: datetime, *, whole: bool | None = None) -> Iterator[Facts]:
    """Compare a run with the platform, and give in parts what differs; the last part taken, the run is marked as compared.

    `whole`: everything, or only what changed since the last time; None: as is due on this day. `now` is the site's clock.
    """
    if whole is None:
        whole = run.scores_compared != now.date() or run.scores_read is None
    mark = now - MARGIN
    done: dict[str, datetime | date] = {"scores_read": now}
    if whole:
        done["scores_compared"] = now.date()
        people = _people(run)
        users = sorted(people)
        for at in range(0, len(users), _AT_ONCE):
            part = users[at : at + _AT_ONCE]
            rows = platform.scores(run.course_key, users=part)
            if rows is None:
                return
            yield list(_differing(run, {user: people[user] for user in part}, rows, mark, all_rows=True))
    else:
        assert run.scores_read is not None, "what changed since never is everything"
        rows = platform.scores(run.course_key, since=run.scores_read - OVERLAP)
        if rows is None:
            return
        yield list(_differing(run, _people(run), rows, mark, all_rows=False))
    CourseRun.objects.filter(pk=run.pk).update(**done)


def _people(run: CourseRun) -> dict[int, _Known]:
    learners = Learner.objects.filter(course_run=run).exclude(state=LearnerStatus.LEFT)
    return {user: _Known(pk, begins) for pk, user, begins in learners.values_list("pk", "user_id", "counted_from")}


def _differing(
    run: CourseRun, people: Mapping[int, _Known], rows: Iterable[PlatformScore], mark: datetime, *, all_rows: bool
) -> Iterator[ClickEvent]:
    """What differs from what we hold. `all_rows`: what we hold of these people and is not among the rows is gone there."""
    told = {
        (people[row.user_id].learner, row.block): row
        for row in rows
        if row.user_id in people and row.at >= (people[row.user_id].begins or row.at)
    }
    user_of = {known.learner: user for user, known in people.items()}
    held = standings({learner for learner, _ in told} if not all_rows else user_of)
    for (learner, block), row in told.items():
        ours = held.get((learner, block), Standing())
        yield from _facts(run.course_key, row, ours, to_microseconds(mark))
    overrides = {key for key, row in told.items() if row.is_override}
    gone = {(learner, block) for learner, block in held if all_rows} - told.keys()
    if not all_rows:
        gone = overridden(run) - overrides
        held |= standings({learner for learner, _ in gone})
    for learner, block in sorted(gone):
        ours, at = held[learner, block], to_microseconds(mark)
        is_newer = max(ours.score_order, ours.handed_in_order) >= at * PLACES
        if learner in user_of and not is_newer and (ours.handed_in or ours.score is not None):
            yield ClickEvent(run.course_key, user_of[learner], at, PLATFORM_DELETED, block)


def _facts(course: str, row: PlatformScore, ours: Standing, mark: int) -> Iterator[ClickEvent]:
    """What has to be said so that ours is as the platform's row; nothing where the log has said more since `mark` (µs)."""

    def fact(kind: str, order: int) -> ClickEvent | None:
        """The fact, as old as the row where that is enough to count, for what was handed in then was not handed in now."""
        at = min(to_microseconds(row.at), mark)
        when = at if at * PLACES + place_of(kind) > order else mark
        return (
            ClickEvent(course, row.user_id, when, kind, row.block) if when * PLACES + place_of(kind) > order else None
        )

    has = row.score is not None and bool(row.possible)
    possible = ours.possible or row.possible or 0.0  # weighted points stay weighted
    found: list[ClickEvent | None] = []
    handed_in = row.handed_in
    if handed_in is None:  # the log knows; where it says nothing, a score is the best sign
        handed_in = ours.handed_in if ours.handed_in_order else has
    if handed_in and not ours.handed_in:
        found.append(fact(PLATFORM_HANDED_IN, ours.handed_in_order))
    elif ours.handed_in and not handed_in:
        found.append(fact(PLATFORM_DELETED, max(ours.handed_in_order, ours.score_order)))
        ours = Standing() if found[0] is not None else ours
    if has:
        share = (row.score or 0.0) / (row.possible or 1.0)
        if ours.score is None or not ours.possible or abs(ours.score / ours.possible - share) > SAME_SHARE:
            event = fact(PLATFORM_SCORED, max([ours.score_order, *(one.time * PLACES for one in found if one)]))
            found.append(event and event._replace(score=share * possible, possible=possible))
    elif ours.score is not None:
        found.append(fact(PLATFORM_UNSCORED, ours.score_order))
    return (one for one in found if one is not None)
