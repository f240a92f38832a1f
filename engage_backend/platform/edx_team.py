"""Who belongs to a course team, in an LMS: those whom `has_access(user, "staff", course_key)` lets in, as a list.

Two stores count, as in `RoleCache` (common/djangoapps/student/roles.py, Verawood), which `has_access` asks: the platform's
table of roles, and openedx-authz where it is installed. The waffle flag `authz.enable_course_authoring` only decides which
of them a new role is written to. Global staff are known by their user. Files of openedx-authz are named as in 1.14 and 1.35.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

# Of the course, or of its organisation. Beta testers and data researchers have roles, too, and are learners.
_ROLES = ("instructor", "limited_staff", "staff")
# The same three, as openedx_authz/constants/roles.py calls them: `LEGACY_COURSE_ROLE_EQUIVALENCES`. Its editors and auditors
# are not staff to `has_access`: where they are enrolled, they are learners.
_AUTHZ_ROLES = frozenset({"course_admin", "course_limited_staff", "course_staff"})


def role_team(key: Any, users: Collection[int]) -> set[int]:
    """Return those of the users whom the table of roles has in the course team; see `authz_team`, too."""
    rows = _rows(key)
    return set() if rows is None else set(rows.filter(user__in=users).values_list("user_id", flat=True))


def has_team_row(key: Any, user: Any) -> Any:
    """Return the condition that the table of roles has `user` (an OuterRef) in the course team; see `authz_team`, too."""
    from django.db.models import BooleanField, Exists, Value

    rows = _rows(key)
    return Value(False, output_field=BooleanField()) if rows is None else Exists(rows.filter(user=user))


def authz_team(key: Any) -> set[int]:
    """Return the user ids of those who belong to the course team by openedx-authz; none where it is not installed."""
    from django.apps import apps
    from django.contrib.auth import get_user_model

    if not apps.is_installed("openedx_authz"):
        return set()
    # openedx_authz/api/users.py and data.py: roles lie on a course, on an organisation or on the whole platform.
    from openedx_authz.api.users import get_all_user_role_assignments_in_scope

    names: set[str] = set()
    for scope in (str(key), f"course-v1:{key.org}+*", "course-v1:*"):
        try:
            found = get_all_user_role_assignments_in_scope(scope)
        except ValueError:  # a scope that this release does not know: the platform's, or that of an old course key
            continue
        names.update(one.subject.username for one in found if any(r.external_key in _AUTHZ_ROLES for r in one.roles))
    if not names:
        return set()
    return set(get_user_model().objects.filter(username__in=names).values_list("pk", flat=True))


def _rows(key: Any) -> Any:
    """Return the team's rows in the platform's table of roles; None where the platform has no such table any more."""
    try:
        # common/djangoapps/student/models/user.py; a role of a whole organisation has an empty course key (roles.py).
        from common.djangoapps.student.models import CourseAccessRole
    except ImportError:
        return None
    from django.db.models import Q
    from opaque_keys.edx.django.models import CourseKeyField

    of_course_or_org = Q(course_id=key) | Q(org=key.org, course_id=CourseKeyField.Empty)
    return CourseAccessRole.objects.filter(of_course_or_org, role__in=_ROLES)
