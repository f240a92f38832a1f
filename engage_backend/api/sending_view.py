"""What the endpoints of writing to learners have in common: the course run, the body, and the rooms' errors as answers."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from engage_backend.api.access import canonical_course_key
from engage_backend.api.parsing import SmallJSONParser
from engage_backend.api.problems import Conflict
from engage_backend.api.views import CourseView
from engage_backend.messaging.audience import UnknownLearners
from engage_backend.messaging.criteria import CriteriaProblem
from engage_backend.messaging.drafts import Held, NotAnExport, holding, newest
from engage_backend.messaging.sending import Refused
from engage_backend.messaging.wording import WordingProblem
from engage_backend.models import Communication, CommunicationVersion, CourseRun


class ListParser(SmallJSONParser):
    """JSON with room for the pseudonyms of 200,000 learners."""

    most = 3_000_000


class SendingView(CourseView):
    """What the endpoints share: the course run, the body, and errors of the rooms as answers."""

    parser_classes = [ListParser]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, WordingProblem | CriteriaProblem | UnknownLearners | NotAnExport):
            named = "criteria." if isinstance(exc, CriteriaProblem) else ""
            exc = ValidationError({"detail": f"{named}{exc}"})
        elif isinstance(exc, Refused):
            exc = Conflict(str(exc))
        elif isinstance(exc, Communication.DoesNotExist | CommunicationVersion.DoesNotExist):
            said = _("This course run has no message {number}; perhaps it was deleted.")
            exc = NotFound(said.format(number=self.kwargs["communication"]))
        return super().handle_exception(exc)

    def course_key(self) -> str:
        return canonical_course_key(self.kwargs["course_key"])

    def course_run(self) -> CourseRun:
        key = self.course_key()
        run = CourseRun.objects.filter(course_key=key).first()
        if run is None:
            raise NotFound(_("There is no course run {key} here: no consumer has met it yet.").format(key=key))
        return run

    def version(self) -> CommunicationVersion:
        """The newest version of the communication that the address names, with it and its course run; to read."""
        found = newest(self.kwargs["communication"])
        if found.communication.course_run.course_key != self.course_key():
            raise Communication.DoesNotExist
        return found

    def holding(self) -> AbstractContextManager[Held]:
        """The same, to write on it: until the block ends, nobody else does."""
        return holding(self.course_key(), self.kwargs["communication"])

    def user_id(self) -> int:
        return int(self.request.user.pk or 0)  # the permission has seen to it that somebody is logged in

    def body(self, known: set[str]) -> dict[str, Any]:
        """The JSON object of the request; 400 where it is none or has unknown keys."""
        data = self.request.data
        if not isinstance(data, dict):
            raise ValidationError({"detail": "The body has to be a JSON object."})
        if unknown := sorted(set(map(str, data)) - known):
            raise ValidationError(
                {"detail": f"{unknown[0][:40]}: is not known here; known are {', '.join(sorted(known))}."}
            )
        return data

    def answer(self, made: Any) -> HttpResponseBase:
        """JSON with an ETag, for what pages ask for again and again."""
        content = msgspec.json.encode(made)
        etag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        unchanged = get_conditional_response(self.request._request, etag=etag)
        response = unchanged or HttpResponse(content, content_type="application/json")
        response["ETag"] = etag
        return response
