"""lms/djangoapps/bulk_email/models.py."""

from django.contrib.auth.models import User
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class Optout(models.Model):
    """Who wants no mail from a course."""

    user = models.ForeignKey(User, db_index=True, null=True, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255, db_index=True)

    class Meta:
        app_label = "bulk_email"
        unique_together = ("user", "course_id")


class DisabledCourse(models.Model):
    """Courses that may not send mail."""

    course_id = CourseKeyField(max_length=255, db_index=True, unique=True)

    class Meta:
        app_label = "bulk_email"


class BulkEmailFlag(models.Model):
    """A `ConfigurationModel`: the newest row holds, and mail is off where there is none."""

    change_date = models.DateTimeField(auto_now_add=True)
    enabled = models.BooleanField(default=False)
    require_course_email_auth = models.BooleanField(default=True)

    class Meta:
        app_label = "bulk_email"


class CourseAuthorization(models.Model):
    """Courses that may send mail where the flag asks for it."""

    course_id = CourseKeyField(max_length=255, db_index=True, unique=True)
    email_enabled = models.BooleanField(default=False)

    class Meta:
        app_label = "bulk_email"
