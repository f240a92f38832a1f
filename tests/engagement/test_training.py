"""Training through its doors: from small packages to a model folder that serves what training saw."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xgboost

from engage_backend.cli import main
from engage_backend.cli.learning import progress_shown, training_runs
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement import trees_fit
from engage_backend.engagement.counters import FEATURES, OPTIONAL, Plan
from engage_backend.engagement.dataset import Run, load_run, run_of
from engage_backend.engagement.drift import Bins
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model, save_model
from engage_backend.engagement.history import merge, to_row
from engage_backend.engagement.metrics import judge
from engage_backend.engagement.model import Model
from engage_backend.engagement.package import read_package
from engage_backend.engagement.streaming import Kept, advance, probabilities
from engage_backend.engagement.structure import micros
from engage_backend.engagement.training import Settings, SingleOutcome, predict, single_outcomes, train
from engage_backend.engagement.trees import TARGETS
from tests.engagement.packages import write_package, write_table
from tests.services import until

QUICK = Settings(rounds=12)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("training")
    return [write_package(place, f"run{number}", seed=number, count=60, clicks=2) for number in range(2)]


@pytest.fixture(scope="module")
def runs(folders: list[Path]) -> tuple[list[Run], KindTable]:
    kinds = KindTable()
    return [load_run(read_package(folder), kinds, seed=3) for folder in folders], kinds


@pytest.fixture(scope="module")
def model(runs: tuple[list[Run], KindTable]) -> Model:
    return train(*runs, seed=3, settings=QUICK)


def test_a_model_ranks_learners_of_a_run_it_never_saw(
    model: Model, runs: tuple[list[Run], KindTable], tmp_path: Path
) -> None:
    kinds = runs[1]
    unseen = load_run(read_package(write_package(tmp_path, "new", seed=9, count=80, clicks=2)), kinds, seed=3)
    said = predict(model, unseen, kinds)
    for number, target in enumerate(TARGETS):
        judged = (unseen.week == 5) & (unseen.labels[:, number] >= 0)
        figures = judge(unseen.labels[judged, number], said[judged, number], said[judged, number])
        assert figures["auc"] is not None and figures["auc"] > 0.7, (target, figures)


def test_what_training_judged_is_what_streaming_serves(
    model: Model, runs: tuple[list[Run], KindTable], folders: list[Path], tmp_path: Path
) -> None:
    """The same learners at the same clocks, once from the arrays of training, once event by event from a saved folder."""
    save_model(model, {"name": "test"}, tmp_path / "model")
    served, _ = load_model(tmp_path / "model")
    kinds, run, package = runs[1], runs[0][0], read_package(folders[0])
    events = parse_lines(package.lines())[0]
    offline = predict(model, run, kinds)
    for who in range(0, len(run.learners), 17):
        user = int(run.learners[who])
        rows = merge([], [to_row(event, kinds.numbers) for event in events if event.learner == user])
        enrolled = next(micros(learner.enrolled_at) for learner in package.learners if learner.user_id == user)
        plan, kept, fed = Plan.of(package.schedule, enrolled), Kept.start(served), 0
        for at in np.flatnonzero(run.who == who):
            while fed < run.seen[at]:
                (kept,) = advance(served, kinds, [kept], [rows[fed : fed + 1]])
                fed += 1
            online = probabilities(served, [kept], [plan], int(run.clock[at]))[0]
            assert online == pytest.approx(offline[at], abs=1e-5)


def test_the_same_seed_gives_the_same_model(model: Model, runs: tuple[list[Run], KindTable]) -> None:
    again = train(*runs, seed=3, settings=QUICK)
    kinds, run = runs[1], runs[0][1]
    assert predict(again, run, kinds) == pytest.approx(predict(model, run, kinds), abs=1e-6)
    assert np.array_equal(again.full.trees.threshold, model.full.trees.threshold)


def test_kinds_of_another_site_change_little_and_break_nothing(
    model: Model, runs: tuple[list[Run], KindTable], folders: list[Path]
) -> None:
    package, kinds = read_package(folders[1]), KindTable(runs[1].names)
    foreign = [event._replace(kind=f"edx.new.{event.kind}") for event in parse_lines(package.lines())[0]]
    run = run_of(package, foreign, kinds, seed=3)
    said = predict(model, run, kinds)
    assert np.isfinite(said).all()
    judged = run.week == 5
    assert (judge(run.labels[judged, 0], said[judged, 0], said[judged, 0])["auc"] or 0) > 0.7


def test_one_run_alone_trains_a_model(runs: tuple[list[Run], KindTable]) -> None:
    model = train(runs[0][:1], runs[1], seed=3, settings=QUICK)
    assert np.isfinite(predict(model, runs[0][1], runs[1])).all()


def test_exported_trees_say_what_xgboost_says() -> None:
    chance = np.random.default_rng(0)
    features = np.round(chance.normal(size=(3_000, 6)), 1).astype(np.float32)  # many values on a threshold
    labels = (features[:, 0] + features[:, 1] * features[:, 2] + chance.normal(size=3_000) > 0).astype(np.float64)
    ours = trees_fit.grow(features, labels, np.ones(3_000), target=1, seed=0, rounds=30, names=FEATURES[:6])
    settings = {**trees_fit.SETTINGS, "max_depth": 4, "seed": 0, "nthread": trees_fit.cores()}
    booster = xgboost.train(settings, xgboost.DMatrix(features, labels, weight=np.ones(3_000)), num_boost_round=30)
    theirs = booster.predict(xgboost.DMatrix(features), output_margin=True)
    margins = trees_fit.join([ours, ours]).margins(features)
    assert margins[:, 1] == pytest.approx(2 * theirs, abs=1e-5)
    assert (margins[:, [0, 2]] == 0).all()


def test_optional_features_are_read_where_they_pay_on_runs_unseen(runs: tuple[list[Run], KindTable]) -> None:
    dice = np.random.default_rng(5)

    def told(run: Run) -> Run:
        """The run as if how far somebody has come said who earns a certificate, and their hours said nothing."""
        features = run.features.copy()
        features[:, FEATURES.index("units")] = run.labels[:, 0] + dice.normal(scale=0.5, size=len(features))
        for name in OPTIONAL["rhythm"]:
            features[:, FEATURES.index(name)] = dice.normal(size=len(features))
        return replace(run, features=features)

    settings = replace(QUICK, optional=tuple(OPTIONAL))
    taught = train([told(run) for run in runs[0]], runs[1], seed=3, settings=settings)
    certify = taught.full.trees.target == TARGETS.index("certify")
    asked = {FEATURES[at] for at in np.unique(taught.full.trees.feature[certify]) if at >= 0}
    assert "units" in asked and not asked & set(OPTIONAL["rhythm"])


@pytest.mark.parametrize(("status", "words"), [("notpassing", "nobody earned"), ("downloadable", "everybody earned")])
def test_runs_of_a_single_outcome_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str, words: str
) -> None:
    folder = write_package(tmp_path, count=10, clicks=1)
    rows = [f"{1000 + number}\t{status}" for number in range(10)]
    write_table(folder, "2024", "certificates_generatedcertificate", "user_id\tstatus", rows)
    assert main(["train", str(folder), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert words in said and "TestX-T101-2024" in said and "certify" in said and said.count("\n") == 1
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("what", ["one learner", "nothing after week one"])
def test_what_nothing_can_be_learnt_from_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    folder = write_package(tmp_path, count=1 if what == "one learner" else 20, clicks=1)
    if what != "one learner":
        (log,) = folder.glob("*events.log.gz")
        lines = gzip.decompress(log.read_bytes()).splitlines(keepends=True)
        log.write_bytes(gzip.compress(b"".join(line for line in lines if b'"time": "2024-01-0' in line)))
    assert main(["train", str(folder), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert "TestX-T101-2024" in said and "cannot be learnt" in said and said.count("\n") == 1
    assert not (tmp_path / "model").exists()


def test_a_target_that_cannot_be_learnt_does_not_keep_the_others_from_being_learnt(
    runs: tuple[list[Run], KindTable],
) -> None:
    for label in (1, -1):  # everybody certified; nobody can be judged
        alike = [run.with_examples(run.week >= 0) for run in runs[0]]
        for run in alike:
            run.labels[:, 0] = label
        assert list(single_outcomes(alike)) == ["certify"]
        said = predict(train(alike, runs[1], seed=3, settings=QUICK, refuse=False), alike[0], runs[1])
        judged = alike[0].week == 5
        assert np.isfinite(said).all()
        assert (judge(alike[0].labels[judged, 1], said[judged, 1], None)["auc"] or 0) > 0.7


def test_without_a_terminal_progress_is_a_plain_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def lines(wanted: str) -> list[str]:
        told.extend(capsys.readouterr().err.splitlines())
        return [line for line in told if wanted in line]

    with progress_shown(every=0.005) as progress:
        first = progress.add_task("one: 3 lines read", total=None)
        assert until(lambda: lines("one: 3 lines read"))[0].startswith("one: 3 lines read (0 s)")
        progress.update(first, total=1, completed=1)
        progress.add_task("two", total=4, completed=1)
        assert until(lambda: lines("two"))[0].startswith("two, 25 % (0 s)")
    assert not lines("\x1b")
    with progress_shown() as progress:
        progress.add_task("what takes less than ten seconds", total=None)
    assert not lines("less than ten")


def test_nothing_is_learnt_from_those_who_are_left_out(folders: list[Path]) -> None:
    package = read_package(folders[0])
    gone = {learner.user_id for learner in package.learners[:5]}
    with progress_shown() as progress:
        with training_runs(folders[:1], progress, seed=3) as (everybody, _):
            learners, events = len(everybody[0].learners), len(everybody[0].kinds)
        with training_runs(folders[:1], progress, seed=3, leave_out=gone) as (kept, _):
            assert len(kept[0].learners) == learners - len(gone)
            assert len(kept[0].kinds) < events


@pytest.mark.parametrize("text", ["ann\n", None])
def test_a_list_of_whom_to_leave_out_that_is_none_is_refused(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    path = tmp_path / "left-out.txt"
    if text is not None:
        path.write_text(text)
    assert main(["train", str(folders[0]), "--leave-out", str(path), "--out", str(tmp_path / "model")]) == 1
    assert str(path) in capsys.readouterr().err


def test_nothing_to_learn_is_an_error_of_its_own(runs: tuple[list[Run], KindTable]) -> None:
    nobody = runs[0][0].with_examples(runs[0][0].week == 99)
    with pytest.raises(SingleOutcome):
        train([nobody], runs[1], seed=0, settings=QUICK)


def test_an_incomplete_package_is_refused_before_any_is_read(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = write_package(tmp_path, "broken", count=4, clicks=1)
    next(broken.glob("*auth_user-*")).unlink()
    assert main(["train", str(folders[0]), str(broken), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert "auth_user" in said and str(broken) in said and said.count("\n") == 1


def test_the_command_writes_a_folder_that_loads_and_tells_its_story(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "metrics.json"
    row = {"split": "runs", "model": "engage", "run": "a", "target": "certify", "among": "all", "week": 2}
    row |= {"auc": 0.75, "average_precision": 0.5, "brier": 0.2, "ece": 0.05, "ece_debiased": 0.04, "slope": 0.9}
    group = {"target": "certify", "attribute": "gender", "group": "women", "auc": [0.7, 0.6, 0.8]}
    metrics.write_text(json.dumps({"rows": [row], "groups": [group]}))
    words = ["train", *map(str, folders), "--out", str(tmp_path / "model"), "--name", "ours", "--seed", "5"]
    assert main([*words, "--attribution", "Somebody's data", "--evaluation", str(metrics)]) == 0
    model, card = load_model(tmp_path / "model")
    assert model.identity in capsys.readouterr().out and model.identity.startswith("ours/")
    assert card["trained_on"] == "2 course runs: TestX-T101-run0, TestX-T101-run1"
    assert (card["attribution"], card["seed"]) == ("Somebody's data", 5)
    told = card["metrics"]["weeks"]["certify"][0]
    assert (told["auc"], told["ece_debiased"], told["slope"]) == (0.75, 0.04, 0.9)
    assert card["metrics"]["groups"]["rows"] == [group]
    assert str(tmp_path) not in json.dumps(card)  # tells no one's disk
    bins = [Bins.from_text(line) for line in card["reference"]["events"] if line]
    assert bins and all(sum(one.shares) == pytest.approx(1.0) for one in bins)
    assert "days_to_end" not in card["reference"]  # the course's, and the same for everybody
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"weights.safetensors", "card.json"}
