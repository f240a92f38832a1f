"""What is graded in the course, when it is due, and who has handed it in."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from engage_backend.api import answers
from engage_backend.api.conditional import conditional, to_json, weak_etag
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.messaging.selection import EXCUSED, HANDED_IN, shown
from engage_backend.messaging.tasks import tasks_of
from engage_backend.models import CourseRun, Submission
from engage_backend.platform.moments import to_text


class TasksView(CourseView):
    """GET: the course's graded blocks, the one due first before the others, with how many have handed each in."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.Tasks, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run = course_run(course_key)
        etag = weak_etag(run.pk, run.version, run.graded)
        return conditional(request._request, etag, lambda: to_json(_tasks(run)))


class HandedInView(CourseView):
    """GET ?block=USAGE_KEY: the learners who have handed that task in."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(answers.HandedIn, query={"block": "The usage key of a task."}, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run = course_run(course_key)
        block = request.query_params.get("block", "")
        if block not in {task.block for task in tasks_of(run)}:
            raise NotFound(_("There is no such task in this course run; perhaps it was taken out."))
        etag = weak_etag(run.pk, run.version, block)
        return conditional(request._request, etag, lambda: to_json(_handed_in(run, block)))


def _tasks(run: CourseRun) -> dict[str, Any]:
    tasks = tasks_of(run)
    handed_in = dict(
        Submission.objects.filter(HANDED_IN, learner__in=shown(run), block__in=[task.block for task in tasks])
        .values_list("block")
        .annotate(Count("pk"))
    )
    of = shown(run).count()
    return {
        "tasks": [
            {
                "block": task.block,
                "name": task.name,
                "due": to_text(task.due),
                "points": task.points,
                "handed_in": handed_in.get(task.block, 0),
                "of": of,
            }
            for task in tasks
        ]
    }


def _handed_in(run: CourseRun, block: str) -> dict[str, Any]:
    rows = Submission.objects.filter(learner__in=shown(run), block=block).values_list("learner__pseudonym", flat=True)
    return {"block": block, "learners": list(rows.filter(HANDED_IN)), "excused": list(rows.filter(EXCUSED))}
