"""Calibration on made-up logits whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from engage_backend.engagement.calibration import Stack, fit_stack, logistic, sigmoid

MANY = 10**9  # runs: what they say is believed wholly


def units(count: int, of: int = 5) -> np.ndarray:
    """Examples dealt to so many runs in turn."""
    return np.arange(count) % of


def stack_of(trees: np.ndarray, lstm: np.ndarray, labels: np.ndarray, *, runs: int = MANY) -> Stack:
    """The stack of examples that weigh the same, of five runs."""
    return fit_stack(trees, lstm, labels, np.ones_like(trees), unit=units(len(trees)), runs=runs)


def outcomes(logits: np.ndarray, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(logits)) < sigmoid(logits)).astype(float)


def test_logistic_regression_finds_what_made_the_labels() -> None:
    inputs = np.random.default_rng(1).normal(size=(40_000, 2))
    labels = outcomes(inputs @ np.array([1.5, -0.7]) + 0.4)
    slopes, intercept = logistic(inputs, labels, np.ones(len(labels)))
    assert slopes == pytest.approx([1.5, -0.7], abs=0.06)
    assert intercept == pytest.approx(0.4, abs=0.05)


def test_overconfident_trees_are_brought_down_and_the_balance_is_met() -> None:
    truth = np.random.default_rng(2).normal(size=20_000)
    labels = outcomes(truth - 1.0)
    stack = stack_of(3.0 * truth, np.zeros_like(truth), labels)
    assert stack.trees == pytest.approx(1 / 3, abs=0.03)
    said = sigmoid(stack.trees * 3.0 * truth + stack.intercept)
    assert said.mean() == pytest.approx(labels.mean(), abs=0.002)


def test_an_lstm_that_says_the_contrary_is_not_listened_to() -> None:
    truth = np.random.default_rng(3).normal(size=5_000)
    stack = stack_of(truth, -truth + np.random.default_rng(4).normal(size=5_000), outcomes(2 * truth))
    assert stack.lstm >= 0.0
    contrary = stack_of(truth, np.random.default_rng(5).normal(size=5_000) - 2 * truth, outcomes(truth))
    assert contrary.lstm >= 0.0


def test_an_lstm_that_helps_in_every_run_is_heard() -> None:
    trees, adds = np.random.default_rng(8).normal(size=(2, 5_000))
    stack = stack_of(trees, adds, outcomes(trees + adds))
    assert stack.lstm == pytest.approx(1.0, abs=0.1)


def test_an_lstm_that_knows_one_run_by_heart_is_not_heard() -> None:
    trees, adds = np.random.default_rng(9).normal(size=(2, 5_000))
    labels = outcomes(trees + (units(5_000) == 0) * 3.0 * adds)
    assert logistic(np.stack((trees, adds), axis=1), labels, np.ones(5_000))[0][1] > 0.2
    assert stack_of(trees, adds, labels).lstm == 0.0


def test_a_run_whose_learners_all_ended_alike_does_not_speak() -> None:
    trees, adds = np.random.default_rng(10).normal(size=(2, 5_000))
    labels = outcomes(trees + adds)
    labels[units(5_000) == 0] = 1.0
    stack = stack_of(trees, adds, labels)
    assert np.isfinite(stack).all()
    assert stack.lstm > 0.5


def test_ranks_are_never_turned_round() -> None:
    truth = np.random.default_rng(6).normal(size=5_000)
    stack = stack_of(truth, np.zeros_like(truth), outcomes(-2 * truth))
    assert stack.trees > 0


def test_labels_that_are_perfectly_told_do_not_blow_up() -> None:
    truth = np.linspace(-4, 4, 400)
    stack = stack_of(truth, np.zeros_like(truth), (truth > 0).astype(float))
    assert np.isfinite(stack).all()


def test_few_runs_are_believed_a_little_and_many_runs_wholly() -> None:
    truth = np.random.default_rng(7).normal(size=5_000)
    labels = outcomes(truth - 1.0)
    whole, two = (stack_of(3.0 * truth, truth, labels, runs=runs) for runs in (MANY, 2))
    assert two.trees == pytest.approx(1 + (whole.trees - 1) / 2, abs=1e-3)
    assert two.lstm == pytest.approx(whole.lstm / 2, abs=1e-3)
    assert two.intercept == pytest.approx(whole.intercept / 5, abs=1e-3)
