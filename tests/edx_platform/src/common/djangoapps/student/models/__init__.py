"""common/djangoapps/student/models/course_enrollment.py and user.py: enrolments, roles, profiles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview


class CourseEnrollmentManager(models.Manager):  # type: ignore[type-arg]
    """course_enrollment.py."""

    def users_enrolled_in(self, course_id: Any) -> Any:
        return User.objects.filter(courseenrollment__course_id=course_id, courseenrollment__is_active=True)


class CourseEnrollment(models.Model):
    """course_enrollment.py."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    course = models.ForeignKey(CourseOverview, db_constraint=False, on_delete=models.DO_NOTHING)
    created = models.DateTimeField(auto_now_add=True, null=True, db_index=True)
    is_active = models.BooleanField(default=True)
    mode = models.CharField(default="audit", max_length=100)

    objects = CourseEnrollmentManager()

    class Meta:
        app_label = "student"
        unique_together = (("user", "course"),)
        ordering = ("user", "course")

    @classmethod
    def is_enrolled(cls, user: Any, course_key: Any) -> bool:
        """False for an anonymous user, and once the enrolment is not active any more."""
        if not user.is_authenticated:
            return False
        return cls.objects.filter(user=user, course_id=course_key, is_active=True).exists()


class CourseAccessRole(models.Model):
    """user.py; an empty course key is a role of the whole organisation."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    org = models.CharField(max_length=64, db_index=True, blank=True)
    course_id = CourseKeyField(max_length=255, db_index=True, blank=True)
    role = models.CharField(max_length=64, db_index=True)

    class Meta:
        app_label = "student"
        unique_together = ("user", "org", "course_id", "role")


class UserProfile(models.Model):
    """user.py; the full name that a learner goes by."""

    user = models.OneToOneField(User, unique=True, db_index=True, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(blank=True, max_length=255, db_index=True)

    class Meta:
        app_label = "student"
        db_table = "auth_userprofile"


class AnonymousUserId(models.Model):
    """user.py; who the submissions of a course are of. An empty course key is the id of the whole site."""

    user = models.ForeignKey(User, db_index=True, on_delete=models.CASCADE)
    anonymous_user_id = models.CharField(unique=True, max_length=32)
    course_id = CourseKeyField(db_index=True, max_length=255, blank=True)

    class Meta:
        app_label = "student"
