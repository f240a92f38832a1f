"""How what was shown turned out."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from engage_backend.api import answers
from engage_backend.api.conditional import conditional, to_json, weak_etag
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.messaging.hindsight import looking_back
from engage_backend.platform.api import get_platform


class HindsightView(CourseView):
    """GET: of how many who were shown a probability it came true, by week and by tenth; empty while nothing is known."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Hindsight, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run, now = course_run(course_key), get_platform().now()
        etag = weak_etag(run.pk, run.version, run.end, now.date())
        return conditional(
            request._request, etag, lambda: to_json({"rows": [row._asdict() for row in looking_back(run, now)]})
        )
