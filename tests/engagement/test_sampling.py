"""The publication's sample, and that its prior is undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage_backend.engagement.calibration import logistic, sigmoid
from engage_backend.engagement.comparison.material import Material, load_material
from engage_backend.engagement.comparison.sampling import not_too_long, under_sampled, with_prior
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import read_package
from tests.engagement.packages import write_package


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = write_package(tmp_path_factory.mktemp("sampling"), count=40, clicks=1)
    return load_material(read_package(folder), KindTable(), seed=1)


def everyone(runs: list[Material]) -> list[np.ndarray]:
    return [np.ones(len(run.learners), dtype=bool) for run in runs]


@pytest.mark.parametrize("passed", [5, 35])
def test_two_certified_for_each_who_is_not_whoever_there_are_more_of(one: Material, passed: int) -> None:
    runs = [replace(one, certified=np.arange(40) < passed), replace(one, certified=np.arange(40) >= 40 - passed)]
    chosen = under_sampled(runs, everyone(runs), seed=4)
    certified = sum(int(run.certified[mask].sum()) for run, mask in zip(runs, chosen, strict=True))
    others = sum(int((~run.certified[mask]).sum()) for run, mask in zip(runs, chosen, strict=True))
    assert certified == 2 * others and others in (5, 10)
    again = under_sampled(runs, everyone(runs), seed=4)
    assert all(np.array_equal(first, second) for first, second in zip(chosen, again, strict=True))


def test_a_sort_of_learner_that_is_missing_leaves_all_the_others(one: Material) -> None:
    nobody = replace(one, certified=np.zeros(40, dtype=bool))
    assert under_sampled([nobody], everyone([nobody]), seed=1)[0].all()
    assert not_too_long([nobody])[0].all()


def test_sequences_far_longer_than_those_of_the_certified_are_left_out(one: Material) -> None:
    events = np.full(40, 100)
    events[:10] = np.arange(90, 110, 2)  # the certified: quartiles 94.5 and 103.5, so the limit is 117
    events[[20, 21]] = 117, 118
    run = replace(one, events=events, certified=np.arange(40) < 10)
    allowed = not_too_long([run])[0]
    assert allowed[20] and not allowed[21] and allowed.sum() == 39


def test_undoing_the_prior_gives_back_what_learning_from_all_would_have_given() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(size=(60_000, 1))
    y = (chance.random(60_000) < sigmoid(2 * x[:, 0] - 2.5)).astype(np.float64)
    kept = (y == 1) | (chance.random(60_000) < 0.05)
    slopes, intercept = logistic(x[kept], y[kept], np.ones(int(kept.sum())))
    said = with_prior(sigmoid(x @ slopes + intercept), sampled=float(y[kept].mean()), natural=float(y.mean()))
    assert said.mean() == pytest.approx(y.mean(), abs=0.01)
    assert said == pytest.approx(sigmoid(2 * x[:, 0] - 2.5), abs=0.04)
    assert sigmoid(x @ slopes + intercept).mean() > 2 * y.mean()  # without, far from it


def test_a_prior_of_one_outcome_changes_nothing() -> None:
    said = np.array([0.1, 0.9])
    for sampled, natural in ((1.0, 0.5), (0.5, 0.0), (float("nan"), 0.5)):
        assert np.array_equal(with_prior(said, sampled=sampled, natural=natural), said)
