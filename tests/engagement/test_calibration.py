"""Calibration on made-up logits whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from engage_backend.engagement.calibration import fit_stack, logistic, sigmoid

MANY = 10**9  # runs: what they say is believed wholly


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
    stack = fit_stack(3.0 * truth, np.zeros_like(truth), labels, np.ones_like(truth), runs=MANY)
    assert stack.trees == pytest.approx(1 / 3, abs=0.03)
    said = sigmoid(stack.trees * 3.0 * truth + stack.intercept)
    assert said.mean() == pytest.approx(labels.mean(), abs=0.002)


def test_an_lstm_that_says_the_contrary_is_not_listened_to() -> None:
    truth = np.random.default_rng(3).normal(size=5_000)
    stack = fit_stack(
        truth, -truth + np.random.default_rng(4).normal(size=5_000), outcomes(2 * truth), np.ones(5_000), runs=MANY
    )
    assert stack.lstm >= 0.0
    contrary = fit_stack(
        truth, np.random.default_rng(5).normal(size=5_000) - 2 * truth, outcomes(truth), np.ones(5_000), runs=MANY
    )
    assert contrary.lstm >= 0.0


def test_ranks_are_never_turned_round() -> None:
    truth = np.random.default_rng(6).normal(size=5_000)
    stack = fit_stack(truth, np.zeros_like(truth), outcomes(-2 * truth), np.ones_like(truth), runs=MANY)
    assert stack.trees > 0


def test_labels_that_are_perfectly_told_do_not_blow_up() -> None:
    truth = np.linspace(-4, 4, 400)
    stack = fit_stack(truth, np.zeros_like(truth), (truth > 0).astype(float), np.ones_like(truth), runs=MANY)
    assert np.isfinite(stack).all()


def test_few_runs_are_believed_a_little_and_many_runs_wholly() -> None:
    truth = np.random.default_rng(7).normal(size=5_000)
    labels = outcomes(truth - 1.0)
    whole, two = (fit_stack(3.0 * truth, truth, labels, np.ones_like(truth), runs=runs) for runs in (MANY, 2))
    assert two.trees == pytest.approx(1 + (whole.trees - 1) / 2, abs=1e-3)
    assert two.lstm == pytest.approx(whole.lstm / 2, abs=1e-3)
    assert two.intercept == pytest.approx(whole.intercept / 5, abs=1e-3)
