"""The published comparison through the command: rows, resuming, the page, and what a bad package does to it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.cli.evaluate import as_json
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.comparison import ours
from engage_backend.engagement.comparison.family import Family, Task
from engage_backend.engagement.comparison.judging import AMONG, POOLED, PORTABLE
from engage_backend.engagement.comparison.material import SINGLE, Material, load_material, material_of
from engage_backend.engagement.comparison.splits import Fold
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.evaluation import FAMILIES, MODELS, OURS, Evaluation, TooFewRuns, evaluate, mean_by_week
from engage_backend.engagement.metrics import FIGURES, judge
from engage_backend.engagement.package import read_package
from engage_backend.engagement.report import html_report
from engage_backend.engagement.training import Settings
from engage_backend.engagement.trees import TARGETS
from tests.engagement.packages import WEEKS, write_package

QUICK = ("days_since_last_event", "event_count", "points_so_far", "gradient_boosting")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("evaluation")
    return [write_package(place, f"run{number}", seed=number, count=50, clicks=1) for number in range(2)]


@pytest.fixture(scope="module")
def runs(folders: list[Path]) -> tuple[list[Material], KindTable]:
    kinds = KindTable()
    return [load_material(read_package(folder), kinds, seed=3) for folder in folders], kinds


@pytest.fixture(scope="module")
def report(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything, through the command."""
    place = tmp_path_factory.mktemp("report")
    assert main(["evaluate", *map(str, folders), "--report", str(place), "--seed", "3"]) == 0
    return place


