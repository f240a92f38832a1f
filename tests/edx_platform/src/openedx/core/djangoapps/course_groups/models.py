"""openedx/core/djangoapps/course_groups/models.py: cohorts."""

from django.contrib.auth.models import User
from django.db import models
from opaque_keys.edx.django.models import CourseKeyField


class CourseUserGroup(models.Model):
    """A cohort."""

    name = models.CharField(max_length=255)
    users = models.ManyToManyField(User, db_index=True, related_name="course_groups")
    course_id = CourseKeyField(max_length=255, db_index=True)
    group_type = models.CharField(max_length=20, default="cohort")

    class Meta:
        app_label = "course_groups"
        unique_together = (("name", "course_id"),)


class CohortMembership(models.Model):
    """One cohort a learner and course run."""

    course_user_group = models.ForeignKey(CourseUserGroup, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    course_id = CourseKeyField(max_length=255)

    class Meta:
        app_label = "course_groups"
        unique_together = (("user", "course_id"),)
