"""Nothing about people is kept for ever unless the site says so: `ENGAGE["RETENTION_DAYS"]`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from engage_backend.clickstream.quarantine import erase as erase_quarantined
from engage_backend.conf import EngageSettings, engage_settings
from engage_backend.engagement.live.locks import lock_learners
from engage_backend.engagement.live.publish import raise_version
from engage_backend.governance.objections import PROFILE
from engage_backend.governance.retirement import remove_learner
from engage_backend.models import AccessRecord, CourseRun, Delivery, Learner, LearnerStatus, Prediction

log = logging.getLogger(__name__)

_AT_ONCE = 500  # learners a transaction


def expire(now: datetime, *, real: datetime | None = None) -> Counter[str]:
    """Delete what is older than the site keeps it; counts what was deleted, by what it was. Safe to repeat.

    `now` is the site's time, which course runs and clicks go by; `real` the world's, if it is not now: access records and
    quarantine go by that.
    """
    settings = engage_settings()
    kept, real = settings.retention_days, real or datetime.now(UTC)
    gone: Counter[str] = Counter()
    if kept.learners is not None:
        gone["learners"] = _learners(now - timedelta(days=kept.learners), now)
    if kept.messages is not None:
        gone["messages"] = _messages(now - timedelta(days=kept.messages))
    if kept.access_records is not None:
        old = AccessRecord.objects.filter(at__lt=real - timedelta(days=kept.access_records))
        gone["access records"] = old.delete()[0]
    if kept.quarantine is not None:
        gone["broken records"] = _quarantine(settings, real - timedelta(days=kept.quarantine))
    gone = +gone
    if gone:
        log.info("kept long enough, and deleted: %s", dict(gone))
    return gone


def _learners(before: datetime, now: datetime) -> int:
    """Clicks and all that was made of them. Who is still on the roster keeps a row without anything in it."""
    last = Greatest("enrolled_at", Coalesce("last_active", "enrolled_at"))
    open_end = Q(course_run__end=None) & Q(last__lt=before)
    over = Learner.objects.annotate(last=last).filter(Q(course_run__end__lt=before) | open_end)
    count = 0
    while found := list(over.filter(state=LearnerStatus.LEFT).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            remove_learner(Learner.objects.filter(pk__in=found))
        count += len(found)
    told = _with_profile(over)
    for run in CourseRun.objects.filter(pk__in=told.values("course_run")):
        while found := list(told.filter(course_run=run).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
            with transaction.atomic():
                _empty(run, found, now)
            count += len(found)
    return count


def _with_profile(learners: QuerySet[Learner]) -> QuerySet[Learner]:
    """Those of whom more than the row is held. A state alone is none: the engine keeps one for whoever is enrolled."""
    held = Q()
    for name in ("HistoryChunk", "DailySnapshot", "Submission"):
        model = next(one for one in PROFILE if one.__name__ == name)
        held |= Exists(model._default_manager.filter(learner=OuterRef("pk")))  # type: ignore[assignment]
    return learners.filter(held)


def _empty(run: CourseRun, ids: Collection[int], now: datetime) -> None:
    """Learners of one run, whose locks are taken before that of their run, as consumers do it."""
    lock_learners(ids)
    for model in PROFILE:
        model._default_manager.filter(learner__in=ids).delete()
    nothing: dict[str, Any] = {"state": LearnerStatus.NEVER_STARTED, "last_active": None}
    nothing |= {"finished_at": None, "certified_at": None}
    Learner.objects.filter(pk__in=ids).update(**nothing)
    version = raise_version(run, run.as_of or now)
    Prediction.objects.filter(course_run=run, learner__in=ids).update(
        certify=None, complete=None, leave=None, level=None, expected_level=None, reasons="", version=version
    )


def _messages(before: datetime) -> int:
    """Who had which message in runs that are long over. While a run may still be written in, it keeps them: never twice."""
    return Delivery.objects.filter(communication__course_run__end__lt=before).delete()[0]


def _quarantine(settings: EngageSettings, before: datetime) -> int:
    if settings.quarantine is None:
        return 0
    limit = before.isoformat(timespec="seconds")
    try:
        return erase_quarantined(settings.quarantine, lambda record: str(record.get("at", "")) < limit)
    except OSError as error:
        log.warning("%s: old records could not be taken out: %s", settings.quarantine, error.strerror)
        return 0
