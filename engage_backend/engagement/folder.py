"""A trained model is one folder: `weights.safetensors` and `card.json`. Loading never unpickles."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.model import Lstm, Model
from engage_backend.engagement.trees import TARGETS, Trees

WEIGHTS, CARD = "weights.safetensors", "card.json"
FORMAT = 1
_TREE_FIELDS = ("target", "feature", "threshold", "left", "right", "value")


class ModelRefused(Exception):
    """The folder holds no model that this version of the code can use; the message says why, in one line."""


def save_model(model: Model, card: dict[str, Any], folder: Path) -> None:
    """Write the folder. `card` adds what a reader should know (name, licence, training runs, metrics) to what loading needs.

    Whoever loads meanwhile gets the old model or the new one: the card, which is put in place last, names its weights.
    """
    tensors = {f"lstm.{name}": value.detach().contiguous() for name, value in model.lstm.state_dict().items()}
    tensors |= {f"trees.{name}": torch.from_numpy(getattr(model.trees, name)) for name in _TREE_FIELDS}
    weights = save(tensors)
    kinds = sorted(model.vocabulary, key=lambda kind: model.vocabulary[kind])
    full = {
        **card,
        "format": FORMAT,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "targets": list(TARGETS),
        "features": list(FEATURES),
        "vocabulary": kinds,
        "lstm": {
            "hidden": model.lstm.hidden,
            "embedding": model.lstm.embed.embedding_dim,
            "head": model.lstm.head[0].out_features,
        },
        "tree_depth": model.trees.depth,
        "prior": dict(zip(TARGETS, model.prior, strict=True)),
        "calibration": {"slope": model.slope.tolist(), "intercept": model.intercept.tolist()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(full, indent=1, ensure_ascii=False) + "\n"
    for name, data in ((WEIGHTS, weights), (CARD, text.encode())):
        _replace(folder / name, data)
    model.identity = _identity(full, weights)


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

    Both files are replaced one after the other: where they do not fit each other, that is waited for, half a second at most.
    """
    for pause in (0.02, 0.08, 0.4, None):
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        weights = (folder / WEIGHTS).read_bytes()
        digest = card.get("weights_sha256") if isinstance(card, dict) else None
        if digest in (None, hashlib.sha256(weights).hexdigest()):
            break
        if pause is None:
            raise ModelRefused(
                f"{folder}: {CARD} and {WEIGHTS} do not belong together, or are damaged: copy or train it again"
            )
        time.sleep(pause)
    return card, weights


def load_model(folder: Path) -> tuple[Model, dict[str, Any]]:
    """The model of a folder, and its card. ModelRefused with the reason when it is missing, broken or of another version."""
    try:
        card, weights = _read(folder)
    except OSError as missing:
        raise ModelRefused(f"{missing.filename}: {missing.strerror}") from missing
    except ValueError as broken:
        raise ModelRefused(f"{folder / CARD} is not JSON: {broken}") from broken
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        form = card.get("format") if isinstance(card, dict) else None
        raise ModelRefused(f"{folder} has format {form}, this version of Engage reads {FORMAT}: train it again")
    for field, ours in (("features", FEATURES), ("targets", TARGETS)):
        if card.get(field) != list(ours):
            raise ModelRefused(
                f"{folder} was trained on other {field} than this version of Engage computes: train it again"
            )
    try:
        tensors = load(weights)
        vocabulary = {kind: token for token, kind in enumerate(card["vocabulary"], start=1)}
        lstm = Lstm(len(vocabulary) + 1, **card["lstm"])
        lstm.load_state_dict({name[5:]: value for name, value in tensors.items() if name.startswith("lstm.")})
        trees = Trees(
            **{name: tensors[f"trees.{name}"].numpy() for name in _TREE_FIELDS}, depth=int(card["tree_depth"])
        )
        slope, intercept = (np.array(card["calibration"][part], dtype=np.float64) for part in ("slope", "intercept"))
        if slope.shape != (len(TARGETS),) or intercept.shape != (len(TARGETS),):
            raise ValueError("the calibration is not one slope and one intercept per target")
        known = card.get("prior") or {}  # a model that was trained before it was kept has none
        prior = tuple(None if (share := known.get(target)) is None else float(share) for target in TARGETS)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as unfit:
        reason = str(unfit).split("\n")[0]
        raise ModelRefused(f"{folder} does not fit this version of Engage: {type(unfit).__name__} {reason}") from unfit
    lstm.eval()
    return Model(lstm, trees, vocabulary, slope, intercept, _identity(card, weights), prior), card


def _identity(card: dict[str, Any], weights: bytes) -> str:
    digest = hashlib.sha256(weights + json.dumps(card, sort_keys=True).encode()).hexdigest()[:12]
    return f"{str(card.get('name', 'model'))[:40]}/{digest}"
