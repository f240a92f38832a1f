"""Leave one run out: each run predicted by a model that was trained on the others, judged at the end of every week.

Judged are learners, not staff, enrolled by then, who were active by the end of the first week; at the natural balance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from engage_backend.engagement.calibration import Doubles, logistic, sigmoid
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import Run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.metrics import judge
from engage_backend.engagement.training import Settings, predict, train, weights_of
from engage_backend.engagement.trees import TARGETS

OURS = "engage"
# One feature each, and for each target whether more of it makes the outcome likelier (1) or less likely (-1).
BASELINES = {
    "days_since_last_event": ("days_silent", (-1, -1, 1)),
    "event_count": ("events", (1, 1, -1)),
    "points_so_far": ("points_earned", (1, 1, -1)),
}

Row = dict[str, Any]
Progress = Callable[[str], object]


class TooFewRuns(Exception):
    """Leaving one run out takes at least two."""


def evaluate(
    runs: Sequence[Run],
    kinds: KindTable,
    *,
    seed: int,
    settings: Settings | None = None,
    progress: Progress = lambda what: None,
) -> list[Row]:
    """Rows of metrics.json: {model, run, target, week, learners, positives, auc, average_precision, brier, ece}.

    Raises TooFewRuns, and SingleOutcome where the runs that remain tell nothing about a target.
    """
    if len(runs) < 2:
        raise TooFewRuns("leave one run out takes at least two packages")
    rows: list[Row] = []
    for at, run in enumerate(runs):
        others = [other for other in runs if other is not run]
        name = f"{run.name} ({at + 1} of {len(runs)})"

        def tell(what: str, name: str = name) -> None:
            progress(f"{name}: {what}")

        model = train(others, kinds, seed=seed, settings=settings, progress=tell)
        judged = run.with_examples((run.week > 0) & run.early[run.who])
        probabilities = predict(model, judged, kinds)
        rows += _rows(OURS, judged, probabilities, probabilities)
        for baseline, (feature, signs) in BASELINES.items():
            rows += _rows(baseline, judged, *_baseline(others, judged, feature, signs))
    return rows


def mean_by_week(rows: Iterable[Row], model: str, target: str, column: str) -> dict[int, tuple[float, int]]:
    """{week: (mean over runs, number of runs)} of a column, where it is known."""
    found: dict[int, list[float]] = {}
    for row in rows:
        if row["model"] == model and row["target"] == target and row[column] is not None:
            found.setdefault(row["week"], []).append(row[column])
    return {week: (float(np.mean(values)), len(values)) for week, values in sorted(found.items())}


def _rows(model: str, run: Run, scores: Doubles, probabilities: Doubles) -> list[Row]:
    rows = []
    for number, target in enumerate(TARGETS):
        for week in np.unique(run.week).tolist():
            chosen = (run.week == week) & (run.labels[:, number] >= 0)
            if chosen.any():
                labels = run.labels[chosen, number]
                figures = judge(labels, scores[chosen, number], probabilities[chosen, number])
                rounded = {
                    key: round(value, 6) if isinstance(value, float) else value for key, value in figures.items()
                }
                rows.append({"model": model, "run": run.name, "target": target, "week": week, **rounded})
    return rows


def _baseline(others: Sequence[Run], run: Run, feature: str, signs: tuple[int, ...]) -> tuple[Doubles, Doubles]:
    """One feature as a score, shape (N, 3), and as a probability by logistic regression on its logarithm."""
    column = FEATURES.index(feature)
    scores = np.stack([run.features[:, column].astype(np.float64) * sign for sign in signs], axis=1)
    probabilities = np.zeros_like(scores)
    learn = [other.with_examples(other.week > 0) for other in others]
    weights, inputs = np.concatenate(weights_of(learn)), np.concatenate([_inputs(other, column) for other in learn])
    for number in range(len(TARGETS)):
        labels = np.concatenate([other.labels[:, number] for other in learn])
        known = labels >= 0
        slopes, intercept = logistic(inputs[known], labels[known].astype(np.float64), weights[known])
        probabilities[:, number] = sigmoid(_inputs(run, column) @ slopes + intercept)
    return scores, probabilities


def _inputs(run: Run, column: int) -> Doubles:
    inputs: Doubles = np.log1p(np.maximum(run.features[:, [column]].astype(np.float64), 0.0))
    return inputs
