"""How often a learner is written to by automation; at what hour, and how late, any message may go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.models import Communication, CourseRun, Delivery, DeliveryState, Sending

LATE = timedelta(hours=24)  # a message that is later than that says what is no longer so
QUIET_GRACE = timedelta(hours=1)  # a message that its author sends in the quiet hours may take so long to go out
TOO_LATE, LATE_BY_HAND = _("too late, or automation was paused"), _("too late")

_UNDER_WAY = (DeliveryState.QUEUED, DeliveryState.CLAIMED)
_HAD = (DeliveryState.SENT, DeliveryState.UNCERTAIN)


def over_limit(run: CourseRun, learners: Collection[int], now: datetime) -> dict[int, str]:
    """Those of the learners who have been written to often enough, with the reason. Course notices do not count."""
    settings = engage_settings()
    rows = Delivery.objects.filter(communication__course_run=run, communication__course_notice=False)
    found: dict[int, str] = {}
    for days, most, words in (
        (7, settings.messages_per_week, "in seven days"),
        (1, settings.messages_per_day, "in 24 hours"),
    ):
        lately = Q(state__in=_HAD, finished_at__gt=now - timedelta(days=days)) | Q(state__in=_UNDER_WAY)
        counts = Counter(rows.filter(lately).values_list("learner_id", flat=True))
        for learner in learners:
            if counts[learner] >= most:
                found[learner] = f"{most} message{'s' if most > 1 else ''} {words}"
    return found


def quiet_until(now: datetime, zone: str, hours: tuple[int, int]) -> datetime | None:
    """When the quiet hours that `now` lies in end, in UTC; None outside of them. `zone` is the course's; unknown: UTC."""
    begin, end = hours
    try:
        local = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        local = now
    is_quiet = begin <= local.hour < end if begin <= end else local.hour >= begin or local.hour < end
    if not is_quiet:
        return None
    over = local.replace(hour=end, minute=0, second=0, microsecond=0)
    if over <= local:
        over += timedelta(days=1)
    return over.astimezone(now.tzinfo)


def latest(wanted: datetime, end: datetime | None) -> datetime:
    """Return until when a message that is to go out at `wanted` may: a day later, or the end of its course if that is
    sooner. One that is wanted after the end was meant so."""
    last = wanted + LATE
    return min(last, end) if end is not None and wanted < end else last


def may_still_go(sending: Sending, now: datetime) -> bool:
    """Whether a sending may go out at all: it is not too late, and where it is automatic, that and its course go on."""
    if sending.latest_at is not None and now > sending.latest_at:
        return False
    communication, run = sending.communication, sending.communication.course_run
    if not sending.automatic:
        return True
    goes_on = communication.automation == Communication.Automation.SEND and not communication.paused_because
    return goes_on and (run.end is None or now < run.end)


def is_quiet(sending: Sending, now: datetime) -> bool:
    """Whether a sending has to wait for the morning. What its author sends in the quiet hours is meant, for `QUIET_GRACE`;
    what is late, and would go out in the night because of that, is not."""
    if not sending.automatic and now <= (sending.send_at or sending.created) + QUIET_GRACE:
        return False
    zone = sending.communication.course_run.time_zone
    return quiet_until(now, zone, engage_settings().quiet_hours) is not None
