"""From logits to probabilities that hold: logistic regression with few inputs, fitted on runs the logits never saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SLOPE_DOUBT, SHIFT_DOUBT = 2, 8  # in runs: so many must speak for half of what they say to be believed
_STEPS = 50
_AS_IT_IS = 1e9  # a ridge that leaves a slope where it is
_FLAT = 0.05  # a slope below it would turn ranks into noise


class Stack(NamedTuple):
    """logit = trees * (what the trees say) + lstm * (what the LSTM adds) + intercept. Slopes are never negative."""

    trees: float
    lstm: float
    intercept: float


def fit_stack(
    trees: Doubles, lstm: Doubles | None, labels: Doubles, weights: Doubles, *, unit: Integers, runs: int
) -> Stack:
    """How far to trust each part, on examples that neither was fitted on; all arrays (n,), at the natural balance.

    `unit` says which run each example is of, or which half of the learners of a single one.

    The examples of one run err together: what few runs say of the next one is little, however many learners they had.
    So the answer goes only part of the way from the trees as they are to what the examples say; a shorter one for the
    intercept, since one run's pass rate lies above the others' and the next one's below, while trees are too sure of
    themselves in every new run. An LSTM that does not pay on held-out runs gets a slope of 0, as one that was not tried
    (None); trees whose order does not hold are taken as they are.
    """
    before = np.array([1.0, 1.0])
    one, intercept = logistic(trees[:, None], labels, weights, towards=before[:1])
    slopes = np.array([one[0], 0.0])
    if lstm is not None and _pays(trees, lstm, labels, weights, unit):
        both, shift = logistic(np.stack((trees, lstm), axis=1), labels, weights, towards=before)
        slopes, intercept = (both, shift) if both[1] >= 0 else (slopes, intercept)
    if slopes[0] < _FLAT:
        return Stack(1.0, 0.0, 0.0)
    sure, shift = runs / (runs + SLOPE_DOUBT), runs / (runs + SHIFT_DOUBT)
    return Stack(1.0 + sure * float(slopes[0] - 1.0), sure * float(slopes[1]), shift * float(intercept))


def _pays(trees: Doubles, lstm: Doubles, labels: Doubles, weights: Doubles, unit: Integers) -> bool:
    """Whether the LSTM beside the trees pays, see `pays`: with slopes from the other units."""
    told = [trees.copy(), trees.copy()]
    for one in np.unique(unit):
        held = unit == one
        if held.all():
            return False
        for said, inputs in zip(told, (trees[:, None], np.stack((trees, lstm), axis=1)), strict=True):
            ones = np.ones(inputs.shape[1])
            slopes, _ = logistic(inputs[~held], labels[~held], weights[~held], towards=ones)
            said[held] = inputs[held] @ slopes
    return pays(told[0], told[1], labels, weights, unit)


def pays(before: Doubles, after: Doubles, labels: Doubles, weights: Doubles, unit: Integers) -> bool:
    """Whether the logits `after` (n,) tell the learners of one unit apart better than those `before`.

    Both are of units that they were not fitted on. It pays where the log loss falls, on average over units, by more than the
    standard error of that average: the examples of one unit err together, so that they are one observation. The intercept is
    the unit's own, since what is asked is who differs from whom.
    """
    gains = []
    for one in np.unique(unit):
        held = unit == one
        if not 0 < labels[held].sum() < held.sum():
            continue
        losses = []
        for said in (before[held], after[held]):
            _, intercept = logistic(said[:, None], labels[held], weights[held], towards=np.ones(1), ridge=_AS_IT_IS)
            z = said + intercept
            losses.append(np.average(np.logaddexp(0.0, z) - labels[held] * z, weights=weights[held]))
        gains.append(losses[0] - losses[1])
    return len(gains) > 1 and float(np.mean(gains)) > float(np.std(gains, ddof=1)) / len(gains) ** 0.5


def logistic(
    inputs: Doubles, labels: Doubles, weights: Doubles, *, towards: Doubles | None = None, ridge: float = 1.0
) -> tuple[Doubles, float]:
    """Slopes (d,) and intercept of a logistic regression by Newton's method; inputs (n, d), labels 0 or 1 (n,).

    `ridge` pulls the slopes to `towards` (0 by default), as strongly as so many examples would.
    """
    aim = np.append(np.zeros(inputs.shape[1]) if towards is None else towards, 0.0)
    pull = np.append(np.full(inputs.shape[1], ridge), 1e-6)
    x = np.column_stack((inputs, np.ones(len(inputs))))

    def loss(at: Doubles) -> float:
        z = x @ at
        return float(np.sum(weights * (np.logaddexp(0.0, z) - labels * z)) + 0.5 * np.sum(pull * (at - aim) ** 2))

    at, now = aim.copy(), loss(aim)
    for _ in range(_STEPS):
        p = sigmoid(x @ at)
        gradient = x.T @ (weights * (p - labels)) + pull * (at - aim)
        curvature = (x * (weights * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        # A full step can go too far where nearly all probabilities are 0 or 1.
        while (then := loss(at - step)) > now and np.abs(step).max() > 1e-9:
            step = step / 2
        at, now = at - step, min(then, now)
        if np.abs(step).max() <= 1e-9:
            break
    return at[:-1], float(at[-1])


def sigmoid(logits: Doubles) -> Doubles:
    """Log-odds as probabilities."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
