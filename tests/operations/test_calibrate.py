"""`engage_calibrate`: finished runs of the site make the model's figures true, and the page stops warning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model, save_model
from engage_backend.engagement.history import Row
from engage_backend.engagement.live import histories
from engage_backend.engagement.live.registry import register_kinds
from engage_backend.engagement.model import Model, Part
from engage_backend.engagement.trees import Trees
from engage_backend.models import CourseRun, DailySnapshot, HistoryChunk, Learner
from engage_backend.platform.moments import to_microseconds
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


def by_silence(*, outputs: int, recent: float) -> Part:
    """For every output: log-odds of `recent` for those who clicked in the last week, else the opposite."""
    node, leaf = np.full((outputs, 1), FEATURES.index("days_silent")), np.zeros((outputs, 1))
    ints = {"feature": np.hstack([node, leaf - 1, leaf - 1]), "left": np.hstack([leaf + 1, leaf, leaf])}
    ints |= {"right": np.hstack([leaf + 2, leaf, leaf]), "target": np.arange(outputs)}
    floats = {"threshold": np.hstack([leaf + 7, leaf, leaf]), "value": np.hstack([leaf, leaf + recent, leaf - recent])}
    arrays = {name: array.astype(np.int32) for name, array in ints.items()}
    arrays |= {name: array.astype(np.float32) for name, array in floats.items()}
    return Part(Trees(**arrays, depth=1, outputs=outputs), np.ones(outputs), np.zeros(outputs))


def two_sets(live: LiveSite, *, full: float, portable: float) -> Model:
    """The site's model, with two sets of trees for `certify` that read the same silence."""
    parts = {"full": by_silence(outputs=3, recent=full), "portable": by_silence(outputs=1, recent=portable)}
    save_model(Model(parts), {"name": "test"}, live.model)
    return load_model(live.model)[0]


def clicked() -> None:
    """Histories of the finished run: all clicked in week 1, and in week 4 those who went on to certify."""
    people = Learner.objects.filter(course_run__course_key=LAST_YEARS)
    number = register_kinds(KindTable(), {"play_video": people[0].pk}, today=STARTED.date())["play_video"]
    for learner in people:
        days = (3, 27) if learner.finished_at else (3,)
        rows = [Row(to_microseconds(STARTED + timedelta(days=day)), number, 0, 0, -1.0, -1.0, -1) for day in days]
        histories.write({learner.pk: (histories.Tail(0, rows), 0)})


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


@pytest.mark.parametrize(
    ("full", "portable", "speaks", "aucs"),
    [(1.0, -0.2, "full", ("1.000", "0.000")), (-1.0, 0.2, "portable", ("0.000", "1.000"))],
)
def test_the_set_of_trees_that_ranks_no_worse_on_finished_runs_speaks_and_is_calibrated(
    live: LiveSite, tmp_path: Path, settings: Any, full: float, portable: float, speaks: str, aucs: tuple[str, str]
) -> None:
    before = two_sets(live, full=full, portable=portable)
    assert before.speaker("certify") == "portable"
    finished_run(before.identity, shown=500, of_ten=4)
    clicked()
    said = calibrate(tmp_path / "calibrated")
    after, card = load_model(tmp_path / "calibrated")
    assert after.speaker("certify") == card["certify_speaks"] == speaks
    assert f"{aucs[0]} for `full`, {aucs[1]} for `portable`" in said and card["certify_why"] in said
    changed = {name for name, part in after.parts.items() if part.intercept[0] != before.parts[name].intercept[0]}
    assert changed == {speaks}
    assert card["calibrated_on"] == [LAST_YEARS]
    told = StringIO()
    settings.ENGAGE = {**settings.ENGAGE, "MODEL": str(tmp_path / "calibrated")}
    call_command("engage_status", stdout=told)
    assert f"certify: `{speaks}` speaks" in told.getvalue()


def test_without_histories_the_portable_trees_go_on_speaking_and_are_calibrated(live: LiveSite, tmp_path: Path) -> None:
    before = two_sets(live, full=1.0, portable=-0.2)
    finished_run(before.identity, shown=800, of_ten=4)
    assert not HistoryChunk.objects.exists()
    said = calibrate(tmp_path / "calibrated")
    after, _ = load_model(tmp_path / "calibrated")
    assert after.speaker("certify") == "portable" and "too few histories" in said
    assert after.parts["portable"].intercept[0] < 0 == after.full.intercept[0]


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
