"""Who is enrolled, as one process knows it, and when our copy of the platform's rosters is brought up to date.

A change is known by name, from the platform's signals and from the log, and costs the learners whom it is about. Whole
rosters are compared when a process starts and once an hour of the site's clock, by one process and in steps between which
records are taken in: what no signal tells (a cohort that is renamed, a row that was written by hand) counts by then.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError

from engage_backend.conf import engage_settings
from engage_backend.engagement.live.changes import take_changes
from engage_backend.engagement.live.retry import where_it_failed
from engage_backend.engagement.live.roster import sync_everyone, sync_schedule, sync_users
from engage_backend.models import CourseRun, Learner, LearnerStatus
from engage_backend.platform.protocol import ROWS_A_QUERY, Platform

log = logging.getLogger(__name__)

ROSTER_SECONDS = 30.0  # how far apart the platform is asked about unknown users of one run
COURSES_SECONDS = 300.0  # how often the platform is asked for new course runs and for the schedules of all
CHANGES_SECONDS = 1.0  # how often we look whether the platform said that something changed
STEP_SECONDS = 0.03  # of comparing rosters between two batches; the step that is on its way ends
HOURLY = timedelta(hours=1)
_MOST_ROSTERS = 10_000


@dataclass(slots=True)
class _Roster:
    """What this process knows of one course run."""

    exists: bool = False
    asked: float = float("-inf")  # when (monotonic) the platform was asked about those whom we do not know
    known: dict[int, int] = field(default_factory=dict)  # user id -> learner
    strangers: set[int] = field(default_factory=set)  # users whom we have not, when they were looked for last


class Rosters:
    """One process's part in it. Who it knows is looked up as they click, and forgotten every few minutes."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._rosters: dict[str, _Roster] = {}
        self._courses_read = self._changes_read = float("-inf")
        self._to_read: deque[str] = deque()  # course keys whose turn is still to come
        self._wanted: dict[str, None] = {}  # course keys that are to be compared whatever the hour, in order
        self._compared: set[str] = set()  # course keys that this process has compared
        self._going: tuple[str, Iterator[set[int]]] | None = None  # a comparison that is not at its end

    def learners(self, course_key: str, users: Collection[int]) -> dict[int, int] | None:
        """User id -> learner, of these users and others; None: no such run.

        The platform is asked about those whom we do not have, every `ROSTER_SECONDS` at most. The roster of a run that was
        never read is read at once: in a run's life this happens one time.
        """
        roster = self._rosters.setdefault(course_key, _Roster())
        is_due = time.monotonic() - roster.asked > ROSTER_SECONDS
        if not roster.exists and is_due:
            self._meet(course_key, roster)
        if not roster.exists:
            return None
        self._look_up(course_key, roster, [u for u in users if u not in roster.known and u not in roster.strangers])
        unknown = [user for user in users if user not in roster.known]
        if unknown and is_due:
            self._sync(course_key, unknown)
            self._look_up(course_key, roster, unknown)
            roster.asked = time.monotonic()
        return roster.known

    def asked(self, course_key: str) -> float:
        """When (monotonic) the platform was asked about users of a run whom we do not have."""
        return self._rosters[course_key].asked if course_key in self._rosters else float("-inf")

    def ask_again(self, course_key: str) -> None:
        """Ask the platform at the next call of `learners`, however lately that was done."""
        if course_key in self._rosters:
            self._rosters[course_key].asked = float("-inf")

    def forget(self) -> None:
        """Drop what was read in a transaction that did not last."""
        self._rosters.clear()
        if self._going is not None:
            self._wanted[self._going[0]] = None
            self._going = None

    def read(self, real: datetime, seconds: float | None) -> None:
        """Read who changed, and every few minutes all schedules, and the rosters that are due; the next call goes on.

        `real`: the world's time. `seconds`: about how long this may take; None: until all is done.
        """
        until = float("inf") if seconds is None else time.monotonic() + min(seconds, STEP_SECONDS)
        if time.monotonic() - self._changes_read > CHANGES_SECONDS:
            for number, (course_key, users) in enumerate(take_changes(real)):
                if number and time.monotonic() >= until:
                    break
                if users is None:
                    self._wanted[course_key] = None
                else:
                    self._sync(course_key, users)
            else:
                self._changes_read = time.monotonic()
        if not self._to_read and time.monotonic() - self._courses_read > COURSES_SECONDS:
            self._to_read.extend(self.platform.courses())
            self._courses_read = time.monotonic()
            for roster in self._rosters.values():  # other processes, and learners who object, write the table as well
                roster.known.clear()
                roster.strangers.clear()
        while self._step():
            if time.monotonic() >= until:
                return

    def is_current(self, run: CourseRun, *, wait: bool) -> bool:
        """Whether any process compared a run's roster within the hour. If not, it is next; `wait`: it is compared now."""
        if not self._is_old(run):
            return True
        if self._going is None or self._going[0] != run.course_key:
            self._wanted = {run.course_key: None} | self._wanted
        while wait and self._step():
            pass
        return wait

    def _step(self) -> bool:
        """Go one step on with the comparison that is under way, or begin the next one. False: nothing is to be done."""
        if self._going is not None:
            course_key, steps = self._going
            try:
                changed = next(steps, None)
            except (DatabaseError, InterfaceError):
                raise  # what the database failed begins anew: see `forget`
            except Exception as error:
                _tell(course_key, error)
                changed = None
            if changed is None:
                self._going = None
            elif course_key in self._rosters:
                self._drop(course_key, changed)
            return True
        if self._wanted:
            course_key = next(iter(self._wanted))
            if (run := self._schedule(course_key)) is not None:
                self._going = course_key, self._begin(run)
            del self._wanted[course_key]
            return True
        if self._to_read:
            course_key = self._to_read[0]
            run = self._schedule(course_key)
            if run is not None and self._is_due(run):
                self._going = course_key, self._begin(run)
            self._to_read.popleft()  # when it was read: what the database failed is done again
            return True
        return False

    def _is_due(self, run: CourseRun) -> bool:
        return run.course_key not in self._compared or self._is_old(run)

    def _is_old(self, run: CourseRun) -> bool:
        return run.roster_read is None or abs(self.platform.now() - run.roster_read) >= HOURLY

    def _begin(self, run: CourseRun) -> Iterator[set[int]]:
        """Compare a run; other processes leave it alone from now on, and begin with it at their next start at the latest."""
        CourseRun.objects.filter(pk=run.pk).update(roster_read=self.platform.now())
        yield from sync_everyone(self.platform, run)
        self._compared.add(run.course_key)

    def _meet(self, course_key: str, roster: _Roster) -> None:
        """See whether there is such a run."""
        run = self._schedule(course_key)
        if run is not None and run.roster_read is None:
            for _ in self._begin(run):
                pass
        if run is None or run.roster_read is None:
            roster.asked = time.monotonic()
        if len(self._rosters) > _MOST_ROSTERS:  # anybody may ask for a course that there is not
            self._rosters = {key: one for key, one in self._rosters.items() if one.exists or one is roster}

    def _look_up(self, course_key: str, roster: _Roster, users: Collection[int]) -> None:
        """Find these users among our own learners."""
        wanted = sorted(users)
        ours = Learner.objects.filter(course_run__course_key=course_key).exclude(state=LearnerStatus.LEFT)
        for at in range(0, len(wanted), ROWS_A_QUERY):
            part = wanted[at : at + ROWS_A_QUERY]
            found = dict(ours.filter(user_id__in=part).values_list("user_id", "pk"))
            roster.known |= found
            roster.strangers.difference_update(found)
            roster.strangers.update(user for user in part if user not in found)

    def _schedule(self, course_key: str) -> CourseRun | None:
        """The run with its schedule; as it was read last where the platform fails."""
        try:
            run = sync_schedule(self.platform, course_key)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:
            _tell(course_key, error)
            run = CourseRun.objects.filter(course_key=course_key).first()
        if (roster := self._rosters.get(course_key)) is not None:
            roster.exists = run is not None
        return run

    def _sync(self, course_key: str, users: Collection[int]) -> None:
        """Copy what the platform has of these users, without the run's schedule if we have one."""
        run = CourseRun.objects.filter(course_key=course_key).first()
        if run is None or not engage_settings().covers(course_key):
            run = self._schedule(course_key)
        if run is None:
            return
        try:
            self._drop(course_key, sync_users(self.platform, run, users))
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # what we know of this course run goes on to hold
            _tell(course_key, error)

    def _drop(self, course_key: str, users: Collection[int]) -> None:
        """Look these users up again when they click."""
        if (roster := self._rosters.get(course_key)) is not None:
            for user in users:
                roster.known.pop(user, None)
                roster.strangers.discard(user)


def _tell(course_key: str, error: Exception) -> None:
    log.error("%s cannot be read from the platform: %s", course_key, where_it_failed(error))
