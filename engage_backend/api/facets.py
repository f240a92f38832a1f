"""What learners can be filtered and sorted by beside the predictions: mode, cohort, last click, last message, change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, FilteredRelation, Max, Q
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from engage_backend.api import answers
from engage_backend.api.columns import Change, Minutes, columns
from engage_backend.api.conditional import conditional, to_json, weak_etag
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.messaging.criteria import TARGETS
from engage_backend.messaging.past import a_week_ago
from engage_backend.messaging.selection import shown
from engage_backend.models import CourseRun, Delivery, DeliveryState
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import to_minutes, to_text

FRESH_MINUTES = 10  # how old the clock of an answer that is not sent again may be: silence is counted in days


class FacetsView(CourseView):
    """GET: the facets of every learner, as columns in the order of `learners`."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Facets, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run = course_run(course_key)
        now = get_platform().now()
        etag = weak_etag(run.pk, _version(run, now), to_minutes(now) // FRESH_MINUTES, _messages(run))
        return conditional(request._request, etag, lambda: to_json(facets(run, now)))


def _version(run: CourseRun, now: datetime) -> tuple[str, int]:
    """What the answer stands on: the cursor where nothing was written for a minute, and else the minute.

    A course in which somebody clicks every second would be sent whole at every poll, and says nothing new in it: moments are
    whole minutes. The minute after the last click has the cursor again, so nothing is left out for good.
    """
    if run.as_of is not None and now - run.as_of < timedelta(minutes=1):
        return "minute", to_minutes(now)
    return "cursor", run.version


def facets(run: CourseRun, now: datetime) -> dict[str, Any]:
    """The answer; `now` is the site's clock.

    Moments are whole minutes since 1970. `week` is by how much per mille a prediction has moved since it was shown a week
    ago; null where none was given then or is now. `mode` and `cohort` are places in the lists, null for none.
    """
    week = FilteredRelation("snapshots", condition=Q(snapshots__day=a_week_ago(run, now.date())))
    moved = {f"moved_{target}": Change(f"prediction__{target}", f"week__{target}") for target in TARGETS}
    rows = shown(run).annotate(week=week, active=Minutes("last_active"), **moved)
    fields = ["pk", "pseudonym", "mode", "cohort", "active", *moved]
    keys, learners, mode, cohort, active, *deltas = columns(rows.values_list(*fields), len(fields))
    modes, cohorts = _names(mode), _names(cohort)
    written = _written(run)
    return {
        "as_of": to_text(now),
        "cursor": str(run.version),
        "modes": modes,
        "cohorts": cohorts,
        "learners": learners,
        "mode": _places(mode, modes),
        "cohort": _places(cohort, cohorts),
        "last_active": active,
        "written": list(map(written.get, keys)),
        "week": dict(zip(TARGETS, deltas, strict=True)),
    }


def _names(values: list[str]) -> list[str]:
    return sorted(set(values) - {""})


def _places(values: list[str], names: list[str]) -> list[int | None]:
    place = {name: number for number, name in enumerate(names)}
    return list(map(place.get, values))


def _sent(run: CourseRun) -> Any:
    return Delivery.objects.filter(communication__course_run=run.pk, state=DeliveryState.SENT)


def _messages(run: CourseRun) -> tuple[Any, ...]:
    """Changes with every message sent."""
    return tuple(_sent(run).aggregate(number=Count("pk"), last=Max("finished_at")).values())


def _written(run: CourseRun) -> dict[int, int]:
    """Learner -> minute of the last message sent; only who had one."""
    return dict(_sent(run).values_list("learner").annotate(last=Max(Minutes("finished_at"))))
