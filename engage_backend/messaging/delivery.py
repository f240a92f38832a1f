"""One batch of deliveries, from the claim to the last answer of the mail server.

Never twice: a row is claimed by one statement before anything else, and marked as begun, with the next few of its batch, by
one statement that only the holder of the claim can make, right before these mails go out. A crash after that leaves them in
doubt; before, they are due again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.messaging.audience import GONE, reachable
from engage_backend.messaging.automation.limits import LATE_BY_HAND, TOO_LATE, may_still_go, waits_until
from engage_backend.messaging.channels import Channel, Fate, Outcome, Unreachable, open_channel
from engage_backend.messaging.criteria import Criteria, CriteriaProblem
from engage_backend.messaging.mail import Letter, Writer
from engage_backend.messaging.marks import Marks, together
from engage_backend.messaging.outlet import rest, rested, resting, take_turn, without_addresses
from engage_backend.messaging.selection import done_with
from engage_backend.messaging.unsubscribe import root_url
from engage_backend.messaging.wording import WordingProblem
from engage_backend.models import CommunicationVersion, CourseRun, Delivery, DeliveryState, Sending
from engage_backend.platform.api import get_platform

log = logging.getLogger(__name__)

_DUE: dict[str, Any] = {
    "state": DeliveryState.QUEUED,
    "batch": "",
    "announced_at": None,
    "claimed_at": None,
    "begun_at": None,
}
CHUNK = 250  # deliveries for which everything is asked at once: opt-outs, objections, enrolment, the provider's peace
FRESH = 10.0  # seconds for which the answers hold; then they are asked for anew
ATTEMPTS = 6  # how often a server may put one mail off
PATIENCE = 24  # how often it may be put off where all of them are, or the connection is lost
LONGEST_WAIT = 4 * 3600.0  # seconds
MOST_CUTS = 3  # connections lost one after the other
# Reasons are kept in English, and put in words where somebody reads them: see `said.in_words`.
CLOSED, NO_ADDRESS = _("bulk e-mail is disabled"), _("the site does not know its address")
UNREADABLE, NO_MAIL = _("the message cannot be read"), _("it cannot be written down as a mail")
QUIET_WAIT = timedelta(minutes=15)  # a mail that was put off into the quiet hours waits so long at a time, or less


def deliver(batch: str, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Send what is still to be sent of a batch; how many mails were taken. `pause` waits, for the site's rate."""
    world = datetime.now(UTC)
    mine = Delivery.objects.filter(batch=batch)
    if not mine.filter(state=DeliveryState.QUEUED, due_at__lte=world).update(
        state=DeliveryState.CLAIMED, claimed_at=world
    ):
        return 0  # another worker has it, or it was stopped, undone or announced anew
    return _Batch(batch, pause).run()


