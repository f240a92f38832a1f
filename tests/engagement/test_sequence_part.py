"""The sequence part: tried when asked for, kept where it is heard, and nothing of it where it is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engage_backend.cli import main
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.card import card_of
from engage_backend.engagement.counters import Plan
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import CARD, ModelRefused, load_model, save_model
from engage_backend.engagement.history import merge, to_row
from engage_backend.engagement.lstm_fit import grown_from
from engage_backend.engagement.model import Model
from engage_backend.engagement.package import read_package
from engage_backend.engagement.prepared import read_prepared
from engage_backend.engagement.streaming import Kept, advance, probabilities
from engage_backend.engagement.structure import micros
from engage_backend.engagement.training import LstmSettings, Settings, predict, train
from tests.engagement.clicks import listening_model
from tests.engagement.packages import write_package

QUICK = LstmSettings(epochs=8, batch=16, rate=0.02, own_rate=0.004, min_kind_count=20, own_kind_count=20)
# As Python finds it where torch is not installed.
WITHOUT_TORCH = """
import sys
class Without:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Without())
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("sequence")
    return [write_package(place, f"run{number}", seed=number, count=60, clicks=2) for number in range(2)]


@pytest.fixture(scope="module")
def runs(folders: list[Path]) -> tuple[list[Run], KindTable]:
    kinds = KindTable()
    return [load_run(read_package(folder), kinds, seed=3, sequence=True) for folder in folders], kinds


@pytest.fixture(scope="module")
def heard(runs: tuple[list[Run], KindTable]) -> Model:
    """Trees that grow once and hardly say anything leave an LSTM something to say."""
    return train(*runs, seed=3, settings=Settings(lstm=QUICK, rounds=1))


def test_an_lstm_that_is_heard_is_kept_and_serves_what_training_judged(
    heard: Model, runs: tuple[list[Run], KindTable], folders: list[Path], tmp_path: Path
) -> None:
    assert heard.lstm is not None and heard.lstm.heard
    save_model(heard, {"name": "test"}, tmp_path)
    served, card = load_model(tmp_path)
    assert card["lstm"]["heard"] == heard.lstm.heard
    kinds, run, package = runs[1], runs[0][0], read_package(folders[0])
    events, offline = parse_lines(package.lines())[0], predict(heard, run, kinds)
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


def test_an_lstm_that_no_target_hears_leaves_nothing_behind(runs: tuple[list[Run], KindTable], tmp_path: Path) -> None:
    """After no pass at all it says nothing that trees do not."""
    settings = Settings(lstm=replace(QUICK, epochs=0), rounds=12)
    tried, plain = (train(*runs, seed=3, settings=one) for one in (settings, Settings(rounds=12)))
    assert (tried.lstm, tried.vocabulary) == (None, {})
    card = card_of(tried, runs[0], name="tried", command="", seed=3, settings=settings, known=[1.0, 1.0])
    save_model(tried, card, tmp_path)
    model, card = load_model(tmp_path)
    assert not {"lstm", "vocabulary"} & set(card)
    assert "no target heard it, and the folder holds none" in card["sequence"]
    assert (model.full.trees.value == plain.full.trees.value).all() and (model.full.slope == plain.full.slope).all()


def test_the_command_says_what_became_of_the_lstm(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *map(str, folders), "--out", str(tmp_path / "tried"), "--sequence"]) == 0
    model, card = load_model(tmp_path / "tried")
    assert card["sequence"] in " ".join(capsys.readouterr().out.split()).lower().replace("an lstm", "an LSTM")
    assert "--sequence" in card["command"] and (model.lstm is not None) == ("lstm" in card)
    assert main(["train", *map(str, folders), "--out", str(tmp_path / "plain")]) == 0
    assert load_model(tmp_path / "plain")[1]["sequence"] == "no LSTM was tried"


def test_a_base_with_an_lstm_goes_on_with_it_or_without(
    heard: Model, runs: tuple[list[Run], KindTable], tmp_path: Path
) -> None:
    kinds, run = runs[1], runs[0][0]
    assert train(runs[0], kinds, seed=3, settings=Settings(own_rounds=4), base=heard).lstm is None
    # Trees that say nothing leave the LSTM something to say.
    silent = replace(heard.full, trees=heard.full.trees.scaled(np.zeros(3)), intercept=np.zeros(3))
    settings = Settings(lstm=replace(QUICK, own_rate=0.01), own_rounds=1)
    moved = train(runs[0], kinds, seed=3, settings=settings, base=replace(heard, parts={"full": silent}))
    assert moved.lstm is not None and heard.vocabulary.items() <= moved.vocabulary.items()
    save_model(moved, {"name": "moved"}, tmp_path)
    assert predict(load_model(tmp_path)[0], run, kinds) == pytest.approx(predict(moved, run, kinds), abs=1e-6)
    trees_alone = replace(heard, lstm=None, vocabulary={})
    begun = train(runs[0], kinds, seed=3, settings=Settings(lstm=QUICK, own_rounds=1), base=trees_alone)
    assert np.isfinite(predict(begun, run, kinds)).all()


