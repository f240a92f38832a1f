"""Confirm, undo, stop: what turns a list of learners into deliveries, and what takes them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.governance.audit import Action, record
from engage_backend.messaging.audience import Audience, of_criteria, of_learners, of_list
from engage_backend.messaging.automation.limits import UNDO, latest, quiet_until, zone_of
from engage_backend.messaging.drafts import Held, change, draft, lock
from engage_backend.messaging.said import Said
from engage_backend.messaging.unsubscribe import root_url
from engage_backend.messaging.wording import Wording, WordingProblem
from engage_backend.models import (
    AutomationDay,
    Communication,
    CommunicationVersion,
    CourseRun,
    Delivery,
    DeliveryState,
    Sending,
)
from engage_backend.platform.api import get_platform

LATEST = timedelta(days=365)  # how far ahead a message can be scheduled
_AT_ONCE = 2_000
STOPPED = _("stopped")
OUT_OF_REACH = Said(_("The time to send at has passed, or is more than a year ahead."))
ENDS_THIS_NIGHT = Said(_("The course ends before the quiet hours do: send it now all the same, or not at all."))
ENDS_AT_NIGHT = Said(
    _(
        "That is in the quiet hours, and the course ends before they do: send it then all the same, or choose another time."
    )
)
_TAKEN_OVER = ("state", "reason", "attempts", "version", "sending")  # fields of a delivery that is used again


class Refused(Exception):
    """A message that is not sent, for a reason that the author can do something about."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)
        self.said = said


class NobodyLeft(Refused):
    """Of those selected nobody may be written to."""


def refusal(run: CourseRun, version: CommunicationVersion) -> Said | None:
    """Why nothing of this version can be sent to anybody now; None where it can."""
    if not get_platform().may_send(run.course_key):
        return Said(_("Bulk e-mail is disabled for this course run; the platform's administrators can enable it."))
    if root_url() is None:
        return Said(
            _('This site does not know its own address, which the unsubscribe link needs: set ENGAGE["ROOT_URL"].')
        )
    try:
        Wording(subject=version.subject, body=version.body).check_complete()
    except WordingProblem as problem:
        return problem.said
    return None


def confirm(
    held: Held,
    *,
    author_id: int,
    key: str,
    number: int | None = None,
    count: int | None = None,
    send_at: datetime | None = None,
    learners: Sequence[int] | None = None,
    automatic: bool = False,
    waits: bool = True,
) -> Sending:
    """Make the deliveries of the newest version's list; mails go out when the time to undo is over. Inside `holding`.

    `key`: the same key gives the same sending again and sends nothing more. `number`: of the version that the author saw.
    `count`: how many the author was told would be written to; more than that are not. `send_at`: not before, by the site's
    clock. `learners`: of the list only these (the matches of a day). `waits`: what is sent in the course's quiet hours, or
    is to be by `send_at`, waits for their end. Raises Refused.
    """
    # One at a time holds it, so that the second of two clicks finds what the first one made.
    if known := held.confirmed_by(key):
        return known
    now, version, communication = get_platform().now(), held.version, held.communication
    _check(version, number)
    if send_at is not None and _is_out_of_reach(send_at, now):
        raise Refused(OUT_OF_REACH)
    found = of_list(communication, version.pseudonyms) if learners is None else of_learners(communication, learners)
    world = datetime.now(UTC)
    wish = Sending(
        author_id=author_id,
        key=key,
        automatic=automatic,
        created=now,
        undo_until=world if automatic else world + UNDO,
        send_at=(_morning(communication.course_run, now, automatic, send_at) if waits else None) or send_at,
    )
    return _make(held, wish, found, count)


