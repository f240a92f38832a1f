"""lms/djangoapps/bulk_email/models_api.py: whether a course may send mail."""

from __future__ import annotations

from typing import Any

from lms.djangoapps.bulk_email.models import BulkEmailFlag, CourseAuthorization, DisabledCourse


def is_bulk_email_feature_enabled(course_id: Any = None) -> bool:
    flag = BulkEmailFlag.objects.order_by("-change_date", "-pk").first()
    if flag is None or not flag.enabled:
        return False
    if not flag.require_course_email_auth:
        return True
    return CourseAuthorization.objects.filter(course_id=course_id, email_enabled=True).exists()


def is_bulk_email_disabled_for_course(course_id: Any) -> bool:
    return DisabledCourse.objects.filter(course_id=course_id).exists()
