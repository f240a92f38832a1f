"""Once a day for each automatic communication: who matches, may it go on, and what is done about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from engage_backend.engagement.verdict import RED, colour_of
from engage_backend.messaging.audience import HAD, of_learners
from engage_backend.messaging.automation.guards import (
    Health,
    Past,
    Today,
    data_problems,
    delivery_problems,
    volume_problems,
)
from engage_backend.messaging.automation.handling import FORBIDDEN
from engage_backend.messaging.automation.health import health, known_well
from engage_backend.messaging.automation.limits import over_limit
from engage_backend.messaging.criteria import Criteria, CriteriaProblem
from engage_backend.messaging.drafts import holding, newest
from engage_backend.messaging.said import Said, kept
from engage_backend.messaging.selection import select
from engage_backend.messaging.sending import NobodyLeft, Refused, confirm
from engage_backend.models import (
    AutomationDay,
    Communication,
    Delivery,
    DeliveryState,
    LearnerStatus,
)
from engage_backend.platform.api import get_platform

log = logging.getLogger(__name__)

Mode = Communication.Automation
REVIEW, PAUSED = "review", "paused"
ENDED = Said(_("the course has ended"))
_WEEK = timedelta(days=7)
_AT_ONCE = 2_000  # learners in one statement


def look(now: datetime) -> int:
    """Look at what has not been looked at on this day (UTC, by the site's clock); how many communications.

    A course run is looked at after its daily pass, so that all predictions are of today. Any number of processes may do it:
    a day has one row for each communication.
    """
    waiting = (
        Communication.objects.exclude(automation=Mode.OFF)
        .filter(paused_because="", course_run__clock_day=now.date())
        .exclude(days__day=now.date())
        .select_related("course_run")
        .order_by("course_run", "order", "pk")
    )
    found = list(waiting)
    if not found:
        return 0
    condition = health(now)
    for communication in found:
        try:
            with transaction.atomic():
                _look(communication, now, condition)
        except IntegrityError:
            log.info("another process has looked at communication %d", communication.pk)
    return len(found)


def _look(communication: Communication, now: datetime, condition: Health) -> None:
    run = communication.course_run
    if run.end is not None and run.end <= now:
        Communication.objects.filter(pk=communication.pk).update(automation=Mode.OFF, paused_because=kept(ENDED))
        return
    if not get_platform().may_automate(run.course_key):
        _enter(communication, now, condition, pause=[FORBIDDEN])
        return
    days = communication.days.filter(day__lt=now.date())
    if communication.automation_since is not None:
        days = days.filter(at__gte=communication.automation_since)
    before = list(days.order_by("-day")[:7])
    try:
        matched = select(run, Criteria.from_json(newest(communication.pk).criteria), now)
    except CriteriaProblem as problem:
        why = Said(_("its criteria cannot be used: {key} {problem}"), {"key": problem.key, "problem": problem.said})
        _enter(communication, now, condition, pause=[why])
        return
    fresh = _fresh(communication, matched, before[0] if before else None, now)
    past = _past(communication, before, now)
    enrolled = run.learners.exclude(state=LearnerStatus.LEFT).count()
    today = Today(run.model, len(fresh), enrolled, is_in_doubt=colour_of(run.drift) == RED)
    problems = [*data_problems(condition, past, today), *delivery_problems(past)]
    if communication.automation == Mode.SEND:
        problems += volume_problems(past, today)
    day = _enter(communication, now, condition, matched=matched, fresh=fresh, pause=problems)
    if not problems and fresh and communication.automation == Mode.SEND:
        _send(communication, day, fresh, now)


def _fresh(
    communication: Communication, matched: Sequence[int], yesterday: AutomationDay | None, now: datetime
) -> list[int]:
    """Return who matched yesterday and today, is known well, has not had the message, and may be written to."""
    if yesterday is None or yesterday.day != now.date() - timedelta(days=1):
        return []
    rows = Delivery.objects.filter(communication=communication).exclude(state=DeliveryState.HELD_BACK)
    had = set(rows.values_list("learner_id", flat=True))
    candidates = set(matched) & set(yesterday.matched) - had
    # Opt-outs, objections and the platform's rules are asked last, in bulk, of the few that remain.
    return of_learners(communication, sorted(known_well(candidates, now))).learners


def _past(communication: Communication, before: Sequence[AutomationDay], now: datetime) -> Past:
    rows = Delivery.objects.filter(communication=communication, finished_at__gt=now - _WEEK)
    bad = rows.filter(state__in=[DeliveryState.FAILED, DeliveryState.UNCERTAIN]).count()
    taken = bad + rows.filter(state=DeliveryState.SENT).count()
    if not before:
        return Past(taken=taken, failing=bad)
    last = before[0]
    return Past(
        days_since=(now.date() - last.day).days,
        model=last.model,
        gaps=last.gaps,
        fresh=[len(day.fresh) for day in before],
        taken=taken,
        failing=bad,
    )


def _enter(
    communication: Communication,
    now: datetime,
    condition: Health,
    *,
    matched: Sequence[int] = (),
    fresh: Sequence[int] = (),
    pause: Sequence[Said] = (),
) -> AutomationDay:
    """The row of the day; raises IntegrityError where there is one."""
    asks = communication.automation == Mode.ASK and bool(fresh)
    if pause:
        log.warning("communication %d pauses: %s", communication.pk, "; ".join(one.english for one in pause))
        Communication.objects.filter(pk=communication.pk).update(paused_because=kept(*pause))
    return AutomationDay.objects.create(
        communication=communication,
        day=now.date(),
        at=now,
        model=communication.course_run.model,
        gaps=condition.gaps,
        matched=list(matched),
        fresh=list(fresh),
        tell=PAUSED if pause else REVIEW if asks else "",
    )


def _send(communication: Communication, day: AutomationDay, fresh: Sequence[int], now: datetime) -> None:
    """Write to the day's matches; those who have been written to often enough are held back, and matched again tomorrow."""
    run = communication.course_run
    held_back = {} if communication.course_notice else over_limit(run, fresh, now)
    if held_back:
        _hold_back(communication, held_back, now)
    to_write = [learner for learner in fresh if learner not in held_back]
    if not to_write:
        return
    try:
        with holding(run.course_key, communication.pk) as held:
            sending = confirm(
                held,
                author_id=communication.author_id,
                key=f"day-{day.day.isoformat()}",
                learners=to_write,
                automatic=True,
            )
    except NobodyLeft:
        return  # all of them said no since they were looked at: nothing is wrong with the rule
    except Refused as refused:
        log.warning("communication %d did not go out by itself: %s", communication.pk, refused.said.english)
        Communication.objects.filter(pk=communication.pk).update(paused_because=kept(refused.said))
        AutomationDay.objects.filter(pk=day.pk).update(tell=PAUSED)
        return
    AutomationDay.objects.filter(pk=day.pk).update(sending=sending)


def _hold_back(communication: Communication, reasons: Mapping[int, str], now: datetime) -> None:
    """Write down why these learners are not written to today, {learner: reason}.

    Who is on the way to having it, by a press of this very moment, stays so.
    """
    version = newest(communication.pk)
    others = Delivery.objects.filter(communication=communication).exclude(state__in=list(HAD))
    for reason in set(reasons.values()):
        said = {"version": version, "state": DeliveryState.HELD_BACK, "reason": reason, "finished_at": now}
        learners = [learner for learner, why in reasons.items() if why == reason]
        for at in range(0, len(learners), _AT_ONCE):
            part = learners[at : at + _AT_ONCE]
            others.filter(learner__in=part).update(**said)
            rows = (Delivery(communication=communication, learner_id=learner, **said) for learner in part)
            Delivery.objects.bulk_create(rows, ignore_conflicts=True)