def again(
    held: Held, *, author_id: int, key: str, number: int | None = None, count: int | None = None, waits: bool = True
) -> Sending:
    """Confirm it for those who meet the criteria now and have not had it: their list becomes the next version's.

    The same key gives the same sending again. Raises Refused.
    """
    if known := held.confirmed_by(key):
        return known
    _check(held.version, number)
    now = get_platform().now()
    as_it_is = draft(held.communication.course_run, {}, now, held.version)
    found = of_criteria(held.communication, as_it_is.criteria, now)
    change(held, author_id, replace(as_it_is, pseudonyms=tuple(found.pseudonyms)))
    wish = Sending(
        author_id=author_id,
        key=key,
        created=now,
        undo_until=datetime.now(UTC) + UNDO,
        send_at=_morning(held.communication.course_run, now, False, None) if waits else None,
    )
    return _make(held, wish, found, count)


def quiet(run: CourseRun, now: datetime) -> datetime | None:
    """Return when the course's quiet hours end, in which `now` (the site's clock) lies; None outside of them."""
    return quiet_until(now, run.time_zone, engage_settings().quiet_hours)


def timing(run: CourseRun, send_at: datetime, now: datetime) -> tuple[datetime | None, list[Said]]:
    """Return the end of the quiet hours that a chosen time lies in, if it does, and what its author is told of the time.

    Sentences, none where nothing is odd: that it is out of reach, in the quiet hours, or after the course. `now` is the
    site's clock.
    """
    if _is_out_of_reach(send_at, now):
        return None, [OUT_OF_REACH]
    until = quiet(run, send_at)
    if until is not None and _is_over_by(run, send_at, until):
        return until, [ENDS_AT_NIGHT]
    said = []
    zone = zone_of(run.time_zone)
    if until is not None:
        time, then = (time_format(moment.astimezone(zone), "H:i") for moment in (send_at, until))
        at_night = _("That is {time} ({zone}), in the quiet hours. It goes out at {then}.")
        said.append(Said(at_night, {"time": time, "zone": run.time_zone, "then": then}))
    if run.end is not None and (until or send_at) >= run.end:
        ends = _("The course ends on {day}; this would go out after it.")
        ended = _("The course ended on {day}; this would go out after it.")
        day = date_format(run.end.astimezone(zone), "DATE_FORMAT")
        said.append(Said(ended if run.end <= now else ends, {"day": day}))
    return until, said


def _is_out_of_reach(send_at: datetime, now: datetime) -> bool:
    return not now <= send_at <= now + LATEST


def _is_over_by(run: CourseRun, wanted: datetime, until: datetime) -> bool:
    """Return whether the course ends between the time that a message is wanted for and the end of the quiet hours."""
    return run.end is not None and wanted < run.end <= until


def _morning(run: CourseRun, now: datetime, automatic: bool, send_at: datetime | None) -> datetime | None:
    """Return until when a message waits that is sent now, or is to be at `send_at`; None where that is no quiet hour.

    Raises Refused where the course is over by then, and the author can still have it sent in time.
    """
    until = quiet(run, send_at or now)
    if not automatic and until is not None and _is_over_by(run, send_at or now, until):
        raise Refused(ENDS_AT_NIGHT if send_at else ENDS_THIS_NIGHT)
    return until


def _check(version: CommunicationVersion, number: int | None) -> None:
    """Raises Refused where the author saw another version than this, or nothing of it can be sent."""
    if number is not None and number != version.number:
        numbers = {"newest": version.number, "number": number}
        raise Refused(
            Said(_("The message is version {newest} by now, and you confirmed {number}: look again."), numbers)
        )
    if why := refusal(version.communication.course_run, version):
        raise Refused(why)


def _make(held: Held, wish: Sending, found: Audience, count: int | None) -> Sending:
    """Write down what was wished for, with its deliveries. Raises Refused."""
    if not found.learners:
        raise NobodyLeft(Said(_("Nobody is left to write to ({why})."), {"why": _counted(found.left_out)}))
    if count is not None and len(found.learners) > count:
        more = {"found": len(found.learners), "count": count}
        raise Refused(Said(_("{found} would be written to, and you confirmed {count}: look again."), more))
    communication, version = held.communication, held.version
    wish.communication, wish.version = communication, version
    wish.latest_at = latest(wish, get_platform().speed())
    wish.selected, wish.left_out = found.selected, dict(found.left_out)
    wish.taken_over = _as_they_are(communication, sorted(found.known))
    wish.save()
    _enter(wish, found)
    detail = {"communication": communication.pk, "version": version.number, "learners": len(found.learners)}
    if communication.course_notice:
        detail["course_notice"] = True
    record(communication.course_run, wish.author_id, Action.SEND, detail)
    return wish


