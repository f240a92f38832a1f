"""The daily pass notes whether the model still sees what it was trained on; operators and pages are told."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.core.management import call_command

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.drift import Bins
from engage_backend.engagement.live.status import status
from engage_backend.models import CourseRun
from engage_backend.platform.standalone.models import Course, Enrolment
from tests.engagement.clicks import COURSE, DAY, START, click
from tests.engagement.live.conftest import LEARNERS, LiveSite

BEGINS = datetime.fromtimestamp(START / 1e6, UTC)


def test_renamed_events_are_told_on_the_first_night(live: LiveSite, client: Any, capsys: Any) -> None:
    engine = live.engine()
    chance = random.Random(1)
    for day in range(1, 12):
        kind = "courseware" if day < 11 else "event:acme.page.seen"
        live.clock(day + 0.9)
        moments = [(user, START + day * DAY + number * 60_000_000) for user in LEARNERS for number in range(1, 41)]
        engine.ingest([click(user, at, kind, chance) for user, at in moments])
        engine.tick()
        kept = CourseRun.objects.get().drift
        assert kept["colour"] == ("green" if day < 11 else "red")
    assert kept["why"] == [["unknown_clicks", 0, 160]]
    assert len(kept["nights"]) == 11
    client.force_login(User.objects.create_user("boss", is_superuser=True, is_staff=True))
    answer = client.get(f"/engage/api/v1/courses/{COURSE}/predictions").content
    assert json.loads(answer)["drift"] == "red"
    assert b"engage inspect" not in answer  # what operators do is no matter of the page
    todo = [line for line in status()["todo"] if "0 of 160 clicks" in line]
    assert len(todo) == 1 and "engage inspect" in todo[0]
    call_command("engage_status")
    assert "drift: red" in capsys.readouterr().out


def test_learners_are_compared_with_the_reference_of_the_card(live: LiveSite) -> None:
    course = Course.objects.get()
    for user_id in range(1000, 1120):
        user = User.objects.create(id=user_id, username=f"learner{user_id}")
        Enrolment.objects.create(course=course, user=user, created=BEGINS)
    alike, other = (Bins.of(np.full(200, value)).to_text() for value in (1.0, 50.0))
    path = live.model / "card.json"
    card = json.loads(path.read_text())
    card["reference"] = {"active_days": [alike] * 8, "events": [other] * 8, "sessions": ["broken"] * 8}
    path.write_text(json.dumps(card))
    engine = live.engine()
    live.clock(3.5)
    engine.ingest([click(user, START + DAY, "courseware", random.Random(user)) for user in range(1000, 1120)])
    engine.tick()
    (night,) = CourseRun.objects.get().drift["nights"]
    assert night[4:] == [2, f"{1 << FEATURES.index('events'):x}"]
