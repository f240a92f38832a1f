"""One learner, as the course team may see them: what was said of them, what they did, what they had from us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api import answers
from engage_backend.api.access import caller_id, canonical_course_key
from engage_backend.api.reasons import in_words
from engage_backend.api.views import Call, CourseView
from engage_backend.engagement.activity import GROUPS, WEEK, by_week, change_of
from engage_backend.engagement.counters import Counters
from engage_backend.engagement.indicators import indicators
from engage_backend.engagement.live.clicks import clicks_of
from engage_backend.engagement.live.schedule import plan_for, schedule_of
from engage_backend.governance.audit import Action, record
from engage_backend.messaging.criteria import TARGETS
from engage_backend.messaging.rendering import subject_for
from engage_backend.messaging.tasks import graded, tasks_of
from engage_backend.models import (
    DailySnapshot,
    Delivery,
    Learner,
    LearnerState,
    LearnerStatus,
    Submission,
)
from engage_backend.models.dates import dues_of
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import from_microseconds, to_microseconds, to_text

MOST_WEEKS = 300
Clicks = tuple[list[tuple[list[int], list[int]]], Mapping[int, str]]  # as `clicks_of` gives them
_SHOWN = (*TARGETS, "level")  # of what a snapshot keeps


class LearnerView(CourseView):
    """GET: one learner. That it was looked at is recorded."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Learner)}

    def get(self, request: Request, course_key: str, pseudonym: str) -> Response:
        name = pseudonym if pseudonym.isalnum() else ""  # PostgreSQL does not take every text to compare with
        learner = (
            Learner.objects.filter(course_run__course_key=canonical_course_key(course_key), pseudonym=name)
            .exclude(state=LearnerStatus.LEFT)
            .select_related("course_run", "prediction")
            .first()
        )
        if learner is None:
            raise NotFound(_("There is no such learner in this course run; perhaps they have left it."))
        record(learner.course_run, caller_id(request), Action.LOOK, {"learner": learner.pseudonym})
        return Response(told(learner, get_platform().now()))


def told(learner: Learner, now: datetime) -> dict[str, Any]:
    """What the course team is told of a learner; `now` is the site's clock. Probabilities are per mille."""
    prediction = getattr(learner, "prediction", None)
    clicks = clicks_of(learner)
    return {
        "pseudonym": learner.pseudonym,
        "state": learner.state,
        "mode": learner.mode or None,
        "cohort": learner.cohort or None,
        "enrolled_at": to_text(learner.enrolled_at),
        "last_active": to_text(learner.last_active),
        "probabilities": {target: getattr(prediction, target, None) for target in TARGETS},
        "level": getattr(prediction, "level", None),
        "expected_level": getattr(prediction, "expected_level", None),
        "reasons": in_words(prediction),
        "weeks": _weeks(learner),
        "activity": _activity(learner, clicks, now),
        "change": _change(learner, clicks, now),
        "tasks": _tasks(learner, now),
        "indicators": _indicators(learner),
        "messages": _messages(learner),
    }


def _origin(learner: Learner) -> int:
    """Where weeks are counted from, as the model counts them: the run's start, or a self-paced learner's enrolment."""
    run = learner.course_run
    return to_microseconds(max(run.start, learner.enrolled_at) if run.self_paced else run.start)


def _weeks(learner: Learner) -> list[dict[str, Any]]:
    """What was shown at the end of each week, oldest first; of the current week, what was shown last."""
    kept = DailySnapshot.objects.filter(learner=learner).order_by("day").values_list("day", *_SHOWN)
    first = from_microseconds(_origin(learner)).date()
    last_of_week = {(day - first).days // 7: (day, figures) for day, *figures in kept}
    return [
        {"day": day.isoformat(), **dict(zip(_SHOWN, figures, strict=True))} for day, figures in last_of_week.values()
    ]


def _change(learner: Learner, clicks: Clicks, now: datetime) -> str | None:
    """Say how often the learner came and comes, where that has changed; nothing once the course is over, or passed."""
    run, (events, _names) = learner.course_run, clicks
    is_over = run.end is not None and run.end <= now
    if is_over or learner.state not in (LearnerStatus.ACTIVE, LearnerStatus.GONE) or not events:
        return None
    begin = max(to_microseconds(max(run.start, learner.enrolled_at)), events[0][0][0])
    found = change_of((time for times, _ in events for time in times), begin, to_microseconds(now))
    if found is None:
        return None
    said = ngettext(
        "Used to be here on %(before)d day a week; in the last seven days on %(now)d.",
        "Used to be here on %(before)d days a week; in the last seven days on %(now)d.",
        found.before,
    )
    return said % {"before": found.before, "now": found.now}


def _activity(learner: Learner, clicks: Clicks, now: datetime) -> list[dict[str, Any]]:
    """Events by week and kind, silent weeks among them, from the first week to the current one or the last event's."""
    events, names = clicks
    origin = _origin(learner)
    weeks = by_week(events, names, origin)
    if not weeks:
        return []
    until = now if learner.course_run.end is None else min(now, learner.course_run.end)
    last = max(*weeks, (to_microseconds(until) - origin) // WEEK + 1, 1)
    first = max(min(*weeks, 1), last - MOST_WEEKS)
    return [
        {
            "week": week,
            "total": weeks[week].total() if week in weeks else 0,
            "kinds": {group: weeks[week][group] if week in weeks else 0 for group in GROUPS},
        }
        for week in range(first, last + 1)
    ]


def _tasks(learner: Learner, now: datetime) -> list[dict[str, Any]]:
    """The course's tasks by due date, each with where the learner stands with it."""
    run = learner.course_run
    fields = ("score", "possible", "attempts", "handed_in", "last_at")
    stored = Submission.objects.filter(learner=learner).values_list("block", *fields)
    rows = {block: values for block, *values in stored}
    own = dues_of(run, [learner])[learner.pk]
    subsections = {task.block: task.subsection for task in graded(run)}
    found = []
    for task in tasks_of(run):
        score, possible, attempts, handed_in, at = rows.get(task.block, (None, None, 0, False, 0))
        due = own[task.block]
        is_over = due is not None and due + run.grace <= to_microseconds(now)
        is_excused = score is not None or rows.get(subsections[task.block], (None,))[0] is not None
        if handed_in:
            state = "not_graded" if score is None else "graded"
        else:
            state = "excused" if is_excused else "missing" if is_over else "not_yet"
        found.append(
            {
                "block": task.block,
                "name": task.name,
                "due": None if due is None else to_text(from_microseconds(due)),
                "state": state,
                "score": score,
                "possible": possible,
                "attempts": attempts,
                "at": to_text(from_microseconds(at)) if handed_in else None,
            }
        )
    return found


def _indicators(learner: Learner) -> dict[str, float | None]:
    """What is counted of how the learner learns, as the worker kept it last; empty: nothing is kept."""
    kept = LearnerState.objects.filter(learner=learner).order_by("-position").values_list("counters", flat=True).first()
    if kept is None:
        return {}
    return indicators(Counters.from_bytes(bytes(kept)), plan_for(schedule_of(learner.course_run), learner))


def _messages(learner: Learner) -> list[dict[str, Any]]:
    """The messages to this learner, the latest first, with what became of each."""
    rows = (
        Delivery.objects.filter(learner=learner)
        .order_by("-pk")
        .values_list("communication_id", "version__subject", "state", "finished_at", "claimed_at", "due_at")
    )
    return [
        {
            "id": number,
            "subject": subject_for(subject),
            "state": state,
            "at": to_text(next(filter(None, moments), None)),
        }
        for number, subject, state, *moments in rows
    ]
