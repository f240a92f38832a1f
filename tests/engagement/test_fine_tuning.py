"""`engage train --from`: a model moved by the site's own run knows that site better than the one it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.dataset import Run, run_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model, save_model
from engage_backend.engagement.model import Model
from engage_backend.engagement.package import read_package
from engage_backend.engagement.training import Settings, predict, train
from tests.engagement.packages import people, write_package, write_table

QUICK = Settings(rounds=12, own_rounds=12)
NEW = "edx.own.thing.happened"


def course(place: Path, name: str, *, seed: int, generous: bool, kinds: KindTable) -> Run:
    """A run; in a generous one a single task is enough, and clicks are of a kind that others do not have."""
    folder = write_package(place, name, seed=seed, count=60, clicks=2)
    if generous:
        rows = [f"{one.user_id}\t{'downloadable' if one.hands_in else 'notpassing'}" for one in people(60, seed)]
        write_table(folder, name, "certificates_generatedcertificate", "user_id\tstatus", rows)
    package = read_package(folder)
    events = parse_lines(package.lines())[0]
    if generous:
        events = [event._replace(kind=NEW) if "video" in event.kind else event for event in events]
    return run_of(package, events, kinds, seed=3)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Model, Run, KindTable]:
    """The model of other courses, the same moved by an own run, and the own run after that one."""
    place, kinds = tmp_path_factory.mktemp("courses"), KindTable()
    base = train(
        [course(place, f"old{n}", seed=n, generous=False, kinds=kinds) for n in (1, 2)], kinds, seed=3, settings=QUICK
    )
    own, next_ = (course(place, f"own{n}", seed=n, generous=True, kinds=kinds) for n in (3, 4))
    return base, train([own], kinds, seed=3, settings=QUICK, base=base), next_, kinds


def brier(model: Model, run: Run, kinds: KindTable, weeks: Sequence[int], target: int = 0) -> float:
    chosen = np.isin(run.week, weeks) & (run.labels[:, target] >= 0)
    return float(np.mean((predict(model, run, kinds)[chosen, target] - run.labels[chosen, target]) ** 2))


def test_the_own_run_makes_the_next_one_better_known(site: tuple[Model, Model, Run, KindTable]) -> None:
    base, moved, run, kinds = site
    assert brier(moved, run, kinds, (3, 4, 5, 6)) < 0.9 * brier(base, run, kinds, (3, 4, 5, 6))


def test_what_was_moved_is_saved_and_serves(site: tuple[Model, Model, Run, KindTable], tmp_path: Path) -> None:
    _, moved, run, kinds = site
    save_model(moved, {"name": "moved"}, tmp_path / "moved")
    assert predict(load_model(tmp_path / "moved")[0], run, kinds) == pytest.approx(predict(moved, run, kinds), abs=1e-6)


def test_little_of_an_own_run_moves_little(site: tuple[Model, Model, Run, KindTable]) -> None:
    """Five learners are no reason to think otherwise of everybody."""
    base, _, run, kinds = site
    few = run.with_examples(run.who < 5)
    said = predict(train([few], kinds, seed=3, settings=QUICK, base=base, refuse=False), run, kinds)
    assert np.isfinite(said).all()
    assert np.abs(said - predict(base, run, kinds))[run.week > 0].mean() < 0.15


def test_the_command_begins_from_the_base_model_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_package(tmp_path, "own", count=30, clicks=2)
    words = ["train", str(folder), "--from", "base", "--out", str(tmp_path / "model"), "--name", "ours"]
    assert main(words) == 0
    assert "ours/" in capsys.readouterr().out
    _, card = load_model(tmp_path / "model")
    assert card["begun_from"].startswith("engage-base/") and "--from base" in card["command"]
    (told,) = card["training_runs"]
    assert told["events_of_known_kinds"] > 0.9


def test_a_model_to_begin_from_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_package(tmp_path, "own", count=10, clicks=1)
    assert main(["train", str(folder), "--from", str(tmp_path / "gone"), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert "gone" in said and said.count("\n") == 1 and not (tmp_path / "model").exists()