class _Batch:
    """The claimed rows of one batch."""

    def __init__(self, batch: str, pause: Callable[[float], None]) -> None:
        self._batch, self._pause = batch, pause
        self._channel: Channel | None = None
        self._marks = Marks(batch)
        self._versions: dict[int, CommunicationVersion] = {}
        self._sendings: dict[int, Sending] = {}
        self._writers: dict[int, Writer] = {}
        self._taken = 0
        self._cuts = 0
        self._seconds = math.inf  # a mail took, last
        self._alive = time.monotonic()
        self._settings = engage_settings()

    def run(self) -> int:
        rows = _rows(self._batch)
        self._versions = CommunicationVersion.objects.defer("pseudonyms").in_bulk({row.version for row in rows})
        sendings = Sending.objects.select_related("communication__course_run")
        self._sendings = sendings.in_bulk({row.sending for row in rows if row.sending is not None})
        runs = CourseRun.objects.in_bulk({row.run for row in rows})
        try:
            while rows:
                rate = engage_settings().mails_per_second
                part = _first(rows, CHUNK if rate is None else max(1, int(rate * FRESH)))
                run = runs[part[0].run]
                if (until := resting()) is not None:
                    self._give_back(until)
                    break
                self._say_alive()
                self._settings = engage_settings()
                done = self._send(run, part)
                if done is None:
                    break
                del rows[:done]
        finally:
            self._marks.write()
            if self._channel is not None:
                self._channel.close()
        return self._taken

    def _send(self, run: CourseRun, rows: Sequence[_Row]) -> int | None:
        """One chunk; how many rows are done with, and None when the rest of the batch has to wait."""
        letters, asked = list(self._letters(run, rows)), time.monotonic()
        if not letters:
            return len(rows)
        for __, letter in letters:  # one after the other takes half as long as each between two waits
            with suppress(ValueError):  # which its turn will tell
                letter.email.message()
        rate, turn, at = self._settings.mails_per_second, take_turn(len(letters)), 0
        while at < len(letters):
            if turn is not None and rate is not None:
                self._wait(turn + timedelta(seconds=at / rate))
            if at and time.monotonic() - asked > 2 * FRESH:  # a slow server: who said no meanwhile?
                return rows.index(letters[at][0])
            few = letters[at : at + together(max(self._seconds, 1 / rate if rate else 0))]
            if (until := self._send_few(few)) is not None:
                self._give_back(until)
                return None
            at += len(few)
        return len(rows)

    def _send_few(self, letters: Sequence[tuple[_Row, Letter]]) -> datetime | None:
        """Letters that are begun together; until when the rest of the batch has to wait, if it has to."""
        started = time.monotonic()
        waiting: set[int] = set()
        try:
            self._open()
            waiting = self._begin([row.pk for row, __ in letters])
            for row, letter in letters:
                if row.pk not in waiting:
                    continue  # stopped meanwhile, or given to another worker
                channel = self._open()
                waiting.remove(row.pk)
                try:
                    outcome = channel.send(letter)
                except ValueError as error:
                    log.warning("a message cannot be written down as a mail: %s", type(error).__name__)
                    outcome = Outcome(Fate.REFUSED, NO_MAIL)
                if (until := self._mark(row, outcome)) is not None:
                    return until
        except Unreachable as error:
            log.warning("the mail server cannot be reached: %s", without_addresses(str(error)))
            return rest(str(error))
        finally:
            if waiting:
                self._marks.not_begun(waiting)
        self._seconds = (time.monotonic() - started) / len(letters)
        return None

    def _open(self) -> Channel:
        if self._channel is None:
            self._channel = open_channel()
        self._channel.open()
        return self._channel

    def _letters(self, run: CourseRun, rows: Sequence[_Row]) -> Iterator[tuple[_Row, Letter]]:
        """What is to be sent to whom, as things stand now; the others are skipped, with the reason."""
        platform, root = get_platform(), root_url()
        site_now, speed = platform.now(), platform.speed()
        people = reachable(run, [row.user for row in rows])
        done = self._done_with(run, rows)
        closed = not platform.may_send(run.course_key)
        for row in rows:
            person = people.get(row.user)
            reason = GONE if person is None else person.reason or done.get(row.pk, "")
            sending = self._sendings.get(row.sending or 0)
            if closed or root is None:
                reason = CLOSED if closed else NO_ADDRESS
            elif sending is not None and not may_still_go(sending, site_now, speed):
                reason = TOO_LATE if sending.automatic else LATE_BY_HAND
            elif sending is not None and (morning := waits_until(sending, site_now, speed)) is not None:
                wait = min(QUIET_WAIT, (morning - site_now) / max(1.0, speed))
                self._claimed(row).update(**_DUE, due_at=datetime.now(UTC) + wait)
                continue
            if not reason and person is not None and root is not None:
                try:
                    yield row, self._writer(run, row, root).letter(person, row.learner)
                    continue
                except WordingProblem as problem:
                    log.warning("version %d cannot be read: %s", row.version, problem)
                    reason = UNREADABLE
            self._claimed(row).update(state=DeliveryState.SKIPPED, reason=reason[:255], finished_at=site_now)

    def _done_with(self, run: CourseRun, rows: Sequence[_Row]) -> dict[int, str]:
        """Return those of the rows (by id) whose message asks for a task that their learner need not hand in, and why."""
        done: dict[int, str] = {}
        for number in {row.version for row in rows}:
            with suppress(CriteriaProblem):  # of criteria that another release wrote
                task = Criteria.from_json(self._versions[number].criteria).task
                if task is not None and not task.handed_in:
                    theirs = {row.learner: row.pk for row in rows if row.version == number}
                    done |= {theirs[learner]: why for learner, why in done_with(run, task, theirs).items()}
        return done

    def _writer(self, run: CourseRun, row: _Row, root: str) -> Writer:
        if row.version not in self._writers:
            self._writers[row.version] = Writer(run, self._versions[row.version], root)
        return self._writers[row.version]

    def _claimed(self, row: _Row) -> QuerySet[Delivery]:
        return Delivery.objects.filter(pk=row.pk, batch=self._batch, state=DeliveryState.CLAIMED)

    def _begin(self, pks: Sequence[int]) -> set[int]:
        """Write down that these mails begin to go out; those of them that are still ours."""
        if time.monotonic() - self._alive > self._settings.worker_seconds / 4:
            self._say_alive()
        return self._marks.begin(pks)

    def _mark(self, row: _Row, outcome: Outcome) -> datetime | None:
        """Write down what became of it; until when the rest of the batch has to wait, if it has to."""
        if outcome.fate is Fate.TAKEN:
            self._marks.taken(row.pk)
            if not self._taken:
                rested()
            self._taken += 1
            self._cuts = 0
            return None
        said, now = without_addresses(outcome.said), get_platform().now()
        ours = Delivery.objects.filter(
            pk=row.pk, batch=self._batch, state__in=[DeliveryState.CLAIMED, DeliveryState.UNCERTAIN]
        )
        if outcome.fate is Fate.DOUBT:
            ours.update(state=DeliveryState.UNCERTAIN, reason=said, finished_at=now)
            log.warning("a message may or may not have gone out: %s", said)
        elif outcome.fate is Fate.REFUSED or row.attempts + 1 >= (
            ATTEMPTS if outcome.fate is Fate.PUT_OFF else PATIENCE
        ):
            ours.update(state=DeliveryState.FAILED, reason=said, finished_at=now, attempts=row.attempts + 1)
        else:
            self._cuts += outcome.fate is Fate.CUT
            until = datetime.now(UTC)
            if outcome.fate is Fate.THROTTLED or self._cuts == MOST_CUTS:
                until = rest(outcome.said)
            # Behind those of its batch, so that one letter that no server likes does not hold up all others.
            wait = min(LONGEST_WAIT, engage_settings().retry_seconds * 4.0 ** min(row.attempts, 10))
            seconds = wait if outcome.fate is Fate.PUT_OFF else 0.001
            due = until + timedelta(seconds=seconds)
            ours.update(**_DUE, reason=said, due_at=due, attempts=row.attempts + 1)
            if until > datetime.now(UTC):
                return until
        return None

    def _give_back(self, until: datetime) -> None:
        """What of the batch has not begun is due again, when the provider has rested."""
        Delivery.objects.filter(batch=self._batch, state=DeliveryState.CLAIMED, begun_at=None).update(
            **_DUE, due_at=until
        )

    def _say_alive(self) -> None:
        mine = Delivery.objects.filter(batch=self._batch, state=DeliveryState.CLAIMED)
        mine.update(claimed_at=datetime.now(UTC))
        self._alive = time.monotonic()

    def _wait(self, until: datetime) -> None:
        seconds = (until - datetime.now(UTC)).total_seconds()
        if seconds > 0:
            self._marks.write()
            self._pause(seconds)


class _Row(NamedTuple):
    """What of a delivery is needed to send it."""

    pk: int
    run: int
    version: int
    sending: int | None
    learner: int
    user: int
    attempts: int


def _rows(batch: str) -> list[_Row]:
    rows = Delivery.objects.filter(batch=batch, state=DeliveryState.CLAIMED)
    fields = ("pk", "communication__course_run", "version", "sending", "learner", "learner__user_id", "attempts")
    return [_Row(*row) for row in rows.order_by("communication__course_run", "version", "pk").values_list(*fields)]


def _first(rows: Sequence[_Row], most: int) -> Sequence[_Row]:
    """The first rows of one course run, so many at most."""
    return [row for row in rows[: min(most, CHUNK)] if row.run == rows[0].run]
