"""openedx/core/djangoapps/content/course_overviews/models.py."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseOverview(models.Model):
    """What publishing a course run keeps of it; `created` and `modified` are model_utils' TimeStampedModel's."""

    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)
    id = CourseKeyField(db_index=True, primary_key=True, max_length=255)
    org = models.TextField(max_length=255, default="outdated_entry")
    display_name = models.TextField(null=True)  # noqa: DJ001
    start = models.DateTimeField(null=True)
    end = models.DateTimeField(null=True)
    lowest_passing_grade = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    self_paced = models.BooleanField(default=False)

    class Meta:
        app_label = "course_overviews"
