"""lms/djangoapps/courseware/models.py: what the platform keeps of each learner for each block."""

from django.contrib.auth.models import User
from django.db import models
from opaque_keys.edx.django.models import LearningContextKeyField, UsageKeyField


class StudentModule(models.Model):
    """`grade` is null until something was handed in."""

    id = models.BigAutoField(primary_key=True)
    module_type = models.CharField(max_length=32, db_index=True)
    module_state_key = UsageKeyField(max_length=255, db_column="module_id")
    student = models.ForeignKey(User, db_index=True, db_constraint=False, on_delete=models.CASCADE)
    course_id = LearningContextKeyField(max_length=255, db_index=True)
    state = models.TextField(null=True, blank=True)  # noqa: DJ001
    grade = models.FloatField(null=True, blank=True, db_index=True)
    max_grade = models.FloatField(null=True, blank=True)
    done = models.CharField(max_length=8, default="na", db_index=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    modified = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        app_label = "courseware"
        unique_together = (("student", "module_state_key", "course_id"),)


class StudentFieldOverride(models.Model):
    """An extension as old sites keep it; the value is JSON."""

    course_id = LearningContextKeyField(max_length=255, db_index=True)
    location = UsageKeyField(max_length=255, db_index=True)
    student = models.ForeignKey(User, db_index=True, on_delete=models.CASCADE)
    field = models.CharField(max_length=255)
    value = models.TextField(default="null")

    class Meta:
        app_label = "courseware"
        unique_together = (("course_id", "field", "location", "student"),)
