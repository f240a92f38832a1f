"""What is held and said about the learner who asks, and "do not predict me"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api.access import IsLearner, IsLearnerInPerson, caller_id, canonical_course_key
from engage_backend.api.views import CourseView
from engage_backend.engagement.activity import GROUPS
from engage_backend.governance.me import Me, say, told_to
from engage_backend.messaging.rendering import subject_for
from engage_backend.messaging.wording import Name, asks_for_name
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import to_text


class MeView(CourseView):
    """GET: the caller's own data. There is no address for anybody else's."""

    permission_classes = [IsLearner]
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, course_key: str) -> Response:
        key, user_id = canonical_course_key(course_key), caller_id(request)
        return Response(_answer(with_subjects(told_to(user_id, key), user_id)))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class ObjectionView(CourseView):
    """POST {"objects": true or false, "everywhere": true or false}: the caller's word about being predicted. 204.

    An objection holds at once; what was counted is erased at the `undo_until` of GET `me`, and until then `false` undoes it.
    """

    permission_classes = [IsLearnerInPerson]
    http_method_names = ["post", "options"]

    def post(self, request: Request, course_key: str) -> Response:
        key, said = canonical_course_key(course_key), request.data
        if not isinstance(said, dict) or not set(said) <= {"objects", "everywhere"}:
            raise ParseError('The body has to be a JSON object {"objects": true} or {"objects": false}.')
        objects, everywhere = said.get("objects"), said.get("everywhere", False)
        if not isinstance(objects, bool) or not isinstance(everywhere, bool):
            raise ParseError("'objects' has to be true or false, and so has 'everywhere' where it is given.")
        if not say(get_platform(), caller_id(request), key, objects=objects, everywhere=everywhere):
            raise NotFound(_("There is no course run {key}, or nobody is predicted in it.").format(key=key))
        return Response(status=status.HTTP_204_NO_CONTENT)


def with_subjects(me: Me, user_id: int) -> Me:
    """Return `me` with subjects as the learner had them, their own name filled in."""
    if not any(asks_for_name(one.subject) for one in me.messages):
        return me  # a name is read only where it is needed
    person = next(iter(get_platform().recipients(me.course_key, [user_id])), None)
    name = Name.of(person.first_name, person.full_name) if person else Name("", "")
    return replace(me, messages=tuple(one._replace(subject=subject_for(one.subject, name)) for one in me.messages))


def _answer(me: Me) -> dict[str, Any]:
    return {
        "course": me.course_key,
        "display_name": me.display_name,
        "objects": me.objects or None,
        "since": to_text(me.since),
        "undo_until": to_text(me.undo_until),
        "state": me.state or None,
        "clicks": {"count": me.clicks, "first": to_text(me.first), "last": to_text(me.last)},
        "activity": [
            {"week": week, "total": kinds.total(), "kinds": {group: kinds[group] for group in GROUPS}}
            for week, kinds in me.weeks.items()
        ],
        "handed_in": me.handed_in,
        "predictions": {"shown": me.shows_predictions, **me.predictions},
        "messages": [{"subject": subject, "at": to_text(at)} for subject, at in me.messages],
        "kept_days": vars(me.retention),
    }
