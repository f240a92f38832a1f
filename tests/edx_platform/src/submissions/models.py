"""edx-submissions, submissions/models.py: what was handed in outside of `StudentModule`, and its scores."""

from django.db import models


class StudentItem(models.Model):
    """One learner, by the anonymous id of the course, and one block."""

    student_id = models.CharField(max_length=255, blank=False, db_index=True)
    course_id = models.CharField(max_length=255, blank=False, db_index=True)
    item_id = models.CharField(max_length=255, blank=False, db_index=True)
    item_type = models.CharField(max_length=100)

    class Meta:
        app_label = "submissions"
        unique_together = (("course_id", "student_id", "item_id"),)


class Submission(models.Model):
    """`status` is A while it counts, D once the state was cleared."""

    student_item = models.ForeignKey(StudentItem, on_delete=models.CASCADE)
    attempt_number = models.PositiveIntegerField(default=1)
    submitted_at = models.DateTimeField(db_index=True)
    status = models.CharField(max_length=1, default="A")

    class Meta:
        app_label = "submissions"


class Score(models.Model):
    """One of many; a reset one is out of 0 points."""

    student_item = models.ForeignKey(StudentItem, on_delete=models.CASCADE)
    submission = models.ForeignKey(Submission, null=True, on_delete=models.CASCADE)
    points_earned = models.PositiveIntegerField(default=0)
    points_possible = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    reset = models.BooleanField(default=False)

    class Meta:
        app_label = "submissions"


class ScoreSummary(models.Model):
    """A signal keeps `highest` and `latest`."""

    student_item = models.OneToOneField(StudentItem, on_delete=models.CASCADE)
    highest = models.ForeignKey(Score, related_name="+", on_delete=models.CASCADE)
    latest = models.ForeignKey(Score, related_name="+", on_delete=models.CASCADE)

    class Meta:
        app_label = "submissions"
