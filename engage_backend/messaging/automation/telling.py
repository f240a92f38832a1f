"""The mail to the author: whom to look at today, why nothing goes out by itself any more, or what came too late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engage_backend.conf import engage_settings
from engage_backend.messaging.automation.daily import PAUSED
from engage_backend.messaging.channels import Fate, Unreachable, send_alone
from engage_backend.messaging.drafts import newest
from engage_backend.messaging.mail import Letter, in_language_of, sender
from engage_backend.messaging.queueing import enqueue
from engage_backend.messaging.rendering import Rendered, subject_for
from engage_backend.messaging.said import in_words
from engage_backend.models import AutomationDay, CourseRun, Sending
from engage_backend.platform.api import get_platform

TELL, TELL_LATE = "engage.tell", "engage.tell_late"
_LATER = (Fate.PUT_OFF, Fate.THROTTLED, Fate.CUT)  # it has not gone out, and is told of again later


def announce() -> int:
    """Enqueue what authors are to be told and have not been; how many. A lost task is enqueued again."""
    world = datetime.now(UTC)
    long_ago = world - timedelta(seconds=engage_settings().worker_seconds)
    told = 0
    kinds: list[tuple[str, QuerySet[Any]]] = [
        (TELL, AutomationDay.objects.exclude(tell="").filter(told_at=None)),
        (TELL_LATE, Sending.objects.filter(late__gt=0, told_at=None)),
    ]
    for task, untold in kinds:
        due = untold.filter(Q(announced_at=None) | Q(announced_at__lt=long_ago))
        for pk in list(due.values_list("pk", flat=True)[:100]):
            if due.filter(pk=pk).update(announced_at=world):
                enqueue(task, pk)
                told += 1
    return told


def tell(pk: int) -> bool:
    """Mail the author about one day, at most once; whether it was taken."""
    day = AutomationDay.objects.select_related("communication__course_run").filter(pk=pk).first()
    if day is None or not AutomationDay.objects.filter(pk=pk, told_at=None).update(told_at=datetime.now(UTC)):
        return False
    communication, run = day.communication, day.communication.course_run
    subject, course = newest(communication.pk).subject, run.display_name or run.course_key
    fate = _mail(communication.author_id, run, lambda: _words(day, subject_for(subject), course))
    if fate in _LATER:
        AutomationDay.objects.filter(pk=pk).update(told_at=None)
    return fate is Fate.TAKEN


def tell_late(pk: int) -> bool:
    """Mail the author for whom a sending came too late, at most once; whether it was taken."""
    late = Sending.objects.filter(pk=pk, late__gt=0, told_at=None)
    sending = late.select_related("communication__course_run", "version").first()
    if sending is None or not late.update(told_at=datetime.now(UTC)):
        return False
    run = sending.communication.course_run
    fate = _mail(sending.author_id, run, lambda: _late(sending, subject_for(sending.version.subject), run))
    if fate in _LATER:
        Sending.objects.filter(pk=pk).update(told_at=None)
    return fate is Fate.TAKEN


def _mail(author_id: int, run: CourseRun, write: Callable[[], tuple[str, str]]) -> Fate | None:
    """Mail an author what `write` gives, subject and text, in the author's language; None where they have no address."""
    person = next(iter(get_platform().recipients(run.course_key, [author_id])), None)
    if person is None or not person.email:
        return None
    with in_language_of(person.language):
        head, body = write()
    letter = Letter(
        user_id=author_id,
        address=person.email,
        course_key=run.course_key,
        sender=sender(run, "Engage"),
        reply_to="",
        # The author's own words are text here, whatever they hold.
        rendered=Rendered(" ".join(head.split()), body, _html(body)),
        unsubscribe="",
    )
    try:
        return send_alone(letter).fate
    except Unreachable:
        return Fate.CUT


def _late(sending: Sending, subject: str, run: CourseRun) -> tuple[str, str]:
    """The subject and the text of the mail about a sending that came too late, in the language of now."""
    head = _("Not sent, too late: {subject}")
    said = ngettext(
        "Your message “{subject}” in {course} was not sent to {n} learner: it was to go out on {at} (UTC), and could not.",
        "Your message “{subject}” in {course} was not sent to {n} learners: it was to go out on {at} (UTC), and could not.",
        sending.late,
    )
    then = _("Look in the Communicator whether it still says what is so, and send it again if it does.")
    wanted = (sending.send_at or sending.created).astimezone(UTC)
    values = {
        "subject": subject,
        "course": run.display_name or run.course_key,
        "n": sending.late,
        "at": date_format(wanted, "DATETIME_FORMAT"),
    }
    return head.format(**values), f"{said.format(**values)}\n\n{then}"


def _words(day: AutomationDay, subject: str, course: str) -> tuple[str, str]:
    """The subject and the text of the mail, in the language of now."""
    if day.tell == PAUSED:
        head = _("Paused: {subject}")
        said = _("Your automatic message “{subject}” in {course} is paused: {why}.")
        then = _("Nothing goes out by itself until you turn it on again in the Communicator.")
    else:
        count = len(day.fresh)
        head = ngettext("{n} new learner matches: {subject}", "{n} new learners match: {subject}", count)
        said = ngettext(
            "{n} new learner matches your message “{subject}” in {course}: review and send it in the Communicator.",
            "{n} new learners match your message “{subject}” in {course}: review and send it in the Communicator.",
            count,
        )
        then = _("Nothing was sent.")
    why = in_words(day.communication.paused_because).rstrip(".")
    values = {"subject": subject, "course": course, "why": why, "n": len(day.fresh)}
    return head.format(**values), f"{said.format(**values)}\n\n{then}"


def _html(body: str) -> str:
    return "".join(f"<p>{escape(part)}</p>\n" for part in body.split("\n\n"))
