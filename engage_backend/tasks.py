"""The Celery tasks, where Celery looks for them in every installed app. Thin: each calls a room.

They run on the queue ENGAGE["QUEUE"]. What a lost task would have delivered is found again by the clock.
"""

from __future__ import annotations

import logging

from celery import shared_task

from engage_backend.messaging.automation.telling import TELL, TELL_LATE
from engage_backend.messaging.queueing import DELIVER, TRIAL, announce, finish

log = logging.getLogger(__name__)


@shared_task(name=DELIVER, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery has no types
def deliver(batch: str) -> int:
    """Send a batch of messages, and enqueue what is due by then; how many were taken."""
    from engage_backend.messaging.delivery import deliver as send

    taken = send(batch)
    if not announce():  # else there is more of it
        finish()
    return taken


@shared_task(name=TRIAL, ignore_result=True)  # type: ignore[untyped-decorator]
def send_trial(course_key: str, user_id: int, words: dict[str, str]) -> bool:
    """Mail a message to its author alone; whether it was taken."""
    from engage_backend.messaging.channels import Unreachable
    from engage_backend.messaging.trial import send_trial as send
    from engage_backend.messaging.wording import Wording

    try:
        return send(course_key, user_id, Wording(**words))
    except Unreachable as error:
        log.warning("a test message did not go out: %s", type(error.__cause__ or error).__name__)
        return False


@shared_task(name=TELL, ignore_result=True)  # type: ignore[untyped-decorator]
def tell(day: int) -> bool:
    """Mail the author of an automatic message about a day; whether it was taken."""
    from engage_backend.messaging.automation.telling import tell as send

    return send(day)


@shared_task(name=TELL_LATE, ignore_result=True)  # type: ignore[untyped-decorator]
def tell_late(sending: int) -> bool:
    """Mail the author for whom a message came too late; whether it was taken."""
    from engage_backend.messaging.automation.telling import tell_late as send

    return send(sending)
