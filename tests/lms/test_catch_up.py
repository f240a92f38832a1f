"""An existing course: what was handed in before Engage came."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from lms.djangoapps.courseware.models import StudentModule

from engage_backend.models import Prediction, Submission
from tests.edx_platform.course import KEY


def test_submissions_of_learners_are_taken_over_once_however_often_it_is_said(run: Any) -> None:
    for who, score in (("learner", 1.0), ("beta_tester", 0.0), ("staff", 2.0)):
        StudentModule.objects.create(
            student=run.users[who],
            course_id=KEY,
            module_state_key=run.block("hw1a"),
            module_type="problem",
            grade=score,
            max_grade=2.0,
        )
    for _ in range(2):
        told = StringIO()
        call_command("engage_catch_up", str(KEY), stdout=told)
        assert told.getvalue() == f"{KEY}: 2 submissions\n"
    rows = Submission.objects.order_by("learner__user_id").values_list("learner__user_id", "block", "score", "possible")
    block = str(run.block("hw1a"))
    assert list(rows) == [(run.users["learner"].id, block, 1.0, 2.0), (run.users["beta_tester"].id, block, 0.0, 2.0)]
    assert not Prediction.objects.exclude(certify=None).exists()


def test_a_course_that_is_not_there_is_said(run: Any) -> None:
    with pytest.raises(CommandError, match="no course run course-v1:No"):
        call_command("engage_catch_up", "course-v1:No+Such+Run")