@pytest.fixture(scope="module")
def found(report: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((report / "metrics.json").read_text())
    return read


def test_every_model_run_target_group_and_week_has_one_row(found: dict[str, Any]) -> None:
    assert found["models"] == list(MODELS) and len(MODELS) == 12
    assert all(0.5 < run["known_kinds"] <= 1 for run in found["runs"])  # by the kinds of the other run
    columns = {"split", "model", "run", "target", "among", "week", "learners", "positives", *FIGURES}
    assert all(set(row) == columns for row in found["rows"])
    keys = [(r["split"], r["model"], r["run"], r["target"], r["among"], r["week"]) for r in found["rows"]]
    assert len(set(keys)) == len(keys)
    for model in MODELS:
        for run in ("TestX-T101-run0", "TestX-T101-run1", POOLED):
            for target in TARGETS:
                for among in AMONG[target]:
                    weeks = {w for s, m, r, t, a, w in keys if (s, m, r, t, a) == ("runs", model, run, target, among)}
                    last = WEEKS - 2 if target == "leave" else WEEKS  # nobody is said to leave in the last 14 days
                    assert weeks == set(range(1, last + 1)) or (
                        among == "undecided" and weeks < set(range(1, WEEKS + 1))
                    )


def test_all_models_are_judged_on_the_same_learners(found: dict[str, Any]) -> None:
    counts: dict[Any, set[Any]] = {}
    for row in found["rows"]:
        key = (row["split"], row["run"], row["target"], row["among"], row["week"])
        counts.setdefault(key, set()).add((row["learners"], row["positives"]))
    assert all(len(different) == 1 for different in counts.values())


def test_a_baseline_ranks_by_its_one_feature(found: dict[str, Any], runs: tuple[list[Material], KindTable]) -> None:
    run = runs[0][0]
    chosen = run.week == 4
    for column, model in enumerate(("days_since_last_event", "event_count", "points_so_far")):
        assert SINGLE[column] in ("days_silent", "events", "points_earned")
        score = run.single[chosen, column] * (-1 if column == 0 else 1)
        expected = judge(run.truths[chosen, 0], score, None)["auc"]
        (row,) = [
            r for r in found["rows"]
            if (r["split"], r["model"], r["run"], r["target"], r["week"]) == ("runs", model, run.name, "certify", 4)
        ]  # fmt: skip
        assert row["auc"] == pytest.approx(expected, abs=1e-6) and 0 <= row["ece_debiased"] <= 1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_run_is_predicted_without_its_own_outcomes(family: Family, runs: tuple[list[Material], KindTable]) -> None:
    """Turn the outcomes of the judged run round: what is said about it stays, bit for bit."""
    (first, second), kinds = runs
    turned = replace(
        first,
        truths=(1 - first.truths).astype(np.int8),
        certified=~first.certified,
        run=replace(first.run, labels=(1 - first.run.labels).astype(np.int8)),
    )
    said, again = (family.say(Task(Fold("runs", "", [second], [run]), kinds, 3, (0, 1, 2))) for run in (first, turned))
    for row in family.rows:
        assert np.isfinite(said.rows[row][0]).all() and np.array_equal(said.rows[row][0], again.rows[row][0])
        assert (
            said.rows[row][0].shape == (len(first.at), 3)
            and 0 <= said.rows[row][0].min() < said.rows[row][0].max() <= 1
        )


def test_our_two_rows_are_the_two_sets_of_trees_for_certify(runs: tuple[list[Material], KindTable]) -> None:
    (first, second), kinds = runs
    said = ours.say(Task(Fold("runs", "", [second], [first]), kinds, 3, (0, 1, 2)), Settings(rounds=8)).rows
    full, portable = said[OURS][0], said[PORTABLE][0]
    assert not np.array_equal(full[:, 0], portable[:, 0]) and np.array_equal(full[:, 1:], portable[:, 1:])


def test_only_who_came_in_the_first_week_is_judged_and_learnt_from(folders: list[Path]) -> None:
    package = read_package(folders[0])
    events = parse_lines(package.lines())[0]
    late = {event.learner for event in events[:40]}
    kept = [e for e in events if e.learner not in late or e.time > package.schedule.start + WEEK]
    material = material_of(package, kept, KindTable(), seed=3)
    assert not late & set(material.learners[material.who].tolist())
    assert late & set(material.learners.tolist()) and len(material.at) > 0


def test_kept_answers_are_used_again_and_others_are_not(runs: tuple[list[Material], KindTable], tmp_path: Path) -> None:
    def judged(seed: int = 3, of: list[Material] = runs[0]) -> Evaluation:
        return evaluate(of, runs[1], seeds=[seed], cache=tmp_path, models=QUICK, wanted=["runs"])

    first = judged()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 4  # two families, two folds
    assert asdict(judged()) == asdict(first)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    judged(seed=4)
    assert len(list(tmp_path.iterdir())) == 8
    other = replace(runs[0][0], features=runs[0][0].features + 1.0)
    judged(of=[other, runs[0][1]])
    assert len(list(tmp_path.iterdir())) == 10  # of the family that reads the twelve features
    damaged = next(iter(kept))
    damaged.write_bytes(b"half an answer")
    assert asdict(judged()) == asdict(first)


def test_an_answer_holds_no_identities(report: Path, runs: tuple[list[Material], KindTable]) -> None:
    for path in (report / "answers").iterdir():
        with np.load(path, allow_pickle=False) as kept:
            for name in kept.files:
                assert name == "why" or (kept[name].dtype == np.float64 and np.nanmax(kept[name], initial=0) <= 1)


def test_several_seeds_tell_their_spread(runs: tuple[list[Material], KindTable], tmp_path: Path) -> None:
    judged = evaluate(runs[0], runs[1], seeds=[1, 2, 3], cache=tmp_path, models=("gradient_boosting",), wanted=["runs"])
    (mean,) = [r for r in judged.means if (r["target"], r["among"], r["at"]) == ("certify", "all", "50 %")]
    assert len(mean["auc_by_seed"]) == 3 and mean["auc_spread"] > 0
    assert judged.models == ("gradient_boosting",) and {row["model"] for row in judged.rows} == {"gradient_boosting"}


class Reader(HTMLParser):
    """What a page refers to outside itself, its figures, and their names."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.lines, self.ids, self.named = 0, [], []  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.outside += [str(value) for name, value in attrs if name in ("src", "href")]
        self.lines += tag == "polyline"
        self.ids += [found["id"]] if "id" in found else []
        self.named += str(found.get("aria-labelledby", "")).split()
        assert tag not in ("script", "link", "img", "iframe")
        assert tag != "svg" or found.get("role") == "img" or found.get("aria-hidden") == "true"


def test_the_page_stands_alone_and_says_what_metrics_json_says(report: Path, found: dict[str, Any]) -> None:
    page = (report / "index.html").read_text()
    reader = Reader()
    reader.feed(page)
    assert reader.outside == [] and "url(" not in page and "@import" not in page
    assert len(set(reader.ids)) == len(reader.ids) and set(reader.named) <= set(reader.ids)
    assert reader.lines >= 2 * 12 * len(TARGETS)
    for model in MODELS:
        mean = mean_by_week(found["rows"], model, "certify", "auc")[4][0]
        row = re.search(rf"<th scope='row'>{model}</th>(.*?)</tr>", page[page.index("id='certify'") :])
        assert row and f"{mean:.3f}" in row[1]
    assert "all packages are runs of one course" in page  # why one of the splits is not there


def test_the_command_says_the_figures_too(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", *map(str, folders), "--report", str(tmp_path), "--models", *QUICK, "--splits", "runs"]
    assert main(words) == 0
    rows = json.loads((tmp_path / "metrics.json").read_text())["rows"]
    mean = mean_by_week(rows, "event_count", "certify", "auc")[4][0]
    assert re.search(rf"event_count\b.*{mean:.3f}", capsys.readouterr().out)


def test_what_the_command_cannot_do_is_refused_in_one_line(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = ["--report", str(tmp_path / "report")]
    for words, why in (
        ([str(folders[0])], "at least two packages"),
        ([str(folders[0]), str(folders[0])], "there twice"),
        ([*map(str, folders), "--models", "oracle"], "no model called oracle"),
        ([*map(str, folders), "--seeds", "0"], "--seeds"),
    ):
        assert main(["evaluate", *words, *report]) == 1
        said = capsys.readouterr().err
        assert why in said and said.count("\n") == 1


def test_self_paced_runs_are_left_out_and_named(runs: tuple[list[Material], KindTable], tmp_path: Path) -> None:
    paced = replace(runs[0][0], name="OWN-PACE", self_paced=True)
    judged = evaluate([*runs[0], paced], runs[1], seeds=[3], cache=tmp_path, models=QUICK, wanted=["runs"])
    assert {row["run"] for row in judged.rows} == {*(run.name for run in runs[0]), POOLED}
    assert "OWN-PACE" in html_report(judged) and "OWN-PACE" in as_json(judged)
    with pytest.raises(TooFewRuns, match="OWN-PACE"):
        evaluate([runs[0][0], paced], runs[1], seeds=[3], cache=tmp_path, models=QUICK)


def test_the_card_of_a_model_takes_figures_and_groups_from_the_report(
    folders: list[Path], report: Path, found: dict[str, Any], tmp_path: Path
) -> None:
    assert main(["train", *map(str, folders), "--out", str(tmp_path), "--evaluation", str(report)]) == 0
    card = json.loads((tmp_path / "card.json").read_text())
    weeks = {row["week"]: row for row in card["metrics"]["weeks"]["certify"]}
    for week, (auc, _) in mean_by_week(found["rows"], OURS, "certify", "auc").items():
        assert weeks[week]["auc"] == pytest.approx(auc, abs=1e-4)
    assert card["metrics"]["groups"]["rows"] == found["groups"]
