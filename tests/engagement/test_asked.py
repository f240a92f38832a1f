"""`engage evaluate --model`: a finished model asked about course runs, one being enough, and nothing is trained."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.engagement.comparison.material import Material, load_material
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.metrics import FIGURES, judge
from engage_backend.engagement.package import read_package
from engage_backend.engagement.training import predict
from engage_backend.engagement.trees import TARGETS
from tests.engagement.packages import WEEKS, write_package


@dataclass
class Site:
    """A model, the run that it learnt from, and one that it did not."""

    model: Path
    known: Path
    new: Path
    material: Material  # of the new run
    kinds: KindTable


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    place = tmp_path_factory.mktemp("asked")
    known = write_package(place, "known", seed=1, count=60, clicks=1)
    new = write_package(place, "new", seed=2, count=60, clicks=1)
    model, kinds = place / "model", KindTable()
    assert main(["train", str(known), "--out", str(model), "--seed", "3"]) == 0
    return Site(model, known, new, load_material(read_package(new), kinds, seed=3), kinds)


@pytest.fixture(scope="module")
def report(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    words = ["evaluate", str(site.new), "--model", str(site.model), "--report", str(place), "--seed", "3"]
    assert main(words) == 0
    return place


@pytest.fixture(scope="module")
def found(report: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((report / "metrics.json").read_text())
    return read


def test_what_the_model_says_is_judged_week_by_week(site: Site, found: dict[str, Any]) -> None:
    model, run = load_model(site.model)[0], site.material
    asked = np.zeros(len(run.run.who), dtype=bool)
    asked[run.at] = True
    rows = {(r["model"], r["target"], r["week"]): r for r in found["rows"] if r["among"] == "all"}
    for name, speaks in (("engage", "full"), ("engage_portable", "portable")):
        said = predict(replace(model, certify_speaks=speaks), run.run.with_examples(asked), site.kinds)
        for week in range(1, WEEKS + 1):
            chosen = run.week == week
            expected = judge(run.truths[chosen, 0], said[chosen, 0], said[chosen, 0])
            row = rows[name, "certify", week]
            assert [row[one] for one in FIGURES] == pytest.approx([expected[one] for one in FIGURES], abs=1e-6)
    assert {row["split"] for row in found["rows"]} == {"asked"} and found["seeds"] == []


def test_single_features_stand_beside_it_as_ranks(site: Site, found: dict[str, Any]) -> None:
    run = site.material
    rows = {(r["model"], r["target"], r["among"], r["week"]): r for r in found["rows"]}
    chosen = run.week == 3
    for model, column, sign in (("event_count", 1, 1), ("points_so_far", 2, 1), ("days_since_last_event", 0, -1)):
        expected = judge(run.truths[chosen, 0], sign * run.single[chosen, column], None)
        row = rows[model, "certify", "all", 3]
        assert row["auc"] == pytest.approx(expected["auc"], abs=1e-6)
        assert row["average_precision"] == pytest.approx(expected["average_precision"], abs=1e-6)
        assert row["brier"] is None and row["ece"] is None and row["slope"] is None
    judged = chosen & (run.truths[:, 2] >= 0)  # who is long silent has left
    expected = judge(run.truths[judged, 2], run.single[judged, 0], None)
    assert rows["days_since_last_event", "leave", "all", 3]["auc"] == pytest.approx(expected["auc"], abs=1e-6)


def test_every_week_has_an_interval_against_a_count_of_events(found: dict[str, Any]) -> None:
    told = {(r["model"], r["target"], r["at"]): r for r in found["differences"] if r["among"] in ("all", "active_14d")}
    rows = {(r["model"], r["target"], r["week"]): r for r in found["rows"] if r["among"] == "all"}
    assert {r["against"] for r in found["differences"]} == {"event_count"}
    for model in ("engage", "engage_portable"):
        for week in range(1, WEEKS + 1):
            row = told[model, "certify", f"week {week}"]
            gap = rows[model, "certify", week]["auc"] - rows["event_count", "certify", week]["auc"]
            assert row["difference"] == pytest.approx(gap, abs=2e-6) and row["low"] <= row["difference"] <= row["high"]
            assert row["low"] < row["high"]


def test_the_command_and_the_tables_say_it(
    site: Site, report: Path, found: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(site.new), "--model", str(site.model), "--seed", "3"]) == 0  # no report is wanted
    told, tables = capsys.readouterr().out, (report / "tables.md").read_text()
    rows = {(r["model"], r["week"]): r for r in found["rows"] if (r["target"], r["among"]) == ("certify", "all")}
    for model in ("engage", "event_count", "points_so_far", "days_since_last_event"):
        line = " +".join(f"{rows[model, week]['auc']:.3f}" for week in range(1, WEEKS + 1))
        assert re.search(rf"{model} +{line}", told)
    for name, column in (("plain", "ece"), ("debiased", "ece_debiased")):
        line = " +".join(f"{rows['engage', week][column]:.3f}" for week in range(1, WEEKS + 1))
        assert re.search(rf"calibration error, {name} +{line}", told)
    assert "plain" in found["columns"]["ece"] and "debiased" in found["columns"]["ece_debiased"]
    assert re.search(r"certify: engage less event_count.*week 1 [+-]\.?\d", told)
    assert f"{rows['engage', 4]['auc']:.3f}" in tables and "--model model --seed 3" in tables
    assert str(site.model.parent) not in tables


def test_a_run_that_the_model_has_learnt_from_is_called_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    learnt = "a run that this model has learnt from"
    assert main(["evaluate", str(site.new), str(site.known), "--model", str(site.model)]) == 0
    told = capsys.readouterr().out
    assert f"{site.known.name} is {learnt}" in told and told.count(learnt) == 1
    moved = site.model.parent / "moved"
    assert main(["train", str(site.new), "--from", str(site.model), "--out", str(moved)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(site.known), "--model", str(moved)]) == 0  # what it began from had learnt from it
    assert learnt in capsys.readouterr().out


def test_a_target_without_figures_is_said_in_words(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_package(tmp_path, "ungraded", seed=2, count=60, clicks=1)
    structure = next(folder.glob("*course_structure*"))
    structure.write_text(structure.read_text().replace('"graded": true', '"graded": false'))
    report = tmp_path / "report"
    assert main(["evaluate", str(folder), "--model", str(site.model), "--report", str(report)]) == 0
    why = f"complete: no figure of {folder.name}: nothing is graded"
    assert why in capsys.readouterr().out and why in (report / "tables.md").read_text()
    rows = json.loads((report / "metrics.json").read_text())["rows"]
    assert {row["target"] for row in rows} == set(TARGETS) - {"complete"}


def test_what_cannot_be_asked_is_refused_in_one_line(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for words, why in (
        (["--model", str(tmp_path / "none")], "none"),
        (["--model", str(site.model), "--seeds", "3"], "--model trains nothing"),
        (["--model", str(site.model), "--models", "engage"], "--model trains nothing"),
        (["--model", str(site.model), "--report", str(tmp_path / "file")], "file"),
        ([], "--report"),
    ):
        assert main(["evaluate", str(site.new), *words]) == 1
        said = capsys.readouterr().err
        assert why in said and said.count("\n") == 1


def test_asking_a_model_of_trees_loads_no_torch(site: Site) -> None:
    words = ["evaluate", str(site.new), "--model", str(site.model)]
    code = f"import sys; from engage_backend.cli import main; assert main({words!r}) == 0; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
