"""`engage_calibrate`: finished runs of the site make the model's figures true, and the page stops warning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engage_backend.engagement.folder import load_model, save_model
from engage_backend.models import CourseRun, DailySnapshot, Learner
from tests.engagement.clicks import COURSE
from tests.engagement.live.conftest import LiveSite

STARTED = datetime(2023, 1, 2, tzinfo=UTC)
LAST_YEARS = "course-v1:TestX+T101+2023"


def finished_run(model: str, *, shown: int, of_ten: int, key: str = LAST_YEARS) -> None:
    """A run that is over: 100 learners were shown `shown` per mille at week 4, and `of_ten` of ten certified."""
    run = CourseRun.objects.create(course_key=key, start=STARTED, end=STARTED + timedelta(days=100))
    people = Learner.objects.bulk_create(
        Learner(
            course_run=run,
            user_id=n,
            enrolled_at=STARTED,
            last_active=STARTED + timedelta(days=99),
            finished_at=STARTED + timedelta(days=99) if n % 10 < of_ten else None,
        )
        for n in range(1, 101)
    )
    DailySnapshot.objects.bulk_create(
        DailySnapshot(learner=one, day=(STARTED + timedelta(weeks=4)).date(), model=model, certify=shown)
        for one in people
    )


def calibrate(out: Path, *courses: str) -> str:
    said = StringIO()
    call_command("engage_calibrate", *courses, out=out, stdout=said)
    return said.getvalue()


def test_what_was_shown_too_high_comes_down_part_of_the_way(live: LiveSite, tmp_path: Path, settings: Any) -> None:
    before, _ = load_model(live.model)
    finished_run(before.identity, shown=800, of_ten=4)
    said = calibrate(tmp_path / "calibrated")
    after, card = load_model(tmp_path / "calibrated")
    assert "certify: 100 figures shown; off by 0.400 before" in said
    assert "complete: 0 figures shown; fewer than 30" in said
    assert card["calibrated_on"] == [LAST_YEARS]
    assert after.full.intercept[0] < before.full.intercept[0]
    assert (after.full.intercept[1:] == before.full.intercept[1:]).all()
    assert (after.full.slope[1:] == before.full.slope[1:]).all()
    assert after.identity in said
    assert after.identity != before.identity

    live.engine().tick()
    assert not CourseRun.objects.get(course_key=COURSE).calibrated
    settings.ENGAGE = {**settings.ENGAGE, "MODEL": str(tmp_path / "calibrated")}
    live.engine().tick()
    run = CourseRun.objects.get(course_key=COURSE)
    assert (run.model, run.calibrated) == (after.identity, True)


def test_more_runs_are_believed_more(live: LiveSite, tmp_path: Path) -> None:
    before, _ = load_model(live.model)
    finished_run(before.identity, shown=800, of_ten=4)
    calibrate(tmp_path / "one")
    for year in (2021, 2022):
        finished_run(before.identity, shown=800, of_ten=4, key=f"course-v1:TestX+T101+{year}")
    calibrate(tmp_path / "three")
    calibrate(tmp_path / "chosen", LAST_YEARS)
    one, three, chosen = (load_model(tmp_path / name)[0].full.intercept[0] for name in ("one", "three", "chosen"))
    assert three < one == chosen


def test_what_was_shifted_before_it_was_shown_is_taken_as_the_model_said_it(live: LiveSite, tmp_path: Path) -> None:
    """Shown were 60 %, of which six in ten came true: the shift did the work, and the model itself was too high."""
    model = replace(load_model(live.model)[0], prior=(0.8, 0.8, 0.1))
    save_model(model, {"name": "test"}, live.model)
    finished_run(f"{model.identity}~60%", shown=600, of_ten=6)
    calibrate(tmp_path / "calibrated")
    after, _ = load_model(tmp_path / "calibrated")
    assert after.full.intercept[0] < model.full.intercept[0] - 0.1


def test_what_another_model_showed_says_nothing_of_this_one(live: LiveSite, tmp_path: Path) -> None:
    finished_run("another/000000000000", shown=800, of_ten=4)
    with pytest.raises(CommandError, match="nothing to calibrate on yet"):
        calibrate(tmp_path / "calibrated")
    assert not (tmp_path / "calibrated").exists()


def test_a_run_that_is_unknown_or_not_over_is_named(live: LiveSite, tmp_path: Path) -> None:
    live.engine().tick()
    with pytest.raises(CommandError, match=f"no finished run known here: {COURSE}".replace("+", r"\+")):
        calibrate(tmp_path / "calibrated", COURSE)


def test_the_model_in_use_is_not_written_over(live: LiveSite) -> None:
    with pytest.raises(CommandError, match="is the model in use"):
        calibrate(live.model)


def test_a_single_outcome_calibrates_nothing_and_says_so(live: LiveSite, tmp_path: Path) -> None:
    before, _ = load_model(live.model)
    finished_run(before.identity, shown=800, of_ten=10)
    with pytest.raises(CommandError, match="nothing was calibrated, and nothing written"):
        calibrate(tmp_path / "calibrated")
    assert not (tmp_path / "calibrated").exists()
