"""Leave one run out, through the command: rows, report, refusals."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.evaluation import BASELINES, evaluate, mean_by_week
from engage_backend.engagement.lstm_fit import LstmSettings
from engage_backend.engagement.metrics import judge
from engage_backend.engagement.package import read_package
from engage_backend.engagement.training import Settings
from engage_backend.engagement.trees import TARGETS
from tests.engagement.packages import WEEKS, write_package

QUICK = Settings(lstm=LstmSettings(epochs=1, batch=16), rounds=8, min_kind_count=20)
COLUMNS = {"model", "run", "target", "week", "learners", "positives", "auc", "average_precision", "brier", "ece"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("evaluation")
    return [write_package(place, f"run{number}", seed=number, count=40, clicks=1) for number in range(2)]


@pytest.fixture(scope="module")
def runs(folders: list[Path]) -> tuple[list[Run], KindTable]:
    kinds = KindTable()
    return [load_run(read_package(folder), kinds, seed=3) for folder in folders], kinds


@pytest.fixture(scope="module")
def rows(runs: tuple[list[Run], KindTable]) -> list[dict[str, Any]]:
    return evaluate(*runs, seed=3, settings=QUICK)


def test_every_model_run_target_and_week_has_one_row(rows: list[dict[str, Any]]) -> None:
    assert all(set(row) == COLUMNS for row in rows)
    keys = [(row["model"], row["run"], row["target"], row["week"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for model in ("engage", "days_since_last_event", "event_count", "points_so_far"):
        for run in ("TestX-T101-run0", "TestX-T101-run1"):
            weeks = {
                target: {week for m, r, t, week in keys if (m, r, t) == (model, run, target)} for target in TARGETS
            }
            assert weeks["certify"] == weeks["complete"] == set(range(1, WEEKS + 1))
            assert weeks["leave"] == set(range(1, WEEKS - 1))  # not in the last 14 days


def test_all_models_are_judged_on_the_same_learners(rows: list[dict[str, Any]]) -> None:
    counts: dict[Any, set[Any]] = {}
    for row in rows:
        counts.setdefault((row["run"], row["target"], row["week"]), set()).add((row["learners"], row["positives"]))
    assert all(len(different) == 1 for different in counts.values())


def test_a_baseline_is_its_one_feature(rows: list[dict[str, Any]], runs: tuple[list[Run], KindTable]) -> None:
    run = runs[0][0]
    chosen = (run.week == 4) & run.early[run.who] & (run.labels[:, 0] >= 0)
    for model, (feature, signs) in BASELINES.items():
        score = signs[0] * run.features[chosen, FEATURES.index(feature)]
        expected = judge(run.labels[chosen, 0], score, score)["auc"]
        (row,) = [r for r in rows if (r["model"], r["run"], r["target"], r["week"]) == (model, run.name, "certify", 4)]
        assert row["auc"] == pytest.approx(expected, abs=1e-6)
        assert 0 <= row["ece"] <= 1


def test_only_who_came_in_the_first_week_is_judged(runs: tuple[list[Run], KindTable]) -> None:
    late = [run.__class__(**{name: getattr(run, name) for name in run.__slots__}) for run in runs[0]]
    late[0].early[:5] = False
    try:
        judged = evaluate(late, runs[1], seed=3, settings=QUICK)
        assert {row["learners"] for row in judged if row["run"] == late[0].name and row["target"] == "certify"} == {35}
    finally:
        late[0].early[:5] = True


def test_a_run_is_predicted_without_its_own_outcomes(
    rows: list[dict[str, Any]], runs: tuple[list[Run], KindTable]
) -> None:
    """Turn the outcomes of one run round: what is said about it stays, so that good ranks become bad ones."""
    first, second = runs[0]
    turned = first.with_examples(np.ones(len(first.who), dtype=bool))
    turned.labels[:, 0] = 1 - turned.labels[:, 0]
    judged = evaluate([turned, second], runs[1], seed=3, settings=QUICK)
    said = mean_by_week([row for row in rows if row["run"] == first.name], "engage", "certify", "auc")
    contrary = mean_by_week([row for row in judged if row["run"] == first.name], "engage", "certify", "auc")
    assert said[6][0] > 0.7
    for week, (auc, _) in said.items():
        assert contrary[week][0] == pytest.approx(1 - auc, abs=1e-6)


def test_means_are_over_runs_that_have_a_figure() -> None:
    rows = [
        {"model": "engage", "target": "leave", "week": 3, "auc": auc, "run": run}
        for run, auc in (("a", 0.5), ("b", None), ("c", 0.9))
    ]
    assert mean_by_week(rows, "engage", "leave", "auc") == {3: (0.7, 2)}


class Reader(HTMLParser):
    """What a page refers to outside itself, and its figures."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.lines = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [str(value) for name, value in attrs if name in ("src", "href")]
        self.lines += tag == "polyline"


def test_the_command_writes_metrics_and_a_page_that_stands_alone(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *map(str, folders), "--report", str(tmp_path / "report")]) == 0
    rows = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert {row["model"] for row in rows} == {"engage", *BASELINES} and all(set(row) == COLUMNS for row in rows)
    page = (tmp_path / "report" / "index.html").read_text()
    reader = Reader()
    reader.feed(page)
    assert reader.outside == [] and reader.lines == 4 * len(TARGETS)
    mean = mean_by_week(rows, "engage", "certify", "auc")[4][0]
    assert f"{mean:.3f}" in page
    said = capsys.readouterr().out
    assert re.search(rf"engage\b.*{mean:.3f}", said) and "points_so_far" in said


def test_one_package_is_not_enough(folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folders[0]), "--report", str(tmp_path)]) == 1
    assert "at least two packages" in capsys.readouterr().err
    assert main(["evaluate", str(folders[0]), str(folders[0]), "--report", str(tmp_path)]) == 1
    assert "there twice" in capsys.readouterr().err
