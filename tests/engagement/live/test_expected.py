"""An author expects a pass rate: the figures are shifted to it, say so, and stop when finished runs know better."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from engage_backend.engagement.folder import load_model, save_model
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.model import Model
from engage_backend.models import CourseRun, DailySnapshot
from engage_backend.platform.standalone.models import Course
from tests.engagement.clicks import COURSE, clicks, small_model
from tests.engagement.live.conftest import LEARNERS, LiveSite

Shown = dict[int, tuple[int | None, int | None, int | None]]
PRIOR = 0.6


@pytest.fixture
def engine(live: LiveSite) -> Engine:
    """Learners have clicked, and the model knows how many certified where it comes from."""
    model = replace(small_model(), prior=(PRIOR, 0.8, 0.05))
    save_model(model, {"name": "test"}, live.model)
    engine = live.engine()
    engine.ingest(event for user in LEARNERS[:3] for event in clicks(user, 80, days=40.5))
    engine.tick()
    return engine


def expect(rate: float | None, engine: Engine) -> None:
    """An author publishes the course with this rate; the engine hears of it at its next look at the courses."""
    course = Course.objects.get(key=COURSE)
    course.schedule = {**course.schedule, "expected_pass_rate": rate}
    course.save()
    engine._rosters._courses_read = float("-inf")
    engine.tick()


def log_odds(per_mille: int | None) -> float:
    assert per_mille is not None
    return math.log(per_mille / (1000 - per_mille))


def test_certify_and_complete_are_shifted_and_leave_stays(live: LiveSite, engine: Engine) -> None:
    before: Shown = live.shown()
    expect(0.3, engine)
    after, wanted = live.shown(), math.log(0.3 / 0.7) - math.log(PRIOR / (1 - PRIOR))
    for user in LEARNERS[:3]:
        for target in (0, 1):
            moved = log_odds(after[user][target]) - log_odds(before[user][target])
            assert moved == pytest.approx(wanted, abs=0.03)  # shown in per mille
        assert after[user][2] == before[user][2]


def test_a_click_does_not_bring_the_unshifted_figures_back(live: LiveSite, engine: Engine) -> None:
    expect(0.3, engine)
    fresh = live.engine()
    more = clicks(LEARNERS[0], 1, seed=5, days=40.5)
    fresh.ingest(more)
    shown = live.shown()[LEARNERS[0]][0]
    engine.tick()
    expect(None, engine)
    assert log_odds(shown) < log_odds(live.shown()[LEARNERS[0]][0]) - 0.8


def test_without_it_the_figures_are_the_models_own_again(live: LiveSite, engine: Engine) -> None:
    before = live.shown()
    expect(0.3, engine)
    assert live.shown() != before
    expect(None, engine)
    assert live.shown() == before
    assert CourseRun.objects.get().model == load_model(live.model)[0].identity


def test_the_api_says_to_what_the_figures_were_shifted(
    live: LiveSite, engine: Engine, client: Any, settings: Any
) -> None:
    from django.contrib.auth.models import User

    staff = User.objects.create_user("boss", is_superuser=True, is_staff=True)
    client.force_login(staff)
    for rate in (None, 0.3):
        expect(rate, engine)
        answer = client.get(f"/engage/api/v1/courses/{COURSE}/predictions")
        told = json.loads(answer.content)
        assert (told["expected_pass_rate"], told["calibrated"], told["model"]["name"]) == (rate, False, "test")


def test_what_was_shown_shifted_is_kept_apart_from_what_the_model_said(live: LiveSite, engine: Engine) -> None:
    model = load_model(live.model)[0].identity
    live.clock(42)
    expect(0.3, engine)
    kept = set(DailySnapshot.objects.values_list("day__day", "model"))
    assert {name for _, name in kept} == {model, f"{model}~30%"}


@pytest.mark.parametrize("why", ["calibrated", "no prior"])
def test_nothing_is_shifted_where_runs_have_calibrated_or_nothing_is_known_to_shift_from(
    live: LiveSite, engine: Engine, why: str
) -> None:
    prior: tuple[float | None, ...] = (None, None, None) if why == "no prior" else (PRIOR, 0.8, 0.05)
    other: Model = replace(small_model(), prior=prior)
    save_model(other, {"name": "test", "calibrated_on": [COURSE] if why == "calibrated" else []}, live.model)
    engine.tick()
    before = live.shown()
    expect(0.3, engine)
    assert live.shown() == before and CourseRun.objects.get().model == other.identity
