"""A model's folder: what was saved comes back, and what does not fit is refused with the reason."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.folder import CARD, MAX_BYTES, WEIGHTS, ModelRefused, load_model, save_model
from engage_backend.engagement.model import Model
from tests.engagement.clicks import leveled_model, small_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(small_model(), {"name": "test", "licence": "none"}, tmp_path / "model")
    return tmp_path / "model"


def change_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


def test_a_loaded_model_predicts_what_the_saved_one_did(folder: Path) -> None:
    model, card = load_model(folder)
    nothing = np.zeros((5, 0), dtype=np.float32)
    features = np.random.default_rng(2).normal(size=(5, len(FEATURES))).astype(np.float32)
    assert (model.probabilities(nothing, features) == small_model().probabilities(nothing, features)).all()
    assert (card["name"], card["licence"]) == ("test", "none")


def test_the_identity_changes_with_weights_and_with_the_card(folder: Path, tmp_path: Path) -> None:
    first = load_model(folder)[0].identity
    save_model(small_model(seed=1), {"name": "test", "licence": "none"}, tmp_path / "other")
    assert load_model(tmp_path / "other")[0].identity != first
    change_card(folder, licence="another")
    assert load_model(folder)[0].identity != first
    assert first.startswith("test/")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 99}, "format 99, this version of Engage reads 2"),
        ({"features": ["something_else"]}, "reads a feature 'something_else'"),
        ({"features": [*FEATURES, "events"]}, "is there twice"),
        ({"targets": ["certify"]}, "other targets"),
        ({"counters": 99}, "version 99 of the counters"),
        ({"parts": {}}, "no part `full`"),
        ({"prior": {"certify": 7, "complete": None, "leave": None}}, "between 0 and 1"),
        ({"name": "a\nb"}, "no plain text"),
        ({"self_test": {"features": [], "probabilities": {}}}, "no examples"),
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


def rewrite(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Change the card and the tensors of a folder, so that they fit each other again."""
    card, tensors = json.loads((folder / CARD).read_text()), dict(load((folder / WEIGHTS).read_bytes()))
    change(card, tensors)
    weights = save(tensors)
    card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    (folder / WEIGHTS).write_bytes(weights)
    (folder / CARD).write_text(json.dumps(card))


def put(name: str, value: Any, at: Any = (0, 0)) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return lambda card, tensors: tensors[name].__setitem__(at, value)


