"""How what was shown turned out: "of those we called 70–100 % at week 4, 78 % certified", counted from snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Case, Count, F, FloatField, Q, Sum, Value, When

from engage_backend.conf import engage_settings
from engage_backend.messaging.criteria import TARGETS
from engage_backend.messaging.past import DAY, WEEK
from engage_backend.messaging.selection import EXCUSED, HANDED_IN, NOBODY
from engage_backend.models import CourseRun, DailySnapshot, Submission
from engage_backend.models.prediction import days_kept

WEEKS = (1, 2, 4, 8, 16, 32)  # after which we look back; more of them would say the same and take longer
STEP = 100  # per mille; a row for each tenth, so that any range of tenths can be added up
_MISSED = 2  # days that the consumer may have been away at a week's end
COMES_BACK = timedelta(days=2)  # as in `engagement.labels`: whoever came later than that had not left


class Row(NamedTuple):
    """Of `learners` who were shown `low` to `high` per mille after `week` weeks, it came true for `happened`."""

    week: int
    target: str
    low: int
    high: int
    learners: int
    happened: int


def looking_back(run: CourseRun, now: datetime, *, step: int = STEP, model: str = "") -> list[Row]:
    """The rows whose outcomes are known; `now` is the site's clock. Weeks are the course's, also where it is self-paced.

    A row is `step` per mille wide. Given a model's identity, only what that one said is looked at.

    Who certified and who completed is known when the run has ended. Whoever was shown a probability to leave has left when
    nothing came from them for the days that make a learner `gone`, and came back otherwise. Who objected or was retired is
    in no row; who gave up the enrolment is.
    """
    if run.pk is None:
        return []
    days = week_ends(run, now)
    is_over = run.end is not None and run.end <= now
    settled = [day for day in days if _begins(day) + COMES_BACK + timedelta(days=engage_settings().active_days) <= now]
    known = {
        "certify": list(days) if is_over else [],
        "complete": list(days) if is_over and run.graded else [],
        "leave": settled,
    }
    rows: list[Row] = []
    for target in TARGETS:
        if known[target]:
            rows += _rows(run, target, {day: days[day] for day in known[target]}, step, model)
    return sorted(rows)


def week_ends(run: CourseRun, now: datetime) -> dict[date, int]:
    """The days of which snapshots are kept and that stand for the ends of weeks -> the week."""
    asked = {
        run.start.date() + week * WEEK + late * DAY: week
        for week in WEEKS
        for late in range(_MISSED + 1)
        if run.start + week * WEEK <= now
    }
    ends: dict[int, date] = {}
    for day in sorted(days_kept(run, asked)):
        ends.setdefault(asked[day], day)
    return {day: week for week, day in ends.items()}


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _rows(run: CourseRun, target: str, weeks: dict[date, int], step: int, model: str) -> Iterator[Row]:
    kept = DailySnapshot.objects.filter(learner__course_run=run.pk, day__in=list(weeks), **{f"{target}__isnull": False})
    found = (
        (kept.filter(model=model) if model else kept)
        .annotate(low=F(target) - F(target) % step)
        .values_list("day", "low")
        .annotate(learners=Count("pk"), happened=Count("pk", filter=_happened(run, target, list(weeks))))
    )
    # 1000 per mille is in the last part and not in one of its own.
    parts: dict[tuple[date, int], tuple[int, int]] = {}
    for day, low, learners, happened in found:
        key = day, min(low, 1000 - step)
        before = parts.get(key, (0, 0))
        parts[key] = before[0] + learners, before[1] + happened
    for (day, low), (learners, happened) in parts.items():
        high = 1000 if low == 1000 - step else low + step - 1
        yield Row(weeks[day], target, low, high, learners, happened)


def _happened(run: CourseRun, target: str, days: list[date]) -> Q:
    if target == "certify":
        return Q(learner__finished_at__isnull=False)
    if target == "complete":
        return _completed(run)
    left = NOBODY
    for day in days:
        left |= Q(day=day, learner__last_active__lte=_begins(day) + COMES_BACK)
    return left


def _completed(run: CourseRun) -> Q:
    """Handed in enough to be able to pass: graded points attempted reach the lowest passing grade."""
    points = [When(block=block, then=Value(float(share))) for block, share, *_ in run.graded]
    if not points:
        return NOBODY
    enough = (
        Submission.objects.filter(HANDED_IN | EXCUSED, learner__course_run=run.pk)
        .values("learner")
        .annotate(points=Sum(Case(*points, default=Value(0.0), output_field=FloatField())))
        .filter(points__gte=run.passing_grade - 1e-6)
        .values("learner")
    )
    return Q(learner__in=enough)
