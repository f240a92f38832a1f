"""A trained model is one folder: `weights.safetensors` and `card.json`. Loading never unpickles.

Nothing of it is taken on trust: shapes, ranges and finiteness are checked, and the model has to answer the examples that its
card holds as it did where it was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engage_backend.engagement.calibration import sigmoid
from engage_backend.engagement.counters import COUNTERS, FEATURES
from engage_backend.engagement.encoder import CARRIED, Floats
from engage_backend.engagement.model import PARTS, Model, Part
from engage_backend.engagement.trees import TARGETS, TREE_FIELDS, Trees

WEIGHTS, CARD = "weights.safetensors", "card.json"
FORMAT = 2
MAX_BYTES = 64_000_000  # of either file: a hundred times what ours have
MAX_WIDTH = 1024  # of a layer of the LSTM
EXAMPLES = 12  # of the self-test
TOLERANCE = 1e-5  # of a probability, in the self-test
# What saving writes into a card, and loading needs; the rest tells a reader something.
_OURS = {
    *("format", "weights_sha256", "counters", "features", "targets", "parts", "lstm", "vocabulary", "prior"),
    *("certify_speaks", "self_test"),
}

Arrays = dict[str, npt.NDArray[Any]]


class ModelRefused(Exception):
    """The folder holds no model that this version of the code can use; the message says why, in one line."""


def save_model(model: Model, card: dict[str, Any], folder: Path) -> None:
    """Write the folder. `card` adds what a reader should know (name, licence, training runs, metrics) to what loading needs.

    Whoever loads meanwhile gets the old model or the new one: the card, which is put in place last, names its weights.
    Raises ModelRefused, and writes nothing, where the model could not be read again.
    """
    tensors = {f"{name}.{one}": getattr(part.trees, one) for name, part in model.parts.items() for one in TREE_FIELDS}
    full = {name: value for name, value in card.items() if name not in _OURS} | {
        "format": FORMAT,
        "counters": COUNTERS,
        "targets": list(TARGETS),
        "features": list(FEATURES),
        "parts": {name: _told(name, part) for name, part in model.parts.items()},
        "certify_speaks": model.speaker("certify"),
        "prior": dict(zip(TARGETS, model.prior, strict=True)),
    }
    if model.lstm is not None:
        tensors |= {f"lstm.{name}": value for name, value in model.lstm.to_arrays().items()}
        full["lstm"] = {**model.lstm.shape, "heard": model.lstm.heard}
        full["vocabulary"] = sorted(model.vocabulary, key=lambda kind: model.vocabulary[kind])
    weights = save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    full["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    examples = _examples(model)
    answers = {name: said.round(8).tolist() for name, said in _answers(model, examples).items()}
    full["self_test"] = {"features": examples.tolist(), "probabilities": answers}
    try:
        text = json.dumps(full, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        _model_of(json.loads(text), weights)
    except ValueError as problem:
        raise ModelRefused(f"{folder}: what was to be written could not be read again: {problem}") from problem
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((WEIGHTS, weights), (CARD, text.encode())):
        _replace(folder / name, data)
    model.identity = _identity(full, weights)


def _told(name: str, part: Part) -> dict[str, Any]:
    """What the card says of a part."""
    told = {"outputs": list(PARTS[name]), "slope": part.slope.tolist(), "intercept": part.intercept.tolist()}
    return told | ({"cuts": list(part.cuts)} if part.cuts else {})


def _examples(model: Model) -> Floats:
    """Return made-up learners, (EXAMPLES, F): each feature lies at a threshold that a tree of the model asks for."""
    dice = np.random.default_rng(0)
    found = np.zeros((EXAMPLES, len(FEATURES)), dtype=np.float32)
    for feature in range(len(FEATURES)):
        asked = [part.trees.threshold[part.trees.feature == feature] for part in model.parts.values()]
        found[:, feature] = dice.choice(np.unique(np.concatenate([[np.float32(0)], *asked])), size=EXAMPLES)
    return found


def _answers(model: Model, examples: Floats) -> dict[str, npt.NDArray[np.float64]]:
    """Return what each part says of the examples, and the LSTM after made-up clicks: none, one, two, ..."""
    beside: npt.NDArray[np.float64] | float = 0.0
    if model.lstm is not None:
        tokens = [np.arange(count) % (len(model.vocabulary) + 1) for count in range(len(examples))]
        carried = [np.full((count, CARRIED), 0.5, dtype=np.float32) for count in range(len(examples))]
        start = np.zeros((len(examples), 2, model.hidden), dtype=np.float32)
        beside = model.lstm.share(model.lstm.run(start, tokens, carried)[:, 0], examples)
    return {
        name: sigmoid(part.logits(examples, beside if name == "full" else 0.0)) for name, part in model.parts.items()
    }


def _replace(path: Path, data: bytes) -> None:
    """Put a whole file in the place of another one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _read(folder: Path) -> tuple[Any, bytes]:
    """Return the card, as JSON says it, and the weights that it was written for. Raises OSError, ValueError.

    Both files are replaced one after the other: where they do not fit each other, that is waited for, two seconds at most.
    """
    for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, None):
        card = json.loads(_bytes(folder / CARD))
        weights = _bytes(folder / WEIGHTS)
        digest = card.get("weights_sha256") if isinstance(card, dict) else None
        if digest in (None, hashlib.sha256(weights).hexdigest()):
            break
        if pause is None:
            raise ModelRefused(
                f"{folder}: {CARD} and {WEIGHTS} do not belong together, or are damaged: copy or train it again"
            )
        time.sleep(pause)
    return card, weights


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ModelRefused(f"{path} has more than {MAX_BYTES / 1e6:.0f} MB: no model of Engage is that large")
    return data


