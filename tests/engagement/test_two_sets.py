"""Two sets of trees for `certify`: what each reads, and that neither turns against common sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import load_run
from engage_backend.engagement.encoder import Floats, KindTable
from engage_backend.engagement.model import Model
from engage_backend.engagement.package import read_package
from engage_backend.engagement.training import Settings, train
from engage_backend.engagement.trees_fit import FALLING, PORTABLE, RISING
from tests.engagement.packages import write_package


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    place, kinds = tmp_path_factory.mktemp("sets"), KindTable()
    folders = [write_package(place, f"run{number}", seed=number, count=60, clicks=2) for number in range(2)]
    runs = [load_run(read_package(folder), kinds, seed=3) for folder in folders]
    # Half of all labels turned round: chance, that trees without constraints follow.
    dice = np.random.default_rng(1)
    turned = [
        np.where((dice.random(run.labels.shape) < 0.3) & (run.labels >= 0), 1 - run.labels, run.labels) for run in runs
    ]
    return train(
        [replace(run, labels=labels) for run, labels in zip(runs, turned, strict=True)],
        kinds,
        seed=3,
        settings=Settings(rounds=40),
    )


def learners(count: int = 400) -> Floats:
    """Made-up learners, over the range that trees ask about."""
    return np.random.default_rng(2).uniform(-1, 30, size=(count, len(FEATURES))).astype(np.float32)


@pytest.mark.parametrize("speaks", ["full", "portable"])
def test_more_activity_and_points_never_lower_certify_nor_does_more_silence_raise_it(model: Model, speaks: str) -> None:
    asked = replace(model, certify_speaks=speaks)
    before, moved = asked.logits(learners()), 0
    for names, way in ((RISING, 1), (FALLING, -1)):
        for name in names:
            more = learners()
            more[:, FEATURES.index(name)] += np.random.default_rng(3).uniform(0, 20, len(more)).astype(np.float32)
            step = way * (asked.logits(more)[:, 0] - before[:, 0])
            assert (step >= -1e-9).all(), name
            moved += int((step > 1e-9).any())
    assert moved >= 4  # features that the trees do ask about


def test_the_portable_set_knows_nothing_of_due_dates_counts_and_the_length_of_the_course(model: Model) -> None:
    portable = replace(model, certify_speaks="portable")
    other = learners()
    unread = [at for at, name in enumerate(FEATURES) if name not in PORTABLE]
    other[:, unread] = np.random.default_rng(4).uniform(-1, 500, size=(len(other), len(unread)))
    assert np.array_equal(portable.logits(other)[:, 0], portable.logits(learners())[:, 0])
    words = ("due", "lead", "missed", "events", "incorrect", "attempts", "start", "blocks")
    assert not [name for name in PORTABLE if any(word in name for word in words)]


def test_the_other_targets_are_the_same_whichever_set_speaks(model: Model) -> None:
    full, portable = (replace(model, certify_speaks=speaks).logits(learners()) for speaks in ("full", "portable"))
    assert np.array_equal(full[:, 1:], portable[:, 1:]) and not np.array_equal(full[:, 0], portable[:, 0])
