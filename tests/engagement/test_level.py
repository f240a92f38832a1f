"""The engagement level: from chances of steps to a level, the cuts, and what is learned."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.counters import DAY, FEATURES, Counters, Plan
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.history import block_number, merge, to_row
from engage_backend.engagement.level import chances, expected, label, level_of, levels, ordered
from engage_backend.engagement.level_fit import READ, fit_cuts, fit_level, part_of, without_due_dates
from engage_backend.engagement.metrics import confusion, macro_f1, quadratic_kappa, weighted_f1
from engage_backend.engagement.model import Model, Part
from engage_backend.engagement.package import read_package
from engage_backend.engagement.streaming import Kept, advance, inputs
from engage_backend.platform.protocol import CourseSchedule, GradedBlock
from tests.engagement.packages import write_package


def test_levels_of_active_days() -> None:
    assert level_of(np.arange(8)).tolist() == [0, 1, 2, 3, 3, 4, 4, 4]


def test_chances_of_levels_are_differences_of_steps_and_sum_to_one() -> None:
    reaching = ordered(np.array([[0.9, 0.5, 0.6, 0.1], [0.0, 0.0, 0.0, 0.0]]))  # 0.6 > 0.5: no such thing
    assert np.allclose(chances(reaching), [[0.1, 0.4, 0.0, 0.4, 0.1], [1, 0, 0, 0, 0]])
    assert np.allclose(expected(reaching), chances(reaching) @ np.arange(5))


def test_a_label_lies_between_its_cuts() -> None:
    cuts = (0.5, 1.5, 2.5, 3.5)
    assert label(np.array([0.0, 0.49, 0.5, 1.5, 3.49, 3.5, 4.0]), cuts).tolist() == [0, 0, 1, 2, 3, 4, 4]


def test_cuts_agree_better_than_rounding_where_expectations_are_drawn_to_the_middle() -> None:
    dice = np.random.default_rng(1)
    levels = dice.integers(0, 5, 4000)
    said = np.clip(1.0 + 0.5 * levels + dice.normal(0, 0.15, 4000), 0, 4)
    cuts = fit_cuts(levels, said, np.ones(4000))
    assert list(cuts) == sorted(cuts)

    def agreement(at: tuple[float, ...]) -> float:
        table = confusion(levels, label(said, at), 5)
        return quadratic_kappa(table) + macro_f1(table)

    assert agreement(cuts) > agreement((0.5, 1.5, 2.5, 3.5)) + 0.3
    assert agreement(cuts) >= agreement((1.25, 1.75, 2.25, 2.75)) - 0.01


def test_figures_of_a_confusion_table() -> None:
    """By hand: of three classes, the last never occurs and is never said."""
    truths, said = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    table = confusion(truths, said, 3)
    assert table.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    f1 = [2 * 2 / (3 + 2), 2 * 1 / (1 + 2), 0.0]
    assert macro_f1(table) == pytest.approx(sum(f1) / 3)
    assert weighted_f1(table) == pytest.approx((3 * f1[0] + f1[1]) / 4)
    # observed 1/4 of squared distance 1; by chance (3*2 + 1*2)/16 = 8/16
    assert quadratic_kappa(table) == pytest.approx(1 - 0.25 / 0.5)


@pytest.mark.parametrize("day", [3, 20, 48])
def test_hidden_due_dates_are_those_of_a_course_that_has_none(day: int) -> None:
    def plan(*dues: int | None) -> Plan:
        graded = tuple(
            GradedBlock(f"b{number}", 0.2, None if due is None else due * DAY) for number, due in enumerate(dues)
        )
        return Plan.of(CourseSchedule("course-v1:a+b+c", "", 0, 50 * DAY, passing_grade=0.4, graded=graded))

    counters = Counters(events=3, first=1, last=2 * DAY)
    counters.handed_in = {block_number("b0"): [700_000, 1, DAY, 2 * DAY, 0, 0]}
    dated, undated = (
        np.array([counters.features(those, day * DAY)], dtype=np.float32)
        for those in (plan(7, 14, 21, 49), plan(None, None, None, None))
    )
    assert not np.array_equal(dated, undated)
    assert dict(zip(FEATURES, without_due_dates(dated)[0], strict=True)) == pytest.approx(
        dict(zip(FEATURES, undated[0], strict=True)), abs=1e-6
    )
    ungraded = np.array([counters.features(plan(), day * DAY)], dtype=np.float32)
    assert np.array_equal(without_due_dates(ungraded), ungraded)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("level")
    return [write_package(place, f"run{number}", seed=number, count=40, clicks=1) for number in range(3)]


@pytest.fixture(scope="module")
def trained(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / "model"
    assert main(["train", *map(str, folders[:2]), "--out", str(place), "--seed", "3"]) == 0
    return place


@pytest.fixture(scope="module")
def report(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    assert (
        main(["evaluate", "--level", *map(str, folders[:2]), "--report", str(place), "--seed", "3", "--seeds", "2"])
        == 0
    )
    return place


@pytest.fixture(scope="module")
def unseen(folders: list[Path]) -> Run:
    return load_run(read_package(folders[2]), KindTable(), seed=3)


def test_training_gives_the_model_a_level_that_is_asked_as_it_was_learned(trained: Path, folders: list[Path]) -> None:
    model, card = load_model(trained)
    assert card["parts"]["level"]["cuts"] == sorted(card["parts"]["level"]["cuts"])
    runs = [load_run(read_package(folder), KindTable(), seed=3) for folder in folders[:2]]
    fit = fit_level(runs, seed=3)
    assert fit is not None
    told = levels(replace_level(model, part_of(fit, runs)), runs[0].features)
    assert told is not None
    assert np.abs(told[1] - expected(fit.reaching(runs[0].features))).max() < 1e-5
    assert np.array_equal(told[0], label(told[1], fit.cuts))


def replace_level(model: Model, part: Part) -> Model:
    return Model({**model.parts, "level": part})


def test_the_level_follows_what_learners_do(trained: Path, unseen: Run) -> None:
    """Learners of a run that was not learned from: who stays is active every day, who is gone stays away."""
    model, _ = load_model(trained)
    judged = (unseen.week > 1) & (unseen.level >= 0)
    told = levels(model, unseen.features[judged])
    assert told is not None
    assert quadratic_kappa(confusion(level_of(unseen.level[judged]), told[0], 5)) > 0.5


def test_streaming_gives_the_level_that_training_saw(trained: Path, folders: list[Path], unseen: Run) -> None:
    model, _ = load_model(trained)
    package, kinds = read_package(folders[2]), KindTable()
    events = parse_lines(package.lines())[0]
    for event in events:
        kinds.number(event.kind)
    plan = Plan.of(package.schedule)
    for at in np.flatnonzero(unseen.week == 4)[:8]:
        user, clock = unseen.learners[unseen.who[at]], int(unseen.clock[at])
        rows = merge([], [to_row(one, kinds.numbers) for one in events if one.learner == user and one.time <= clock])
        one = Kept.start(model)
        for row in rows:
            (one,) = advance(model, kinds, [one], [[row]])
        streamed = levels(model, inputs([one], [plan], clock)[1])
        batch = levels(model, unseen.features[[at]])
        assert streamed is not None and batch is not None
        assert streamed[0] == batch[0]
        assert np.abs(streamed[1] - batch[1]).max() < 1e-6


def test_a_base_keeps_its_level(trained: Path, folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "own"
    assert main(["train", str(folders[2]), "--out", str(out), "--from", str(trained), "--seed", "3"]) == 0
    before, after = (load_model(place)[0].parts["level"] for place in (trained, out))
    assert before.cuts == after.cuts
    assert np.array_equal(before.trees.value, after.trees.value)


def test_runs_without_every_level_give_a_model_without_it(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = load_run(read_package(folders[0]), KindTable(), seed=3)
    silent = replace(run, level=np.minimum(run.level, 2))
    assert fit_level([silent, silent], seed=1) is None


def test_the_serving_side_loads_no_library_of_training(trained: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from engage_backend.engagement.folder import load_model; from engage_backend.engagement.level import levels\n"
        "from engage_backend.engagement.counters import FEATURES\n"
        f"model, _ = load_model(Path({str(trained)!r}))\n"
        "assert levels(model, np.zeros((1, len(FEATURES)), dtype=np.float32)) is not None\n"
        "print(sorted({'torch', 'xgboost', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_report_has_every_model_over_both_groups(report: Path, folders: list[Path]) -> None:
    found: dict[str, Any] = json.loads((report / "level.json").read_text())
    models = ["last_week", "transition_table", "ordinal_regression", "xgboost", "document_recipe"]
    models += ["engage_likeliest", "engage"]
    names = [f"TestX-T101-run{number}" for number in range(2)] + ["mean"]
    keys = {(row["model"], row["among"], row["run"]) for row in found["rows"]}
    assert keys == {(model, among, name) for model in models for among in ("enrolled", "active_14d") for name in names}
    for row in found["rows"]:
        assert all(row[name] is not None for name in ("kappa", "macro_f1", "weighted_f1", "auc"))
        assert (row["log_loss"] is None) == (row["model"] == "last_week")
        mean = [one for one in found["rows"] if (one["model"], one["among"]) == (row["model"], row["among"])]
        if row["run"] == "mean":
            assert row["kappa"] == pytest.approx(np.mean([one["kappa"] for one in mean if one is not row]), abs=2e-4)
    judged = {row["name"]: row["examples"] for row in found["runs"]}
    for row in found["confusion"]:
        total = sum(map(sum, row["table"]))
        assert (total == sum(judged.values())) if row["among"] == "enrolled" else (total <= sum(judged.values()))
    assert {row["feature"] for row in found["importance"] if "feature" in row} == {FEATURES[at] for at in READ}
    assert sum(row["gain"] for row in found["importance"] if "feature" in row) == pytest.approx(1, abs=0.01)
    assert len(found["aims"]) == 6
    assert found["this_week"]["auc"] > 0.9


def test_the_pages_say_what_level_json_says(report: Path) -> None:
    found: dict[str, Any] = json.loads((report / "level.json").read_text())
    html, text = (report / "level.html").read_text(), (report / "level.md").read_text()
    ours = next(r for r in found["rows"] if (r["model"], r["among"], r["run"]) == ("engage", "enrolled", "mean"))
    for page in (html, text):
        for name in ("kappa", "macro_f1", "weighted_f1", "auc", "log_loss"):
            assert f"{ours[name]:.3f}" in page
        reached = sum(aim["reached"] for aim in found["aims"])
        assert page.count("not reached") >= 6 - reached
    assert "engage evaluate --level TestX-T101-run0 TestX-T101-run1" in text
    assert "<script" not in html and "http" not in html.replace("http-equiv", "")


def test_one_package_is_refused(folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--level", str(folders[0]), "--report", str(tmp_path)]) == 1
    assert "at least two packages" in capsys.readouterr().err