def test_a_kind_that_is_new_to_a_base_begins_as_the_unknown_one(heard: Model) -> None:
    assert heard.lstm is not None
    old = heard.lstm.embed
    grown = grown_from(heard.lstm, np.array([1.0, 2.0, 0.5]), old.num_embeddings + 2, seed=0)
    assert (grown.embed.weight[: old.num_embeddings] == old.weight).all()
    assert (grown.embed.weight[old.num_embeddings :] == old.weight[0]).all()
    assert torch.allclose(grown.last.weight[1], 2 * heard.lstm.last.weight[1])


def test_what_was_prepared_without_is_refused_in_one_line(
    folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, with_it = tmp_path / "prepared", tmp_path / "with"
    assert main(["prepare", *map(str, folders), "--out", str(out)]) == 0
    assert main(["prepare", *map(str, folders), "--out", str(with_it), "--sequence"]) == 0
    assert not list(out.glob("*/carried.npy")) and len(list(with_it.glob("*/carried.npy"))) == 2
    assert all(run.carried is not None and len(run.carried) == len(run.kinds) for run in read_prepared(with_it)[0])
    capsys.readouterr()
    assert main(["train", str(out), "--out", str(tmp_path / "model"), "--sequence"]) == 1
    said = capsys.readouterr().err
    assert "engage prepare --sequence" in said and said.count("\n") == 1 and not (tmp_path / "model").exists()


def test_a_prepared_folder_made_anew_without_loses_what_it_had(folders: list[Path], tmp_path: Path) -> None:
    words = ["prepare", *map(str, folders), "--out", str(tmp_path / "out")]
    assert main([*words, "--sequence"]) == 0 and main(words) == 0
    assert all(run.carried is None for run in read_prepared(tmp_path / "out")[0])
    assert not list(tmp_path.rglob("carried.npy"))


@pytest.mark.parametrize("command", ["load", "train"])
def test_without_torch_an_lstm_says_in_one_line_what_to_install(
    command: str, folders: list[Path], tmp_path: Path
) -> None:
    save_model(listening_model(), {"name": "test"}, tmp_path / "model")
    load = "from pathlib import Path; from engage_backend.engagement.folder import load_model; load_model(Path(sys.argv[1]))"
    run = "from engage_backend.cli import main; sys.exit(main(sys.argv[2:]))"
    code = f"{WITHOUT_TORCH}\n{load if command == 'load' else run}"
    words = [str(tmp_path / "model"), "train", str(folders[0]), "--sequence", "--out", str(tmp_path / "new")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "torch is not installed here" in said and "pip install 'openedx-engage[lstm]'" in said
    assert command == "load" or len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vocabulary": ["one"]}, "size mismatch"),
        ({"vocabulary": ["one"] * 5}, "each there once"),
        ({"lstm": {"hidden": 13, "embedding": 4, "head": 8}}, "size mismatch"),
        ({"lstm": {"hidden": 10**9, "embedding": 4, "head": 8}}, "wide"),
        ({"lstm": {"hidden": True, "embedding": 4, "head": 8}}, "wide"),
        ({"lstm": {}}, "hidden"),
    ],
)
def test_an_lstm_that_does_not_fit_its_card_is_refused(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    save_model(listening_model(), {"name": "test"}, tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps(card | changes))
    with pytest.raises(ModelRefused, match=reason) as refused:
        load_model(tmp_path)
    assert "\n" not in str(refused.value)


def test_an_lstm_whose_weights_are_no_numbers_is_not_written(tmp_path: Path) -> None:
    model = listening_model()
    assert model.lstm is not None
    with torch.no_grad():
        model.lstm.embed.weight[0, 0] = float("nan")
    with pytest.raises(ModelRefused, match="could not be read again"):
        save_model(model, {"name": "test"}, tmp_path / "model")
    shutil.rmtree(tmp_path)