def load_model(folder: Path) -> tuple[Model, dict[str, Any]]:
    """The model of a folder, and its card. ModelRefused with the reason when it is missing, broken or of another version."""
    try:
        card, weights = _read(folder)
    except OSError as missing:
        raise ModelRefused(f"{missing.filename}: {missing.strerror}") from missing
    except (ValueError, RecursionError) as broken:
        raise ModelRefused(f"{folder / CARD} is not JSON: {broken}") from broken
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        form = card.get("format") if isinstance(card, dict) else None
        raise ModelRefused(f"{folder} has format {form!r:.20}, this version of Engage reads {FORMAT}: train it again")
    try:
        return _model_of(card, weights), card
    except ModelRefused as refused:
        raise ModelRefused(f"{folder}: {refused}") from refused
    except (ArithmeticError, AttributeError, KeyError, RuntimeError, SafetensorError, TypeError, ValueError) as unfit:
        reason = " ".join(str(unfit).split())[:300]
        told = reason if isinstance(unfit, ValueError) else f"{type(unfit).__name__} {reason}"
        raise ModelRefused(f"{folder} does not fit this version of Engage: {told}") from unfit


def _model_of(card: Mapping[str, Any], weights: bytes) -> Model:
    """Build the model, checked. Raises ValueError with the reason, and what reading odd JSON may raise."""
    if card["counters"] != COUNTERS:
        raise ValueError(f"it counts by version {card['counters']!r:.20} of the counters, and not {COUNTERS}")
    if card["targets"] != list(TARGETS):
        raise ValueError(f"it has other targets than {', '.join(TARGETS)}")
    places = _places(card["features"])
    tensors: dict[str, Arrays] = {}
    for name, array in load(weights).items():
        owner, _, field = name.partition(".")
        tensors.setdefault(owner, {})[field] = array
    if not str(card.get("name", "")).isprintable():
        raise ValueError("its name is no plain text")
    if unknown := sorted({*tensors, *card["parts"]} - {*PARTS, "lstm"}):
        raise ValueError(f"it has an unknown part {unknown[0]!r:.40}")
    if "full" not in card["parts"]:
        raise ValueError("it has no part `full`")
    parts = {name: _part(name, told, tensors.get(name, {}), places) for name, told in card["parts"].items()}
    model = Model(parts, identity=_identity(card, weights), calibrated=bool(card.get("calibrated_on")))
    calibrated = "full" if model.calibrated else "portable"
    model.certify_speaks = card.get("certify_speaks", calibrated)
    if model.certify_speaks not in ("full", "portable"):
        raise ValueError("certify_speaks is neither full nor portable")
    model.prior = tuple(None if (share := card["prior"][one]) is None else float(share) for one in TARGETS)
    if not all(share is None or 0 <= share <= 1 for share in model.prior):
        raise ValueError("prior is not between 0 and 1")
    if "lstm" in card:
        _add_lstm(model, card["lstm"], card["vocabulary"], tensors.get("lstm", {}))
    _check_answers(model, card["self_test"], places)
    return model


