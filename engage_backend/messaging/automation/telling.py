"""The mail to the author: whom to look at today, or why nothing goes out by itself any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape

from django.db.models import Q

from engage_backend.conf import engage_settings
from engage_backend.messaging.automation.daily import PAUSED
from engage_backend.messaging.channels import Fate, Unreachable, open_channel
from engage_backend.messaging.drafts import newest
from engage_backend.messaging.mail import Letter, sender
from engage_backend.messaging.queueing import enqueue
from engage_backend.messaging.rendering import Rendered
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
    subject = newest(communication).subject
    course = run.display_name or run.course_key
    if day.tell == PAUSED:
        head = f"Paused: {subject}"
        body = (
            f"Your automatic message “{subject}” in {course} is paused, because {communication.paused_because}.\n\n"
            "Nothing goes out by itself until you turn it on again in the Communicator."
        )
    else:
        count = len(day.fresh)
        words = "new learner matches" if count == 1 else "new learners match"
        head = f"{count} {words}: {subject}"
        body = (
            f"{count} {words} your message “{subject}” in {course}: review and send it in the Communicator.\n\n"
            "Nothing was sent."
        )
    letter = Letter(
        user_id=communication.author_id,
        address=person.email,
        course_key=run.course_key,
        sender=sender("Engage"),
        reply_to="",
        # The author's own words are text here, whatever they hold.
        rendered=Rendered(" ".join(head.split()), body, _html(body)),
        unsubscribe="",
    )
    channel = open_channel()
    try:
        channel.open()
        fate = channel.send(letter).fate
    except Unreachable:
        fate = Fate.CUT
    finally:
        channel.close()
    if fate in (Fate.PUT_OFF, Fate.THROTTLED, Fate.CUT):  # it has not gone out, and is told of again later
        AutomationDay.objects.filter(pk=pk).update(told_at=None)
    return fate is Fate.TAKEN


def _html(body: str) -> str:
    return "".join(f"<p>{escape(part)}</p>\n" for part in body.split("\n\n"))
