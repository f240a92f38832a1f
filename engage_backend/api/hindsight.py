"""How what was shown turned out."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from engage_backend.api import answers
from engage_backend.api.conditional import conditional, to_json, weak_etag
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.conf import engage_settings
from engage_backend.messaging.hindsight import looking_back
from engage_backend.platform.api import get_platform


class HindsightView(CourseView):
    """GET: of how many who were shown a probability it came true, by week and by tenth; empty while nothing is known."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Hindsight, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run, now = course_run(course_key), get_platform().now()
        # Not the cursor: what is looked back at grows once a day, and clicks of today change none of it by much.
        is_over = run.end is not None and run.end <= now
        etag = weak_etag(run.pk, is_over, run.end, run.clock_day, now.date(), engage_settings().active_days)
        return conditional(
            request._request, etag, lambda: to_json({"rows": [row._asdict() for row in looking_back(run, now)]})
        )
