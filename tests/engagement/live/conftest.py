"""A course of the standalone site with learners who click, a model folder, and an engine over both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from engage_backend.engagement.folder import save_model
from engage_backend.engagement.live.engine import Engine
from engage_backend.models import HistoryChunk, Learner, Prediction
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import CourseSchedule, GradedBlock
from engage_backend.platform.standalone.models import Clock, Course, Enrolment
from tests.engagement.clicks import BLOCKS, COURSE, DAY, START, small_model

LEARNERS = (101, 102, 103, 104)


@dataclass
class LiveSite:
    """The standalone site as a consumer meets it."""

    model: Path

    def clock(self, days: float) -> None:
        """Stop the site's clock `days` after the course's start."""
        when = datetime.fromtimestamp(START / 1e6, UTC) + timedelta(days=days)
        Clock.objects.update_or_create(pk=1, defaults={"site_time": when, "real_time": when, "speed": 0.0})

    def engine(self) -> Engine:
        """An engine of its own, as a new process has it."""
        return Engine(get_platform(), pass_seconds=0.0)

    def histories(self) -> dict[tuple[int, int], bytes]:
        """(user id, number) -> bytes of every chunk."""
        chunks = HistoryChunk.objects.values_list("learner__user_id", "number", "data")
        return {(user, number): bytes(data) for user, number, data in chunks}

    def shown(self) -> dict[int, tuple[int | None, int | None, int | None]]:
        """User id -> what a page shows, in per mille."""
        rows = Prediction.objects.values_list("learner__user_id", "certify", "complete", "leave")
        return {user: (certify, complete, leave) for user, certify, complete, leave in rows}

    def levels(self) -> dict[int, tuple[int | None, int | None]]:
        """User id -> the engagement level, and the expected level in hundredths."""
        rows = Prediction.objects.values_list("learner__user_id", "level", "expected_level")
        return {user: (level, expected) for user, level, expected in rows}

    def states(self) -> dict[int, str]:
        """User id -> where the learner stands."""
        return dict(Learner.objects.values_list("user_id", "state"))


@pytest.fixture
def live(db: None, tmp_path: Path, settings: object) -> Iterator[LiveSite]:
    """Four learners are enrolled, nobody has clicked, and the clock stands at day 41."""
    graded = tuple(GradedBlock(block, 0.15, START + (10 + 5 * n) * DAY) for n, block in enumerate(BLOCKS))
    schedule = CourseSchedule(COURSE, "Testing", START, START + 100 * DAY, passing_grade=0.5, graded=graded)
    course = Course.objects.create(key=COURSE, schedule=schedule.to_json())
    enrolled = datetime.fromtimestamp(START / 1e6, UTC)
    for user_id in LEARNERS:
        user = User.objects.create(id=user_id, username=f"learner{user_id}")
        Enrolment.objects.create(course=course, user=user, created=enrolled)
    save_model(small_model(), {"name": "test"}, tmp_path / "model")
    settings.ENGAGE = {"PLATFORM": "standalone", "MODEL": str(tmp_path / "model")}  # type: ignore[attr-defined]
    site = LiveSite(tmp_path / "model")
    site.clock(41)
    yield site
