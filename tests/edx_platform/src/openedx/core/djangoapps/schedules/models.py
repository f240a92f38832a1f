"""openedx/core/djangoapps/schedules/models.py."""

from common.djangoapps.student.models import CourseEnrollment
from django.db import models


class Schedule(models.Model):
    """Where a learner's own schedule begins; resetting deadlines moves it."""

    enrollment = models.OneToOneField(CourseEnrollment, null=False, on_delete=models.CASCADE)
    active = models.BooleanField(default=True)
    start_date = models.DateTimeField(db_index=True, null=True, default=None)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "schedules"
