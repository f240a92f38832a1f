"""lms/djangoapps/grades/models.py."""

from django.db import models
from opaque_keys.edx.django.models import CourseKeyField, UsageKeyField


class PersistentCourseGrade(models.Model):
    """`passed_timestamp` is set when the grade first passes, and stays."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.IntegerField(blank=False, db_index=True)
    course_id = CourseKeyField(blank=False, max_length=255)
    percent_grade = models.FloatField(blank=False)
    letter_grade = models.CharField("Letter grade for course", blank=False, max_length=255)
    passed_timestamp = models.DateTimeField("Date learner earned a passing grade", blank=True, null=True)

    class Meta:
        app_label = "grades"
        unique_together = [("course_id", "user_id")]


class PersistentSubsectionGrade(models.Model):
    """Sums of a subsection before any override."""

    id = models.BigAutoField(primary_key=True)
    user_id = models.IntegerField(blank=False)
    course_id = CourseKeyField(blank=False, max_length=255)
    usage_key = UsageKeyField(blank=False, max_length=255)  # "it may be missing the run"
    earned_graded = models.FloatField(blank=False)
    possible_graded = models.FloatField(blank=False)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "grades"
        unique_together = [("course_id", "user_id", "usage_key")]


class PersistentSubsectionGradeOverride(models.Model):
    """`earned_graded_override` is null where it is not overridden."""

    grade = models.OneToOneField(PersistentSubsectionGrade, related_name="override", on_delete=models.CASCADE)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    modified = models.DateTimeField(auto_now=True, db_index=True)
    earned_graded_override = models.FloatField(null=True, blank=True)
    possible_graded_override = models.FloatField(null=True, blank=True)

    class Meta:
        app_label = "grades"
