"""The endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from engage_backend.api import answers
from engage_backend.api.access import AUTHENTICATION, IsCourseStaff, caller_id, canonical_course_key
from engage_backend.api.conditional import conditional
from engage_backend.api.parsing import SmallJSONParser
from engage_backend.api.predictions import answer, cursor, standing
from engage_backend.api.problems import problem_document
from engage_backend.governance.audit import Action, record_daily
from engage_backend.models import CourseRun
from engage_backend.platform.api import get_platform


@dataclass(frozen=True)
class Call:
    """What a method of an endpoint takes and answers, for docs/openapi.yaml; the shapes are those of `api.answers`."""

    answers: type | None
    status: int = 200
    takes: type | None = None
    query: Mapping[str, str] = field(default_factory=dict)  # parameter -> what it says
    is_conditional: bool = False  # has an ETag, and answers 304


class CourseView(APIView):
    """What every endpoint about a course has in common. All is set here: the site's REST defaults are not ours."""

    authentication_classes = AUTHENTICATION
    permission_classes = [IsCourseStaff]
    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_classes = ()
    calls: ClassVar[Mapping[str, Call]] = {}  # method, in small letters -> what it takes and answers

    def get_exception_handler(self) -> Callable[..., Any]:
        return problem_document

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "private, no-cache"}


def course_run(course_key: str) -> CourseRun:
    """The course run that an address names; one without learners, and not stored, while no consumer has met it.

    NotFound where the platform has no such course run.
    """
    key = canonical_course_key(course_key)
    run = CourseRun.objects.filter(course_key=key).first()
    if run is None and not get_platform().has_course(key):
        raise NotFound(_("There is no course run {key}.").format(key=key))
    return run or CourseRun(course_key=key)


class PredictionsView(CourseView):
    """GET: the three probabilities of every learner, or of those whose changed since a cursor."""

    http_method_names = ["get", "head", "options"]
    calls = {
        "get": Call(
            answers.Predictions,
            query={
                "since": "The cursor of an earlier answer; 410 when it is not known, or learners were deleted since."
            },
            is_conditional=True,
        )
    }

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        key = canonical_course_key(course_key)
        stands = standing(key)
        if stands.run_id is None and not get_platform().has_course(key):
            raise NotFound(_("There is no course run {key}.").format(key=key))
        since = cursor(request.query_params.get("since"), stands)
        if since is None and stands.run_id is not None:
            record_daily(CourseRun(pk=stands.run_id), caller_id(request), Action.OPEN)
        return conditional(request._request, stands.etag, lambda: answer(stands, since))
