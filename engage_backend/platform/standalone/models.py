"""What an LMS would know, for a site without one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


class Course(models.Model):
    """A course run and its schedule.

    .. no_pii:
    """

    key = models.CharField(max_length=255, unique=True)
    schedule: models.JSONField[Any, Any] = models.JSONField(help_text="CourseSchedule.to_json()")
    bulk_email = models.BooleanField(default=True, help_text="Whether the learners may be written to.")

    def __str__(self) -> str:
        return self.key


class Enrolment(models.Model):
    """That somebody takes a course, from when on.

    .. pii: Enrolment of a user of the standalone site.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="enrolments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField()
    is_active = models.BooleanField(default=True)
    mode = models.CharField(max_length=100, blank=True)
    cohort = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course", "user"], name="standalone_enrolled_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.course_id}"


class OptOut(models.Model):
    """That somebody wants no bulk e-mail of a course.

    .. pii: A wish of a user of the standalone site.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="opt_outs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course", "user"], name="standalone_opted_out_once")]

    def __str__(self) -> str:
        return f"{self.user_id} not of {self.course_id}"


class CourseStaff(models.Model):
    """That somebody belongs to the course team.

    .. pii: Role of a user of the standalone site.
    .. pii_types: other
    .. pii_retirement: local_api
    """

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="staff")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["course", "user"], name="standalone_staff_once")]

    def __str__(self) -> str:
        return f"{self.user_id} on the team of {self.course_id}"


class Clock(models.Model):
    """The site's clock: it stood at `site_time` when the world's stood at `real_time`, and runs `speed` times as fast.

    One row at most; without it the site keeps the world's time.

    .. no_pii:
    """

    site_time = models.DateTimeField()
    real_time = models.DateTimeField()
    speed = models.FloatField(default=1.0)

    def __str__(self) -> str:
        return f"{self.site_time} x{self.speed}"
