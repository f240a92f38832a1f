"""A model's folder: what was saved comes back, and what does not fit is refused with the reason."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.folder import CARD, WEIGHTS, ModelRefused, load_model, save_model
from tests.engagement.clicks import small_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(small_model(), {"name": "test", "licence": "none"}, tmp_path / "model")
    return tmp_path / "model"


def change_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


def test_a_loaded_model_predicts_what_the_saved_one_did(folder: Path) -> None:
    model, card = load_model(folder)
    hidden = np.random.default_rng(1).normal(size=(5, 12)).astype(np.float32)
    features = np.random.default_rng(2).normal(size=(5, len(FEATURES))).astype(np.float32)
    assert (model.probabilities(hidden, features) == small_model().probabilities(hidden, features)).all()
    assert (card["name"], card["licence"]) == ("test", "none")


def test_the_identity_changes_with_weights_and_with_the_card(folder: Path, tmp_path: Path) -> None:
    first = load_model(folder)[0].identity
    save_model(small_model(seed=1), {"name": "test", "licence": "none"}, tmp_path / "other")
    assert load_model(tmp_path / "other")[0].identity != first
    change_card(folder, calibration={"slope": [1, 1, 2], "intercept": [0, 0, 0]})
    assert load_model(folder)[0].identity != first
    assert first.startswith("test/")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 99}, "format 99, this version of Engage reads 1"),
        ({"features": ["something_else"]}, "other features"),
        ({"targets": ["certify"]}, "other targets"),
        ({"vocabulary": ["one"]}, "does not fit"),
        ({"lstm": {"hidden": 13, "embedding": 4, "head": 8}}, "does not fit"),
        ({"calibration": {"slope": [1.0], "intercept": [0.0]}}, "one slope and one intercept per target"),
    ],
)
def test_a_card_that_does_not_fit_the_code_is_refused_with_the_reason(
    folder: Path, changes: dict[str, Any], reason: str
) -> None:
    change_card(folder, **changes)
    with pytest.raises(ModelRefused, match=reason) as refused:
        load_model(folder)
    assert "\n" not in str(refused.value)


def test_a_missing_or_broken_file_is_named(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"not weights")
    with pytest.raises(ModelRefused, match="are damaged"):
        load_model(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelRefused, match=WEIGHTS):
        load_model(folder)
    (folder / CARD).write_text("{")
    with pytest.raises(ModelRefused, match="not JSON"):
        load_model(folder)


def test_a_card_with_the_weights_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    save_model(small_model(seed=1), {"name": "test"}, tmp_path / "other")
    (folder / WEIGHTS).write_bytes((tmp_path / "other" / WEIGHTS).read_bytes())
    with pytest.raises(ModelRefused, match="do not belong together"):
        load_model(folder)


def test_whoever_loads_while_a_model_is_saved_gets_a_whole_one(folder: Path) -> None:
    models = [small_model(seed=seed) for seed in (1, 2)]
    for model in models:
        save_model(model, {"name": "test"}, folder)
    wanted = {model.identity for model in models}
    is_over = threading.Event()

    def save() -> None:
        for _ in range(20):
            for model in models:
                save_model(model, {"name": "test"}, folder)
        is_over.set()

    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(save)
        found = {load_model(folder)[0].identity}
        while not is_over.is_set():
            found.add(load_model(folder)[0].identity)
        saving.result()
    assert found <= wanted
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, WEIGHTS])
