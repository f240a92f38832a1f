"""common/djangoapps/student/roles.py: who has a role; global staff have `is_staff`."""

from __future__ import annotations

from typing import Any

from django.apps import apps

# LEGACY_COURSE_ROLE_EQUIVALENCES in openedx_authz/constants/roles.py
FROM_AUTHZ = {"course_admin": "instructor", "course_staff": "staff", "course_limited_staff": "limited_staff"}


def has_role(user: Any, course_key: Any, *roles: str) -> bool:
    """`CourseRole.has_user` and `OrgRole.has_user`: inactive users have none. A user's rows are read once (`RoleCache`)."""
    if not (user.is_authenticated and user.is_active):
        return False
    if not hasattr(user, "_roles"):
        user._roles = _rows(user) | _assignments(user)
    scopes = (str(course_key), "", f"course-v1:{course_key.org}+*", "course-v1:*")
    return any((role, course_key.org, scope) in user._roles for role in roles for scope in scopes) or any(
        (role, "*", "course-v1:*") in user._roles for role in roles
    )


def _rows(user: Any) -> set[tuple[str, str, str]]:
    try:
        from common.djangoapps.student.models import CourseAccessRole
    except ImportError:  # the release after the next
        return set()
    return {(one.role, one.org, str(one.course_id or "")) for one in CourseAccessRole.objects.filter(user=user)}


def _assignments(user: Any) -> set[tuple[str, str, str]]:
    """`get_authz_compat_course_access_roles_for_user`: asked whatever `authz.enable_course_authoring` says."""
    if not apps.is_installed("openedx_authz"):
        return set()
    from openedx_authz.api.users import ASSIGNMENTS

    return {
        (FROM_AUTHZ[role], scope.removeprefix("course-v1:").partition("+")[0], scope)
        for username, role, scope in ASSIGNMENTS
        if username == user.username and role in FROM_AUTHZ
    }
