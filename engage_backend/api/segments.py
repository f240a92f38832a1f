"""Criteria with names and counts: presets, the course team's segments, and criteria that have no name yet."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api import answers
from engage_backend.api.access import caller_id
from engage_backend.api.bodies import body_of, criteria_of, text_of
from engage_backend.api.conditional import unless_same
from engage_backend.api.problems import Conflict
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.messaging.presets import SegmentProblem, counted, counted_one, keep_segment
from engage_backend.messaging.selection import counts, shown
from engage_backend.models import Segment
from engage_backend.platform.api import get_platform

LONGEST_NAME = 100


class PresetsView(CourseView):
    """GET: presets and segments, each with how many it selects now and how many it selected a week ago."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Presets, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        found = counted(course_run(course_key), get_platform().now())
        return unless_same(
            request._request,
            {
                "presets": [one.to_json() for one in found if one.segment is None],
                "segments": [one.to_json() for one in found if one.segment is not None],
            },
        )


class SegmentsView(CourseView):
    """GET: the course team's segments. POST {name, criteria}: keep another one.

    Learners in `include` and `exclude` who have been removed are dropped; `no_longer_here` says how many.
    """

    http_method_names = ["get", "post", "head", "options"]
    calls = {
        "get": Call(answers.Segments, is_conditional=True),
        "post": Call(answers.KeptSegment, status=201, takes=answers.NewSegment),
    }

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        found = counted(course_run(course_key), get_platform().now())
        return unless_same(request._request, {"segments": [one.to_json() for one in found if one.segment is not None]})

    def post(self, request: Request, course_key: str) -> Response:
        run = course_run(course_key)
        body = body_of(request, {"name", "criteria"})
        name, criteria = text_of(body, "name", LONGEST_NAME), criteria_of(body)
        if run.pk is None:
            raise Conflict(_("Predictions have not begun for this course run: there is nobody to select from yet."))
        try:
            kept, gone = keep_segment(run, name, criteria, caller_id(request))
        except SegmentProblem as problem:
            raise Conflict(str(problem)) from None
        found = counted_one(run, kept, get_platform().now())
        return Response({**found.to_json(), "no_longer_here": gone}, status=status.HTTP_201_CREATED)


class SegmentView(CourseView):
    """DELETE: forget a segment of the course team's."""

    http_method_names = ["delete", "options"]
    calls = {"delete": Call(None, status=204)}

    def delete(self, request: Request, course_key: str, number: int) -> Response:
        run = course_run(course_key)
        if not Segment.objects.filter(course_run=run.pk, pk=number).delete()[0]:
            raise NotFound(_("There is no such segment in this course run; perhaps it was deleted already."))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CountView(CourseView):
    """POST {criteria}: how many they select, of how many."""

    http_method_names = ["post", "options"]
    calls = {"post": Call(answers.Counted, takes=answers.ToCount)}

    def post(self, request: Request, course_key: str) -> Response:
        run = course_run(course_key)
        criteria = criteria_of(body_of(request, {"criteria"}))
        return Response({"count": counts(run, [criteria], get_platform().now())[0], "of": shown(run).count()})