def deep(card: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Trees of twenty questions, one after the other."""
    count, nodes = len(tensors["full.target"]), 41
    place = np.arange(nodes)
    asks = (place < 40) & (place % 2 == 0)
    for name, row in (
        ("feature", np.where(asks, 3, -1)),
        ("left", np.where(asks, place + 1, 0)),
        ("right", np.where(asks, place + 2, 0)),
    ):
        tensors[f"full.{name}"] = np.tile(row, (count, 1)).astype(np.int32)
    for name in ("threshold", "value"):
        tensors[f"full.{name}"] = np.zeros((count, nodes), dtype=np.float32)


def many(card: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name, array in tensors.items():
        tensors[name] = np.repeat(array, 1_000, axis=0)


def calibrated(**changes: Any) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return lambda card, tensors: card["parts"]["full"].update(changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("full.value", np.nan, (0, 1)), "value holds what is no number"),
        (put("full.threshold", np.inf), "threshold holds what is no number"),
        (put("full.left", 0), "left leads back"),
        (put("full.right", -1), "right leads back"),
        (put("full.right", 99), "right leads back, or out of its tree"),
        (put("full.feature", len(FEATURES)), "none of the"),
        (put("full.feature", -2), "none of the"),
        (put("full.target", 3, 0), "none of the 3 outputs"),
        (put("full.target", -1, 0), "none of the 3 outputs"),
        (put("full.value", 1.0, (0, 1)), "answers its self-test"),
        (put("full.value", 3e38, (0, 1)), "answers its self-test"),
        (deep, "depth 20"),
        (many, "60,000 trees"),
        (lambda card, tensors: tensors.pop("full.value"), "value is missing"),
        (lambda card, tensors: tensors.update({"full.left": tensors["full.left"][:-1]}), "left has shape"),
        (lambda card, tensors: tensors.update({"full.left": tensors["full.left"].ravel()}), "left has shape"),
        (lambda card, tensors: tensors.update({"full.value": tensors["full.value"].astype(float)}), "value is float64"),
        (lambda card, tensors: tensors.update({"odd.value": tensors["full.value"]}), "unknown part 'odd'"),
        (lambda card, tensors: card["parts"].update(odd={}), "unknown part 'odd'"),
        (lambda card, tensors: card["parts"].update(portable=card["parts"]["full"]), "portable has other outputs"),
        (lambda card, tensors: card["self_test"]["probabilities"]["full"][0].reverse(), "answers its self-test"),
        (lambda card, tensors: card.pop("self_test"), "self_test"),
        (calibrated(slope=[1.0]), r"slope of full has shape \(1,\)"),
        (calibrated(slope=[1.0, 1.0, float("nan")]), "slope of full holds what is no number"),
        (calibrated(intercept=[0, 0, 10**400]), "does not fit"),
        (calibrated(intercept="none"), "does not fit"),
    ],
)
def test_values_that_cannot_be_served_are_refused_in_one_line(
    folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], object], reason: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(ModelRefused, match=reason) as refused:
        load_model(folder)
    assert "\n" not in str(refused.value) and str(folder) in str(refused.value)


def test_a_file_that_is_no_model_by_its_size_is_not_read(folder: Path) -> None:
    with (folder / WEIGHTS).open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelRefused, match="more than 64 MB"):
        load_model(folder)


def test_a_folder_that_names_fewer_features_in_another_order_is_read(folder: Path) -> None:
    """What we count beside what a model reads makes no model unreadable."""
    features = np.random.default_rng(2).normal(size=(5, len(FEATURES))).astype(np.float32)
    nothing = np.zeros((5, 0), dtype=np.float32)
    before = load_model(folder)[0].probabilities(nothing, features)

    def fewer(card: dict[str, Any], tensors: dict[str, Any]) -> None:
        read = sorted({int(at) for at in tensors["full.feature"].ravel() if at >= 0}, reverse=True)
        place = np.full(len(FEATURES) + 1, -1)
        place[read] = np.arange(len(read))
        tensors["full.feature"] = place[tensors["full.feature"]].astype(np.int32)
        card["features"] = [FEATURES[at] for at in read]
        card["self_test"]["features"] = [[row[at] for at in read] for row in card["self_test"]["features"]]

    rewrite(folder, fewer)
    assert len(load_model(folder)[1]["features"]) < len(FEATURES)
    assert (load_model(folder)[0].probabilities(nothing, features) == before).all()


def test_every_part_comes_back_and_portable_speaks_until_a_run_was_checked(tmp_path: Path) -> None:
    full, other, level = (small_model(seed).full for seed in (0, 1, 2))
    portable = replace(other, trees=replace(other.trees, target=other.trees.target * 0, outputs=1))
    portable = replace(portable, slope=np.ones(1), intercept=np.zeros(1))
    level = replace(level, trees=replace(level.trees, outputs=4), slope=np.ones(4), intercept=np.zeros(4))
    parts = {"full": full, "portable": portable, "level": replace(level, cuts=(0.5, 1.5, 2.5, 3.5))}
    features = np.random.default_rng(2).normal(size=(5, len(FEATURES))).astype(np.float32)
    for speaks, certify in (("portable", portable), ("full", full)):
        save_model(Model(parts, certify_speaks=speaks), {"name": "test"}, tmp_path)
        model, card = load_model(tmp_path)
        assert card["certify_speaks"] == speaks
        assert set(model.parts) == {"full", "portable", "level"}
        assert model.parts["level"].cuts == (0.5, 1.5, 2.5, 3.5)
        assert (model.logits(features)[:, 0] == certify.logits(features)[:, 0]).all()
        assert (model.logits(features)[:, 1:] == full.logits(features)[:, 1:]).all()
        assert (model.contributions(features)[:, 0] == certify.trees.contributions(features)[:, 0]).all()
        assert (model.parts["level"].logits(features) == level.logits(features)).all()


@pytest.mark.parametrize("cuts", [(), (0.5, 1.5, 2.5), (0.5, 1.5, 2.5, 3.5, 3.6), (0.5, 2.5, 1.5, 3.5)])
def test_cuts_that_would_give_no_level_are_refused(cuts: tuple[float, ...], tmp_path: Path) -> None:
    model = leveled_model()
    model.parts = {**model.parts, "level": replace(model.parts["level"], cuts=cuts)}
    with pytest.raises(ModelRefused, match="cuts of level"):
        save_model(model, {"name": "test"}, tmp_path / "model")


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    model = small_model()
    model.full.slope[0] = np.nan
    with pytest.raises(ModelRefused, match="could not be read again"):
        save_model(model, {"name": "test"}, tmp_path / "model")
    assert not (tmp_path / "model").exists()
