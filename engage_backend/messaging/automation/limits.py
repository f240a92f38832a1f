"""How often a learner is written to by automation; at what hour, and how late, any message may go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop as _

from engage_backend.conf import engage_settings
from engage_backend.messaging.criteria import MINUTES_A_DAY
from engage_backend.models import Communication, CourseRun, Delivery, DeliveryState, Sending
from engage_backend.platform.moments import from_minutes, to_minutes

LATE = timedelta(hours=24)  # a message that is later than that says what is no longer so
UNDO = timedelta(seconds=60)  # by the wall clock
QUIET_GRACE = timedelta(hours=1)  # a message that its author sends in the quiet hours may take so long to go out
# A demo's clock may run an hour a second, and what takes a minute of the wall clock there takes days of the site's.
MAX_SPEED = 10_000  # LATE by a faster clock could not be written as a date
MAX_SPEED_QUIET = 3_600  # by a faster clock a night lasts a few seconds, and a look at the clock may miss every morning
TOO_LATE, LATE_BY_HAND = _("too late, or automation was paused"), _("too late")

_UNDER_WAY = (DeliveryState.QUEUED, DeliveryState.CLAIMED)
_HAD = (DeliveryState.SENT, DeliveryState.UNCERTAIN)


def over_limit(run: CourseRun, learners: Collection[int], now: datetime) -> dict[int, str]:
    """Those of the learners who have been written to often enough, with the reason. Course notices do not count.

    Counted from when mails were let go (not from when each had gone out) to when the next would be: after the quiet hours,
    where `now`, the site's clock, lies in them. In whole minutes, of which a day has 1,440, as everywhere: a rule that
    writes at the same minute each day does not meet its message of the day before.
    """
    settings = engage_settings()
    goes_out = to_minutes(quiet_until(now, run.time_zone, settings.quiet_hours) or now)
    let_go = Coalesce("sending__released_at", "finished_at")
    rows = Delivery.objects.filter(communication__course_run=run, communication__course_notice=False).annotate(
        let_go=let_go
    )
    found: dict[int, str] = {}
    for days, most, words in (
        (7, settings.messages_per_week, "in seven days"),
        (1, settings.messages_per_day, "in 24 hours"),
    ):
        since = from_minutes(goes_out - days * MINUTES_A_DAY + 1)
        lately = Q(state__in=_HAD, let_go__gte=since) | Q(state__in=_UNDER_WAY)
        counts = Counter(rows.filter(lately).values_list("learner_id", flat=True))
        for learner in learners:
            if counts[learner] >= most:
                found[learner] = f"{most} message{'s' if most > 1 else ''} {words}"
    return found


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name, UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def quiet_until(now: datetime, zone: str, hours: tuple[int, int]) -> datetime | None:
    """When the quiet hours that `now` lies in end, in UTC; None outside of them. `zone` is the course's; unknown: UTC."""
    begin, end = hours
    local = now.astimezone(zone_of(zone))
    is_quiet = begin <= local.hour < end if begin <= end else local.hour >= begin or local.hour < end
    if not is_quiet:
        return None
    over = local.replace(hour=end, minute=0, second=0, microsecond=0)
    if over <= local:
        over += timedelta(days=1)
    return over.astimezone(now.tzinfo)


def latest(sending: Sending, speed: float) -> datetime:
    """Return the latest moment for a sending, by the site's clock, which runs `speed` times as fast as the wall clock.

    It is a day after it was to go out, or the end of its course if that is sooner and it was not meant for after the end.
    The day is one of the wall clock where the site's is faster.
    """
    wanted, end = _wanted(sending, speed), sending.communication.course_run.end
    last = wanted + LATE * min(max(1.0, speed), MAX_SPEED)
    return min(last, end) if end is not None and wanted < end else last


def _wanted(sending: Sending, speed: float) -> datetime:
    """Return when a sending is to go out, by the site's clock. A faster clock runs on during the time to undo."""
    if sending.automatic:  # says what was so on its day, whenever the night ends
        return sending.created
    wanted = sending.send_at or sending.created
    return wanted if speed <= 1 else max(wanted, sending.created + UNDO * min(speed, MAX_SPEED))


def may_still_go(sending: Sending, now: datetime, speed: float) -> bool:
    """Whether a sending may go out at all: it is not too late, and where it is automatic, that and its course go on.

    `now` and `speed` are those of the site's clock; it may stand still at the confirmation and run fast from then on.
    """
    if sending.latest_at is not None and now > sending.latest_at and (speed <= 1 or now > latest(sending, speed)):
        return False
    communication, run = sending.communication, sending.communication.course_run
    if not sending.automatic:
        return True
    goes_on = communication.automation == Communication.Automation.SEND and not communication.paused_because
    return goes_on and (run.end is None or now < run.end)


def waits_until(sending: Sending, now: datetime, speed: float) -> datetime | None:
    """Return the end of the quiet hours that a sending has to wait for, by the site's clock; None: it may go out now.

    What its author sends in the quiet hours is meant, for `QUIET_GRACE`; what is late, and would go out in the night because
    of that, is not.
    """
    if speed > MAX_SPEED_QUIET:
        return None
    if not sending.automatic and now <= _wanted(sending, speed) + QUIET_GRACE:
        return None
    return quiet_until(now, sending.communication.course_run.time_zone, engage_settings().quiet_hours)
