"""common/djangoapps/student/roles.py: who has a role; global staff have `is_staff`."""

from __future__ import annotations

from typing import Any

from common.djangoapps.student.models import CourseAccessRole


def has_role(user: Any, course_key: Any, *roles: str) -> bool:
    """`CourseRole.has_user` and `OrgRole.has_user`: inactive users have none. A user's rows are read once (`RoleCache`)."""
    if not (user.is_authenticated and user.is_active):
        return False
    if not hasattr(user, "_roles"):
        user._roles = {(one.role, one.org, one.course_id) for one in CourseAccessRole.objects.filter(user=user)}
    return any((role, course_key.org, key) in user._roles for role in roles for key in (course_key, None))
