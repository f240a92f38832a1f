"""From a name or an address to a pseudonym: for whoever has a person before them, and recorded each time."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api import answers
from engage_backend.api.access import caller_id
from engage_backend.api.bodies import body_of, text_of
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.governance.audit import Action, record
from engage_backend.messaging.selection import shown
from engage_backend.platform.api import get_platform

LONGEST_QUERY = 254  # characters; as long as an address can be


class LookupView(CourseView):
    """POST {query}: pseudonyms of the learners whose user name, address or full name it is. What was asked is not kept."""

    http_method_names = ["post", "options"]
    calls = {"post": Call(answers.Matches, takes=answers.Query)}

    def post(self, request: Request, course_key: str) -> Response:
        run = course_run(course_key)
        query = text_of(body_of(request, {"query"}), "query", LONGEST_QUERY)
        people = get_platform().find_people(run.course_key, query)
        found = list(shown(run).filter(user_id__in=people).order_by("pk").values_list("pseudonym", flat=True))
        if run.pk is not None:
            record(run, caller_id(request), Action.LOOK_UP, {"learners": found})
        return Response({"matches": [{"pseudonym": pseudonym} for pseudonym in found]})
