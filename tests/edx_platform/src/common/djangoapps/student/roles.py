"""common/djangoapps/student/roles.py: who has a role; global staff have `is_staff`."""

from __future__ import annotations

from typing import Any

from opaque_keys.edx.django.models import CourseKeyField

from common.djangoapps.student.models import CourseAccessRole


def has_role(user: Any, course_key: Any, *roles: str) -> bool:
    """`CourseRole.has_user` and `OrgRole.has_user`: inactive users have none."""
    if not (user.is_authenticated and user.is_active):
        return False
    mine = CourseAccessRole.objects.filter(user=user, role__in=roles, org=course_key.org)
    return mine.filter(course_id=course_key).exists() or mine.filter(course_id=CourseKeyField.Empty).exists()
