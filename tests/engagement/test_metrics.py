"""Metrics against figures worked out by hand and, for many random cases, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from engage_backend.engagement.calibration import sigmoid
from engage_backend.engagement.metrics import FIGURES, calibration_error, judge, reliability


def test_a_pair_that_is_level_counts_half() -> None:
    row = judge([0, 1, 1], [0.5, 0.5, 0.9], [0.5, 0.5, 0.9])
    assert row["auc"] == 0.75
    assert (row["learners"], row["positives"]) == (3, 2)


def test_ranking_needs_two_outcomes_but_a_brier_score_does_not() -> None:
    row = judge([1, 1], [0.2, 0.8], [0.2, 0.8])
    assert row["auc"] is None and row["average_precision"] is None
    assert row["brier"] == pytest.approx((0.8**2 + 0.2**2) / 2)


def test_nobody_gives_no_figures() -> None:
    assert judge([], [], []) == {"learners": 0, "positives": 0, **dict.fromkeys(FIGURES)}


def test_scores_without_probabilities_are_only_ranked() -> None:
    row = judge([0, 1], [3.0, 7.0], None)
    assert row["auc"] == 1.0 and row["brier"] is None and row["ece"] is None


def test_calibration_error_is_the_gap_between_said_and_seen() -> None:
    said = [0.2] * 50 + [0.8] * 50
    seen = [1] * 20 + [0] * 30 + [1] * 40 + [0] * 10
    assert judge(seen, said, said)["ece"] == pytest.approx(0.1)  # .2 said, .4 seen; .8 said, .8 seen


def test_order_of_equal_probabilities_does_not_move_the_calibration_error() -> None:
    assert judge([1, 0] * 50, [0.5] * 100, [0.5] * 100)["ece"] == pytest.approx(0.0, abs=1e-12)
    assert judge([1] * 50 + [0] * 50, [0.5] * 100, [0.5] * 100)["ece"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_metrics_agree_with_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, 200)
    scores = np.round(np.clip(0.3 * labels + chance.normal(0.4, 0.2, 200), 0, 1), chance.integers(1, 6))
    row = judge(labels, scores, scores)
    assert row["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert row["average_precision"] == pytest.approx(average_precision_score(labels, scores))
    assert row["brier"] == pytest.approx(brier_score_loss(labels, scores))


def test_of_true_probabilities_the_error_is_the_noise_floor_and_less_without_chance() -> None:
    errors = []
    for seed in range(200):
        chance = np.random.default_rng(seed)
        said = chance.random(300)
        errors.append(calibration_error((chance.random(300) < said).astype(np.float64), said))
    plain, debiased, floor = np.mean(errors, axis=0)
    assert plain == pytest.approx(floor, rel=0.05) and plain > 0.05
    assert debiased < 0.65 * plain


def test_what_is_left_without_chance_is_the_true_gap() -> None:
    errors = []
    for seed in range(100):
        chance = np.random.default_rng(seed)
        said = chance.random(400) * 0.6
        errors.append(calibration_error((chance.random(400) < said + 0.2).astype(np.float64), said))
    _, debiased, floor = np.mean(errors, axis=0)
    assert debiased == pytest.approx(0.2, abs=0.01) and floor < 0.06


@pytest.mark.parametrize(("factor", "slope"), [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0)])
def test_a_model_that_is_too_sure_has_a_slope_below_one(factor: float, slope: float) -> None:
    chance = np.random.default_rng(3)
    logits = chance.normal(0, 1.5, 20_000)
    labels = chance.random(20_000) < sigmoid(logits)
    said = sigmoid(factor * logits)
    assert judge(labels, said, said)["slope"] == pytest.approx(slope, rel=0.05)


def test_a_reliability_diagram_holds_everyone_once() -> None:
    chance = np.random.default_rng(5)
    said = chance.random(97)
    labels = (chance.random(97) < said).astype(np.float64)
    bins = reliability(labels, said)
    assert sum(one["learners"] for one in bins) == 97 and len(bins) == 10
    assert sum(one["learners"] * one["seen"] for one in bins) == pytest.approx(labels.sum(), abs=0.01)
    assert [one["said"] for one in bins] == sorted(one["said"] for one in bins)