def _places(names: list[str]) -> npt.NDArray[np.int32]:
    """Return where each feature that the folder names stands among today's."""
    if not names or len(set(names)) < len(names):
        raise ValueError("its features are none, or one is there twice")
    for name in names:
        if name not in FEATURES:
            raise ValueError(f"it reads a feature {name!r:.40}, which this version does not count")
    return np.array([FEATURES.index(name) for name in names], dtype=np.int32)


def _part(name: str, told: Mapping[str, Any], arrays: Arrays, places: npt.NDArray[np.int32]) -> Part:
    outputs = PARTS[name]
    if told["outputs"] != list(outputs):
        raise ValueError(f"{name} has other outputs than {', '.join(outputs)}")
    slope, intercept = (_numbers(told[one], (len(outputs),), f"{one} of {name}") for one in ("slope", "intercept"))
    cuts = told.get("cuts", [])
    try:
        trees = Trees.checked(arrays, outputs=len(outputs), features=len(places))
    except ValueError as problem:
        raise ValueError(f"trees of {name}: {problem}") from problem
    feature = np.where(trees.feature < 0, trees.feature, places[trees.feature])
    wanted = len(outputs) if name == "level" else 0
    cuts = _numbers(cuts, (wanted,), f"cuts of {name}").tolist()
    if cuts != sorted(cuts):
        raise ValueError(f"cuts of {name} do not ascend")
    return Part(replace(trees, feature=feature), slope, intercept, tuple(cuts))


def _numbers(told: Any, shape: tuple[int, ...], name: str) -> npt.NDArray[np.float64]:
    """Return an array of the wanted shape, of finite numbers."""
    found = np.array(told, dtype=np.float64)
    if found.shape != shape:
        raise ValueError(f"{name} has shape {found.shape}, {shape} is wanted")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds what is no number")
    return found


def _add_lstm(model: Model, told: Mapping[str, Any], vocabulary: list[str], arrays: Arrays) -> None:
    """Give the model its LSTM. Raises ModelRefused where torch is missing."""
    shape = {name: told[name] for name in ("hidden", "embedding", "head")}
    if not all(type(width) is int and 0 < width <= MAX_WIDTH for width in shape.values()):
        raise ValueError(f"the layers of the LSTM are not between 1 and {MAX_WIDTH} wide")
    if not all(isinstance(kind, str) for kind in vocabulary) or len(set(vocabulary)) < len(vocabulary):
        raise ValueError("vocabulary is not a list of kinds, each there once")
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"lstm.{name} holds what is no number of 32 bits")
    try:
        from engage_backend.engagement.lstm import Lstm
    except ModuleNotFoundError as missing:
        says = f"it has an LSTM, and {missing.name} is not installed here: pip install 'openedx-engage[lstm]'"
        raise ModelRefused(says) from missing
    model.lstm = Lstm.from_arrays(len(vocabulary) + 1, shape, arrays)
    model.vocabulary = {kind: token for token, kind in enumerate(vocabulary, start=1)}


def _check_answers(model: Model, told: Mapping[str, Any], places: npt.NDArray[np.int32]) -> None:
    """Raise ValueError where the model does not answer its own examples as it did when it was written."""
    rows = told["features"]
    if not 0 < len(rows) <= 1000:
        raise ValueError("its self-test has no examples")
    examples = np.zeros((len(rows), len(FEATURES)), dtype=np.float32)
    examples[:, places] = _numbers(rows, (len(rows), len(places)), "features of the self-test")
    for name, said in _answers(model, examples).items():
        wanted = _numbers(told["probabilities"][name], said.shape, f"probabilities of {name} in the self-test")
        off = float(np.abs(said - wanted).max())
        if not off <= TOLERANCE:  # NaN is none of both
            raise ValueError(f"{name} answers its self-test {off:.2g} off: copy or train it again")


def _identity(card: Mapping[str, Any], weights: bytes) -> str:
    digest = hashlib.sha256(weights + json.dumps(card, sort_keys=True).encode()).hexdigest()[:12]
    return f"{str(card.get('name', 'model'))[:40]}/{digest}"
