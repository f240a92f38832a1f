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
from engage_backend.messaging.tasks import graded, tasks_of
from engage_backend.models import CourseRun, Submission
from engage_backend.models.dates import dues_of
from engage_backend.platform.moments import from_microseconds, to_minutes, to_text
from engage_backend.platform.protocol import GradedBlock


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
    task = next(task for task in graded(run) if task.block == block)
    rows = Submission.objects.filter(learner__in=shown(run)).values_list("learner__pseudonym", flat=True)
    handed_in = list(rows.filter(HANDED_IN, block=block))
    excused = set(rows.filter(EXCUSED, block__in=[block, task.subsection])) - set(handed_in)
    return {
        "block": block,
        "learners": handed_in,
        "excused": sorted(excused),
        "due": None if task.due is None else to_minutes(from_microseconds(task.due)),
        "grace": run.grace // 60_000_000,
        "own_due": _own_due(run, task),
    }


def _own_due(run: CourseRun, task: GradedBlock) -> dict[str, int | None]:
    """Return pseudonym -> minute in which the task is due for them, where that is not the course's."""
    learners = shown(run)
    if task.relative is None:
        if not run.own_dates:
            return {}
        learners = learners.filter(due_dates__block=task.block)
    dues = dues_of(run, list(learners))
    own = {learner.pseudonym: dues[learner.pk][task.block] for learner in learners}
    return {
        name: None if due is None else to_minutes(from_microseconds(due))
        for name, due in own.items()
        if due != task.due
    }
