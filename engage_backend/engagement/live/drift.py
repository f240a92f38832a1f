"""The nightly look at whether the model still sees what it was trained on: constant work for each run, by the daily pass."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from engage_backend.clickstream.names import is_activity
from engage_backend.engagement.activity import times_and_kinds
from engage_backend.engagement.categories import is_known
from engage_backend.engagement.counters import FEATURES, Counters
from engage_backend.engagement.drift import far_from
from engage_backend.engagement.live.schedule import plans_for
from engage_backend.engagement.verdict import Night, colour, reasons, taken_in
from engage_backend.models import CourseRun, HistoryChunk, Kind, Learner, LearnerState, LearnerStatus, LeaveCohort
from engage_backend.platform.moments import to_microseconds

MOST_LEARNERS = 2_000
_MOST_CHUNKS = 500
# What reading a row that is not ours may raise: the pass tells of that learner, and the others are judged all the same.
_DAMAGED = (ArithmeticError, LookupError, TypeError, ValueError, struct.error, zlib.error)
_AT_ONCE = 500  # learners in one statement


def look(run: CourseRun, card: Mapping[str, Any], model: str, shown_as: str, now: datetime) -> dict[str, Any]:
    """Return what `CourseRun.drift` is from this pass on; writes nothing.

    `model`: identity of the model with this card, `shown_as`: that of what is shown, which may be moved to an expected rate.
    """
    clicks = _clicks_of_last_day(run, now)
    known = sum(count for kind, count in clicks.items() if is_known(card, kind))
    compared, far = far_from(card, _features(run, model, now))
    night = Night(now.date().isoformat(), model, clicks.total(), known, compared, far)
    nights = taken_in((run.drift or {}).get("nights", []), night)
    why = reasons(nights, _expected_and_came(run, shown_as))
    return {"colour": colour(why), "why": [list(one) for one in why], "nights": [list(one) for one in nights]}


def _clicks_of_last_day(run: CourseRun, now: datetime) -> Counter[str]:
    """Return how many clicks of the last 24 hours are of which kind, of those who clicked last: {name: count}."""
    begin, end = to_microseconds(now - timedelta(days=1)), to_microseconds(now)
    chunks = HistoryChunk.objects.filter(learner__course_run=run, last__gte=begin).order_by("-last")
    seen: Counter[int] = Counter()
    for data in chunks.values_list("data", flat=True)[:_MOST_CHUNKS]:
        try:
            times, kinds = times_and_kinds(bytes(data))
        except _DAMAGED:
            continue
        seen.update(kind for time, kind in zip(times, kinds, strict=True) if begin <= time <= end)
    names = dict(Kind.objects.filter(number__in=list(seen)).values_list("number", "name"))
    found = Counter({names.get(number, "?"): count for number, count in seen.items()})
    return Counter({name: count for name, count in found.items() if is_activity(name)})


def _features(run: CourseRun, model: str, now: datetime) -> Any:
    """Return what the read-out reads of learners who have clicked, (n, F): of at most MOST_LEARNERS, the same every night."""
    chosen = run.learners.exclude(state__in=[LearnerStatus.LEFT, LearnerStatus.NEVER_STARTED]).order_by("pseudonym")
    learners: list[Learner] = list(chosen[:MOST_LEARNERS])
    clock, rows = to_microseconds(now), []
    for begin in range(0, len(learners), _AT_ONCE):
        part = learners[begin : begin + _AT_ONCE]
        stored = LearnerState.objects.filter(learner__in=[one.pk for one in part], model=model)
        kept = {pk: bytes(data) for pk, data in stored.values_list("learner", "counters")}
        for learner, plan in zip(part, plans_for(run, part), strict=True):
            try:
                counters = Counters.from_bytes(kept[learner.pk]) if learner.pk in kept else Counters()
                if counters.events:
                    rows.append(counters.features(plan, clock))
            except _DAMAGED:
                continue
    return np.array(rows, dtype=np.float32).reshape(-1, len(FEATURES))


def _expected_and_came(run: CourseRun, model: str) -> tuple[int, int] | None:
    """Return how many per mille the percentages for `leave` expected, and how many left, of the latest known cohort."""
    if run.leave_correction is None:
        return None
    shown = LeaveCohort.objects.filter(course_run=run, model=model).order_by("-day").values_list("shown", flat=True)
    cohort = np.array(shown.first() or [], dtype=np.float64).reshape(-1, 3)
    if not cohort[:, 1].sum():
        return None
    slope, intercept = run.leave_correction
    chance = np.clip(cohort[:, 0], 0.5, 999.5) / 1000
    corrected = 1 / (1 + np.exp(-(slope * np.log(chance / (1 - chance)) + intercept)))
    return (
        round(1000 * float(np.average(corrected, weights=cohort[:, 1]))),
        round(1000 * float(cohort[:, 2].sum() / cohort[:, 1].sum())),
    )
