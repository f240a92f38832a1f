"""Who may call: one permission for every endpoint about a course, and how a caller is recognised."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey
from opaque_keys.edx.locator import LibraryLocator
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from engage_backend.governance.me import is_held
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Role

try:  # comes with every LMS and Studio; the standalone site has sessions only
    from edx_rest_framework_extensions.auth.jwt.authentication import JwtAuthentication
    from edx_rest_framework_extensions.permissions import NotJwtRestrictedApplication
except ImportError:
    JwtAuthentication = NotJwtRestrictedApplication = None


class SessionLogin(SessionAuthentication):
    """The site's own login, with a challenge, so that an anonymous call is answered 401 and not 403."""

    def authenticate_header(self, request: Request) -> str:
        return 'Session realm="engage"'


AUTHENTICATION: list[type[BaseAuthentication]] = [SessionLogin]
if JwtAuthentication is not None:
    # Behind the session: the first one writes the challenge, and masquerading lives in the session.
    AUTHENTICATION.append(JwtAuthentication)


def canonical_course_key(text: str) -> str:
    """The course run that an address names, in the one form that we store. NotFound when it names none.

    Old keys (`Org/Course/Run`) and new ones; no libraries, no branches or versions.
    """
    try:
        key = CourseKey.from_string(text)
    except InvalidKeyError:
        key = None
    if key is None or isinstance(key, LibraryLocator) or not key.run or key.branch or key.version_guid:
        raise NotFound(f"{text!r} is not the key of a course run.")
    return str(key)


def key_or_404(text: str) -> str:
    """Return what `canonical_course_key` does, for a page: raises Http404, which the site answers with a page of its own."""
    try:
        return canonical_course_key(text)
    except NotFound as error:
        raise Http404(str(error.detail)) from None


class InCourse(BasePermission):
    """Only people of these roles in the course that the address names, as masquerading leaves them; everyone else not."""

    roles: frozenset[Role] = frozenset()
    refusal: str | Promise = ""  # in the language of whoever is refused
    includes_former = False  # also who is no longer enrolled, while anything of them is kept

    def has_permission(self, request: Request, view: APIView) -> bool:
        course_key = canonical_course_key(view.kwargs["course_key"])
        if not request.user.is_authenticated:
            raise NotAuthenticated(_("Log in first."))
        if NotJwtRestrictedApplication is not None and not _unrestricted(request, view):
            raise PermissionDenied("The application that calls is restricted.")
        role = get_platform().role(request._request, course_key)
        if role in self.roles:
            return True
        if self.includes_former and role is Role.STRANGER and is_held(caller_id(request), course_key):
            return True
        raise PermissionDenied(str(self.refusal))


class IsCourseStaff(InCourse):
    """The course team."""

    roles = frozenset({Role.STAFF})
    refusal = _("This is for the course team of this course run.")


class IsLearner(InCourse):
    """Learners, about themselves; the course team has no such page, unless it masquerades."""

    roles = frozenset({Role.LEARNER, Role.MASQUERADER})
    includes_former = True
    refusal = _("This is for learners of this course run, about themselves.")


class IsLearnerInPerson(InCourse):
    """Learners, for themselves: what a masquerading member of the course team said would be of nobody in the course."""

    roles = frozenset({Role.LEARNER})
    includes_former = True
    refusal = _("Only learners of this course run say that, for themselves; nobody says it while masquerading.")


def caller_id(request: Request) -> int:
    """The user id of who calls; there is one behind the permission."""
    user_id = request.user.pk
    assert user_id is not None, "asked before the permission was"
    return user_id


def _unrestricted(request: Request, view: Any) -> bool:
    return bool(NotJwtRestrictedApplication().has_permission(request, view))
