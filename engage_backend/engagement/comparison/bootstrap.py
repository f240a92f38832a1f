"""How sure a difference between two models is: a paired bootstrap over courses and learners.

Each replicate draws course runs with replacement and gives every person a Poisson(1) weight, the same in all runs, weeks and
models (Hanley, MacGibbon 2006): both models are always judged on the same draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.comparison.judging import AMONG, POSITIVES, Answers
from engage_backend.engagement.comparison.material import SHARES, Doubles, Flags, Material
from engage_backend.engagement.dataset import NOT_JUDGED
from engage_backend.engagement.trees import TARGETS

REPLICATES = 500
WEEKS = (4, 8, 16)  # where differences are told, beside the shares of the course
Weights = npt.NDArray[np.uint8]


def weights_of(runs: Sequence[Material], *, seed: int, replicates: int = REPLICATES) -> list[Weights]:
    """For each run, how often each learner is drawn: (replicates, L)."""
    people = np.unique(np.concatenate([run.learners for run in runs]))
    drawn = np.random.default_rng(seed).poisson(1.0, (replicates, len(people))).astype(np.uint8)
    return [drawn[:, np.searchsorted(people, run.learners)] for run in runs]


def weighted_auc(labels: Any, scores: Doubles, weights: npt.NDArray[Any]) -> Doubles:
    """ROC AUC under each row of weights (B, n), ties counting half; NaN where an outcome has no weight."""
    order = np.argsort(scores, kind="stable")
    starts = np.concatenate(([0], np.flatnonzero(np.diff(scores[order])) + 1))
    drawn = weights[:, order].astype(np.float64)
    positive = np.asarray(labels)[order] == 1
    up = np.add.reduceat(drawn * positive, starts, axis=1)
    down = np.add.reduceat(drawn * ~positive, starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    total = up.sum(axis=1) * down.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area: Doubles = (up * below).sum(axis=1) / total
    return area


def differences(
    runs: Sequence[Material],
    answers: Answers,
    ours: str,
    *,
    seed: int,
    replicates: int = REPLICATES,
    weeks: Sequence[int] = WEEKS,
) -> list[dict[str, Any]]:
    """`ours` less each other model, in mean AUC over runs, with the middle 95 % of the replicates. First seed.

    At the end of these weeks, and at shares of the course. Both are judged on the runs that have ten positives; None where
    there is no such run.
    """
    if ours not in answers:
        return []
    chance = np.random.default_rng(seed + 1)
    drawn_by_run = weights_of(runs, seed=seed, replicates=replicates)
    draws = chance.integers(0, len(runs), (replicates, len(runs)))
    times = np.stack([(draws == at).sum(axis=1) for at in range(len(runs))], axis=1)  # how often each run is drawn
    moments = [(f"week {week}", [week] * len(runs)) for week in weeks]
    moments += [(f"{share} %", [run.week_at(share) for run in runs]) for share in SHARES]
    found = []
    for number, target in enumerate(TARGETS):
        for among in AMONG[target]:
            for name, at_weeks in moments:
                chosen = [
                    (run.truths[:, number] != NOT_JUDGED) & run.among(among) & (run.week == week)
                    for run, week in zip(runs, at_weeks, strict=True)
                ]
                areas = {
                    model: [
                        _areas(run, mask, number, said, drawn)
                        for run, mask, said, drawn in zip(runs, chosen, seeds[0], drawn_by_run, strict=True)
                    ]
                    for model, seeds in answers.items()
                    if seeds
                }
                for model in areas:
                    if model != ours and (told := _difference(areas[ours], areas[model], times)):
                        found.append(
                            {"target": target, "among": among, "at": name, "model": ours, "against": model, **told}
                        )
    return found


def _areas(
    run: Material, mask: Flags, target: int, said: Doubles | None, drawn: Weights
) -> tuple[float, Doubles] | None:
    """The AUC as it is, and under each replicate; None where it is not told."""
    if said is None or np.isnan(said[mask, target]).any():
        return None
    truths = run.truths[mask, target]
    if not POSITIVES <= truths.sum() < len(truths):
        return None
    weights = np.concatenate((np.ones((1, int(mask.sum())), dtype=np.uint8), drawn[:, run.who[mask]]))
    areas = weighted_auc(truths, said[mask, target], weights)
    return float(areas[0]), areas[1:]


def _difference(
    ours: Sequence[tuple[float, Doubles] | None], theirs: Sequence[tuple[float, Doubles] | None], times: Any
) -> dict[str, Any] | None:
    both = [
        (at, mine, other)
        for at, (mine, other) in enumerate(zip(ours, theirs, strict=True))
        if mine is not None and other is not None
    ]
    if not both:
        return None
    gaps = np.stack([mine[1] - other[1] for _, mine, other in both], axis=1)
    often = times[:, [at for at, _, _ in both]] * np.isfinite(gaps)
    drawn = often.sum(axis=1) > 0
    spread = (np.nan_to_num(gaps) * often).sum(axis=1)[drawn] / often.sum(axis=1)[drawn]
    low, high = np.percentile(spread, [2.5, 97.5])
    return {
        "difference": round(float(np.mean([mine[0] - other[0] for _, mine, other in both])), 6),
        "low": round(float(low), 6),
        "high": round(float(high), 6),
        "runs": len(both),
    }
