"""lms/djangoapps/courseware/access.py: `_has_access_to_course`; a masquerade that was set up takes access away."""

from __future__ import annotations

from typing import Any

from common.djangoapps.student.roles import has_role

from lms.djangoapps.courseware.masquerade import is_masquerading_as_student


def has_access(user: Any, action: str, obj: Any, course_key: Any = None) -> bool:
    assert action == "staff"
    if not user.is_authenticated or is_masquerading_as_student(user, obj):
        return False
    return bool(user.is_staff) or has_role(user, obj, "staff", "limited_staff", "instructor")
