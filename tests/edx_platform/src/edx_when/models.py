"""edx-when 3.0.0, edx_when/models.py: dates of blocks, and of one learner for a block."""

from django.contrib.auth.models import User
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class DatePolicy(models.Model):
    """A moment, or so long after a learner's start."""

    abs_date = models.DateTimeField(null=True, blank=True, db_index=True)
    rel_date = models.DurationField(null=True, blank=True, db_index=True)

    class Meta:
        app_label = "edx_when"


class ContentDate(models.Model):
    """A date of a block."""

    course_id = CourseKeyField(db_index=True, max_length=255)
    policy = models.ForeignKey(DatePolicy, on_delete=models.CASCADE)
    location = UsageKeyField(null=True, default=None, db_index=True, max_length=255)
    field = models.CharField(max_length=255, default="")
    active = models.BooleanField(default=True)

    class Meta:
        app_label = "edx_when"
        unique_together = ("policy", "location", "field")


class UserDate(models.Model):
    """An extension; with neither date it was revoked. There may be several: the last one counts."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    content_date = models.ForeignKey(ContentDate, on_delete=models.CASCADE)
    abs_date = models.DateTimeField(null=True, blank=True)
    rel_date = models.DurationField(null=True, blank=True)
    reason = models.TextField(default="", blank=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "edx_when"
