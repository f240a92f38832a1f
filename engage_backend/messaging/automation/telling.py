"""The mail to the author: whom to look at today, or why nothing goes out by itself any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape

from django.db.models import Q
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
from engage_backend.models import AutomationDay
from engage_backend.platform.api import get_platform

TELL = "engage.tell"


def announce() -> int:
    """Enqueue what authors are to be told and have not been; how many. A lost task is enqueued again."""
    world = datetime.now(UTC)
    long_ago = world - timedelta(seconds=engage_settings().worker_seconds)
    untold = AutomationDay.objects.exclude(tell="").filter(told_at=None)
    due = untold.filter(Q(announced_at=None) | Q(announced_at__lt=long_ago)).values_list("pk", flat=True)
    told = 0
    for pk in list(due[:100]):
        if untold.filter(Q(announced_at=None) | Q(announced_at__lt=long_ago), pk=pk).update(announced_at=world):
            enqueue(TELL, pk)
            told += 1
    return told


def tell(pk: int) -> bool:
    """Mail the author about one day, at most once; whether it was taken."""
    day = AutomationDay.objects.select_related("communication__course_run").filter(pk=pk).first()
    if day is None or not AutomationDay.objects.filter(pk=pk, told_at=None).update(told_at=datetime.now(UTC)):
        return False
    communication, run = day.communication, day.communication.course_run
    person = next(iter(get_platform().recipients(run.course_key, [communication.author_id])), None)
    if person is None or not person.email:
        return False
    with in_language_of(person.language):
        head, body = _words(day, subject_for(newest(communication.pk).subject), run.display_name or run.course_key)
    letter = Letter(
        user_id=communication.author_id,
        address=person.email,
        course_key=run.course_key,
        sender=sender(run, "Engage"),
        reply_to="",
        # The author's own words are text here, whatever they hold.
        rendered=Rendered(" ".join(head.split()), body, _html(body)),
        unsubscribe="",
    )
    try:
        fate = send_alone(letter).fate
    except Unreachable:
        fate = Fate.CUT
    if fate in (Fate.PUT_OFF, Fate.THROTTLED, Fate.CUT):  # it has not gone out, and is told of again later
        AutomationDay.objects.filter(pk=pk).update(told_at=None)
    return fate is Fate.TAKEN


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
