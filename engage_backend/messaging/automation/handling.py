"""Automatic communications as the course team handles them: off, ask me, send by itself; and the matches of a day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said
from engage_backend.messaging.sending import Refused
from engage_backend.models import AutomationDay, Communication, Sending
from engage_backend.platform.api import get_platform

Mode = Communication.Automation
FORBIDDEN = Said(
    _("the course's authors have switched automatic messages off, in the Communicator's settings in Studio")
)


def switch(communication: Communication, mode: str, user_id: int) -> None:
    """Turn automation off, to "ask", or from "ask" to "send"; ends a pause. Raises Refused.

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
    values: dict[str, Any] = {"automation": mode, "paused_because": ""}
    if mode != Mode.OFF:
        values["author_id"] = user_id
        if communication.automation == Mode.OFF or communication.paused_because:
            values["automation_since"] = get_platform().now()
    Communication.objects.filter(pk=communication.pk).update(**values)


def matches(communication: Communication, day: str) -> list[int]:
    """The learners that automation found new on a day, `2026-03-01`. Raises Refused."""
    return list(_day(communication, day).fresh)


def decided(communication: Communication, day: str, sending: Sending) -> None:
    """Write down what the course team did about the matches of a day."""
    AutomationDay.objects.filter(pk=_day(communication, day).pk).update(sending=sending)


def _day(communication: Communication, day: str) -> AutomationDay:
    try:
        found = communication.days.filter(day=date.fromisoformat(day)).first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(Said(_("Automation did not look on {day}: look again at who matches."), {"day": day}))
    return found
