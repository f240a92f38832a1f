"""The recipe of `docs/recipes.md` for those who have not handed in, with the bodies that stand there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engage_backend.demo.clock import set_clock
from engage_backend.models import CourseRun, Delivery, Submission
from engage_backend.platform.moments import to_microseconds
from tests.messaging.conftest import Mailing

RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCK = "block-v1:TestX+T101+2024+type@problem+block@hw3"
DUE = datetime(2024, 3, 10, 23, 59, tzinfo=UTC)


def body(pattern: str) -> Any:
    found = re.search(pattern, RECIPES, re.DOTALL)
    assert found is not None
    return json.loads(found[1].replace("BLOCK", BLOCK))


def test_who_has_not_handed_in_by_then_is_written_to_once(mailing: Mailing) -> None:
    early, late, *others = mailing.learners
    set_clock(DUE - timedelta(hours=48), speed=0)
    CourseRun.objects.update(graded=[[BLOCK, 0.3, to_microseconds(DUE), "Homework 3"]])
    handed_in = {"block": BLOCK, "score": 1.0, "possible": 1.0, "last_at": 1}
    Submission.objects.create(learner=early, **handed_in)
    draft = mailing.post(data=body(r"```json\n(.*?)```"), status=201)
    Submission.objects.create(learner=late, **handed_in)  # after the draft was saved
    for _ in range(2):
        mailing.post(f"/{draft['id']}/resend", body(r"resend\".*?-d '(.*?)'"), status=202)
    mailing.minute()
    mailing.work()
    assert {one.learner_id for one in Delivery.objects.filter(state="sent")} == {learner.pk for learner in others}
    assert len(mailing.smtp.letters) == len(others)
