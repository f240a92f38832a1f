"""lms/djangoapps/courseware/masquerade.py: whom a member of staff looks at a course as, kept in the session."""

from __future__ import annotations

from typing import Any

from common.djangoapps.student.models import CourseEnrollment
from django.conf import settings
from django.contrib.auth.models import User

MASQUERADE_SETTINGS_KEY = "masquerade_settings"


class CourseMasquerade:
    """Pickled into the session, under the course key."""

    def __init__(self, course_key: Any, role: str = "student", user_name: str | None = None) -> None:
        self.course_key, self.role, self.user_name = course_key, role, user_name


def setup_masquerade(
    request: Any, course_key: Any, staff_access: bool = False, reset_masquerade_data: bool = False
) -> tuple[CourseMasquerade | None, Any]:
    if request.user is None or not settings.FEATURES.get("ENABLE_MASQUERADE", False) or not staff_access:
        return None, request.user
    chosen = request.session.setdefault(MASQUERADE_SETTINGS_KEY, {})
    request.user.masquerade_settings = chosen
    masquerade, other = chosen.get(course_key), None
    if masquerade and masquerade.user_name:
        try:
            other = CourseEnrollment.objects.users_enrolled_in(course_key).get(username=masquerade.user_name)
        except User.DoesNotExist:
            masquerade = None
            del chosen[course_key]
            request.session.modified = True
        else:
            other.masquerade_settings = chosen
            other.real_user = request.user
    return masquerade, other or request.user


def is_masquerading_as_student(user: Any, course_key: Any) -> bool:
    masquerade = getattr(user, "masquerade_settings", {}).get(course_key)
    return bool(masquerade and masquerade.role == "student")
