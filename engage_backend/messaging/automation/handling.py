"""Automatic communications as the course team handles them: off, ask me, send by itself; and the matches of a day."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said
from engage_backend.messaging.sending import Refused
from engage_backend.models import AutomationDay, Communication, Sending
from engage_backend.platform.api import get_platform

Mode = Communication.Automation
FIELDS = ("automation", "automation_since", "author_id", "paused_because")  # that `switch` changes
FORBIDDEN = Said(
    _("the course's authors have switched automatic messages off, in the Communicator's settings in Studio")
)


def switch(communication: Communication, mode: str, user_id: int) -> None:
    """Turn automation off, to "ask", or from "ask" to "send"; ends a pause. The caller saves `FIELDS`. Raises Refused.

    Who turns it on becomes the author: it is in their name, and they are told.
    """
    if mode not in Mode.values:
        raise Refused(Said(_("automation: has to be one of {modes}."), {"modes": ", ".join(Mode.values)}))
    if mode == communication.automation and not communication.paused_because:
        return
    if mode == Mode.SEND and communication.automation == Mode.OFF:
        raise Refused(
            Said(_('Automation begins with "ask": you are told who matches, and send it yourself. Later it can send.'))
        )
    if mode != Mode.OFF and not get_platform().may_automate(communication.course_run.course_key):
        raise Refused(FORBIDDEN)
    if mode != Mode.OFF:
        communication.author_id = user_id
        if communication.automation == Mode.OFF or communication.paused_because:
            communication.automation_since = get_platform().now()
    communication.automation, communication.paused_because = mode, ""


def decided(day: AutomationDay, sending: Sending) -> None:
    """Write down what the course team did about the matches of a day."""
    AutomationDay.objects.filter(pk=day.pk).update(sending=sending)


def day_of(communication: Communication, day: str) -> AutomationDay:
    """What automation found on a day, `2026-03-01`; `fresh` are the learners. Raises Refused."""
    try:
        found = communication.days.filter(day=date.fromisoformat(day)).first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(Said(_("Automation did not look on {day}: look again at who matches."), {"day": day}))
    return found
