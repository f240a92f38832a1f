"""Which deliveries are due, and who is told: rows are the truth, tasks are only told of them.

A task that is lost is told again later, one that comes twice finds nothing to do. Nothing here waits for a time: the clock
of the consumer (or `engage_tick`) asks again and again, and what is due by then is enqueued when the transaction has ended.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from engage_backend.conf import engage_settings
from engage_backend.messaging.automation.limits import LATE_BY_HAND, TOO_LATE, may_still_go, waits_until
from engage_backend.messaging.outlet import lock, resting, without_addresses
from engage_backend.models import CommunicationVersion, Delivery, DeliveryState, Sending
from engage_backend.platform.api import get_platform

log = logging.getLogger(__name__)

BATCH = 250  # deliveries a task
MOST_WAITING = 16  # batches that wait for a worker or are with one
DELIVER, TRIAL = "engage.deliver", "engage.trial"
LOST = "the worker was lost while the mail went out"


def enqueue(task: str, *args: object) -> None:
    """Put a task on our queue when the transaction has ended. A broker that is away is told of later, by the clock."""

    def send() -> None:
        from celery import current_app
        from kombu.exceptions import OperationalError

        settings = engage_settings()
        try:
            current_app.send_task(
                task, args=list(args), queue=settings.queue, retry=False, expires=settings.worker_seconds
            )
        except (OperationalError, OSError) as error:
            log.warning("the task queue cannot be reached, so messages wait: %s", without_addresses(str(error)))

    transaction.on_commit(send, robust=True)  # what is stored is stored: the clock tells of it again


def release() -> int:
    """Let go what can no longer be undone and whose time has come; how many sendings."""
    world, now, speed = datetime.now(UTC), get_platform().now(), get_platform().speed()
    due = Q(send_at=None) | Q(send_at__lte=now)
    waiting = Sending.objects.filter(due, state=Sending.State.WAITING, undo_until__lte=world)
    count = 0
    for sending in waiting.select_related("communication__course_run").order_by("pk"):
        if not _holds(sending, now, speed):
            continue
        with transaction.atomic():
            mine = Sending.objects.filter(pk=sending.pk, state=Sending.State.WAITING)
            if mine.update(state=Sending.State.SENDING, released_at=now):
                CommunicationVersion.objects.filter(pk=sending.version_id, sent_at=None).update(sent_at=now)
                sending.deliveries.filter(state=DeliveryState.QUEUED).update(due_at=world)
                count += 1
    return count


def _holds(sending: Sending, now: datetime, speed: float) -> bool:
    """Whether a sending may go out now; one that may not go out any more is given up."""
    if not may_still_go(sending, now, speed):
        with transaction.atomic():
            if Sending.objects.filter(pk=sending.pk, state=Sending.State.WAITING).update(state=Sending.State.STOPPED):
                rows = sending.deliveries.filter(state=DeliveryState.QUEUED)
                reason = TOO_LATE if sending.automatic else LATE_BY_HAND
                late = rows.update(state=DeliveryState.SKIPPED, reason=reason, finished_at=now)
                if not sending.automatic:
                    Sending.objects.filter(pk=sending.pk).update(late=late)
        return False
    return waits_until(sending, now, speed) is None


def recover() -> None:
    """Take from workers that are lost what they have: what had not begun is due again, what had is in doubt."""
    world = datetime.now(UTC)
    long_ago = world - timedelta(seconds=engage_settings().worker_seconds)
    lost = Delivery.objects.filter(state=DeliveryState.CLAIMED, claimed_at__lt=long_ago)
    if not lost.exists():
        return
    doubtful = lost.filter(begun_at__isnull=False)
    if count := doubtful.update(state=DeliveryState.UNCERTAIN, reason=LOST, finished_at=get_platform().now()):
        log.warning("%d messages may or may not have gone out: a worker was lost", count)
    lost.filter(begun_at=None).update(state=DeliveryState.QUEUED, batch="", announced_at=None, claimed_at=None)


def announce() -> int:
    """Make batches of what is due and tell the workers; how many deliveries."""
    world = datetime.now(UTC)
    long_ago = world - timedelta(seconds=engage_settings().worker_seconds)
    due = Delivery.objects.filter(state=DeliveryState.QUEUED, due_at__lte=world).filter(
        Q(announced_at=None) | Q(announced_at__lt=long_ago)
    )
    if not due.exists() or resting() is not None:
        return 0
    told = 0
    with transaction.atomic():
        lock()  # one announces at a time
        open_batches = (
            Delivery.objects.filter(
                Q(state=DeliveryState.CLAIMED) | Q(state=DeliveryState.QUEUED, announced_at__gte=long_ago)
            )
            .exclude(batch="")
            .aggregate(count=Count("batch", distinct=True))["count"]
        )
        room = (MOST_WAITING - open_batches) * BATCH
        ids = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[: max(0, room)])
        for at in range(0, len(ids), BATCH):
            name, part = uuid.uuid4().hex, ids[at : at + BATCH]
            told += Delivery.objects.filter(pk__in=part, state=DeliveryState.QUEUED).update(
                batch=name, announced_at=world
            )
            enqueue(DELIVER, name)
    return told


def finish() -> None:
    """Sendings of which nothing is left to do are done."""
    pending = Delivery.objects.filter(sending=OuterRef("pk"), state__in=[DeliveryState.QUEUED, DeliveryState.CLAIMED])
    over = Sending.objects.filter(~Exists(pending), state=Sending.State.SENDING).values_list("pk", flat=True)
    if ids := list(over):
        late = Delivery.objects.filter(sending__in=ids, state=DeliveryState.SKIPPED, reason=LATE_BY_HAND)
        for pk, count in late.values_list("sending").annotate(count=Count("pk")).order_by():
            Sending.objects.filter(pk=pk).update(late=count)
        Sending.objects.filter(pk__in=ids, state=Sending.State.SENDING).update(state=Sending.State.DONE)
