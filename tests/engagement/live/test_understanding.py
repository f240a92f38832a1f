"""What the model understands of a site's clicks is asked of the parts that have a say, not of its vocabulary."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engage_backend.clickstream.parse import parse_lines
from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.live.status import status
from engage_backend.engagement.live.understanding import card_in, understood_share
from engage_backend.models import CourseRun
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LiveSite

# The kinds of the clicks of learners in a real LMS of the Teak release, and how often each came.
REAL_KINDS = {
    "edx.grades.problem.submitted": 24,
    "problem_check_correct": 14,
    "handler:done:toggle_button": 7,
    "handler:gymdemo:click": 7,
    "xblock_view:gymdemo": 6,
    "xblock_view:vertical": 5,
    **dict.fromkeys(("xblock_view:problem", "xblock_view:done", "problem_check_incorrect", "showanswer"), 3),
    **dict.fromkeys(("seq_next", "play_video", "pause_video", "home", "progress", "courseware"), 3),
}
REAL_LOG = Path(__file__).resolve().parents[4] / "shared" / "data" / "tracking" / "real_lms_teak.jsonl"
HEARD = {"name": "m", "lstm": {"hidden": 8}, "vocabulary": ["play_video"]}


def test_the_model_that_ships_understands_a_real_lms() -> None:
    share = understood_share(card_in(BASE_MODEL), REAL_KINDS)
    assert share is not None
    assert share >= 0.9


@pytest.mark.skipif(not REAL_LOG.exists(), reason="no log of a real LMS beside this checkout")
def test_the_model_that_ships_understands_a_real_log() -> None:
    events, _ = parse_lines(REAL_LOG.read_bytes().splitlines())
    share = understood_share(card_in(BASE_MODEL), Counter(event.kind for event in events))
    assert share is not None
    assert share >= 0.85


@pytest.mark.parametrize(
    ("card", "kinds", "share"),
    [
        ({"name": "m"}, {"pause_video": 3, "gymdemo.clicked": 1}, 0.75),
        (HEARD, {"pause_video": 3, "play_video": 1}, 0.25),
        (HEARD, {}, None),
        ({}, {"play_video": 1}, None),
    ],
)
def test_an_lstm_has_to_know_the_kinds_and_trees_the_sorts(
    card: dict[str, object], kinds: dict[str, int], share: float | None
) -> None:
    assert understood_share(card, kinds) == share


def test_the_share_is_told_to_the_operator_and_to_the_page(live: LiveSite, client: Client) -> None:
    client.force_login(User.objects.create(username="staff", is_staff=True))
    engine = live.engine()
    engine.ingest(clicks(101, 60))
    engine.settle()
    engine.tick()
    found = status()
    (run,) = found["runs"]
    assert run["understood_share"] == found["kinds"]["understood_share"] is not None
    assert CourseRun.objects.get().understood_share == run["understood_share"]
    answer = client.get(f"/engage/api/v1/courses/{COURSE}/predictions").json()
    assert answer["understood_share"] == run["understood_share"]