def _counted(left_out: Mapping[str, int]) -> list[Said]:
    """Who of a list is not written to; of an empty list, that it is."""
    each = _("{reason}: {n}")
    said = [Said(each, {"reason": Said(reason), "n": count}) for reason, count in left_out.items()]
    return said or [Said(_("nobody is selected"))]


def _as_they_are(communication: Communication, known: Sequence[int]) -> list[Any]:
    """Return how the deliveries to these learners are now, as `Sending.taken_over` keeps it."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at in range(0, len(known), _AT_ONCE):
        rows = Delivery.objects.filter(communication=communication, learner__in=known[at : at + _AT_ONCE])
        for pk, *values in rows.values_list("pk", *_TAKEN_OVER):
            found[tuple(values)].append(pk)
    return [[list(values), pks] for values, pks in found.items()]


def _enter(sending: Sending, found: Audience) -> None:
    """One row a learner. Who has a row already did not get the message: the row is used again, and `undo` restores it."""
    known = sorted(found.known)
    for at in range(0, len(known), _AT_ONCE):
        of_part = Delivery.objects.filter(communication=sending.communication_id, learner__in=known[at : at + _AT_ONCE])
        of_part.update(
            version=sending.version_id, sending=sending, state=DeliveryState.QUEUED, reason="", attempts=0,
            due_at=None, batch="", announced_at=None, claimed_at=None, begun_at=None,
        )  # fmt: skip
    new = (
        Delivery(
            communication_id=sending.communication_id,
            version_id=sending.version_id,
            sending=sending,
            learner_id=learner,
        )
        for learner in found.learners
        if learner not in found.known
    )
    Delivery.objects.bulk_create(new, batch_size=_AT_ONCE)


def undo(sending: Sending) -> bool:
    """Take a sending back before its first mail; False where it is too late for that.

    Deliveries are as they were before it, so that automation goes on as if it had not been confirmed.
    """
    with transaction.atomic():
        waiting = Sending.objects.filter(pk=sending.pk, state=Sending.State.WAITING, undo_until__gt=datetime.now(UTC))
        if not waiting.update(state=Sending.State.UNDONE):
            return False
        rows = Delivery.objects.filter(sending=sending, state=DeliveryState.QUEUED)
        taken_over = Sending.objects.values_list("taken_over", flat=True).get(pk=sending.pk)
        for values, pks in taken_over:
            for at in range(0, len(pks), _AT_ONCE):
                rows.filter(pk__in=pks[at : at + _AT_ONCE]).update(**dict(zip(_TAKEN_OVER, values, strict=True)))
        rows.delete()
        # The matches of a day that were sent are to be decided on again.
        AutomationDay.objects.filter(sending=sending).update(sending=None)
    return True


def stop(course_key: str, communication: int) -> int:
    """Send nothing more of this communication, and end its automation; how many are not written to because of it.

    A mail that has begun to go out cannot be held. Raises Communication.DoesNotExist.
    """
    now = get_platform().now()
    open_states = (Sending.State.WAITING, Sending.State.SENDING)
    with transaction.atomic():
        lock(course_key, communication)
        Sending.objects.filter(communication=communication, state__in=open_states).update(state=Sending.State.STOPPED)
        Communication.objects.filter(pk=communication).update(automation=Communication.Automation.OFF)
        rows = Delivery.objects.filter(communication=communication, begun_at=None)
        pending = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.HELD_BACK)
        return rows.filter(state__in=pending).update(
            state=DeliveryState.SKIPPED, reason=STOPPED, finished_at=now, batch=""
        )
