"""common/djangoapps/student/auth.py: what Studio asks. Limited staff have no access to Studio."""

from __future__ import annotations

from typing import Any

from common.djangoapps.student.roles import has_role


def has_studio_read_access(user: Any, course_key: Any) -> bool:
    return bool(user.is_staff) or has_role(user, course_key, "instructor", "staff")


def has_studio_write_access(user: Any, course_key: Any) -> bool:
    return has_studio_read_access(user, course_key)
