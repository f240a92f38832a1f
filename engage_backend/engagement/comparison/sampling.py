"""How the publication chose whom it learnt from, and how probabilities are set right after that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.comparison.material import Doubles, Flags, Material

CERTIFIED_FOR_EACH = 2  # certified learners for each who is not


def not_too_long(runs: Sequence[Material]) -> list[Flags]:
    """Which learners (L,) of each run to learn from: not those with more events than Q3 + 1.5 IQR of the certified."""
    lengths = [run.events[run.certified & _counts(run)] for run in runs]
    together = np.concatenate(lengths) if lengths else np.zeros(0)
    if not len(together):  # nobody certified: nothing says what is too long
        return [np.ones(len(run.learners), dtype=bool) for run in runs]
    low, high = np.percentile(together, [25, 75])
    return [run.events <= high + 1.5 * (high - low) for run in runs]


def under_sampled(runs: Sequence[Material], allowed: Sequence[Flags], *, seed: int) -> list[Flags]:
    """Which learners (L,) of each run to learn from: two certified for each who is not, of all runs together.

    Whoever there are too many of is drawn from at random. Where one sort is missing all are taken.
    """
    chance = np.random.default_rng(seed)
    mine = [mask & _counts(run) for run, mask in zip(runs, allowed, strict=True)]
    flat, certified = np.concatenate(mine), np.concatenate([run.certified for run in runs])
    passed, failed = np.flatnonzero(flat & certified), np.flatnonzero(flat & ~certified)
    if len(passed) and len(failed):
        passed = _some(passed, CERTIFIED_FOR_EACH * len(failed), chance)
        failed = _some(failed, max(len(passed) // CERTIFIED_FOR_EACH, 1), chance)
        flat = np.zeros_like(flat)
        flat[passed] = flat[failed] = True
    bounds = np.cumsum([len(run.learners) for run in runs])[:-1]
    return [part.astype(bool) for part in np.split(flat, bounds)]


def with_prior(said: Doubles, *, sampled: float, natural: float) -> Doubles:
    """Probabilities learnt where positives had the share `sampled`, as they are where that share is `natural`.

    Saerens, Latinne, Decaestecker, Neural Computation 14 (2002); Elkan, IJCAI 2001: odds times the quotient of the odds.
    Shares of 0 or 1 tell nothing and change nothing.
    """
    if not (0 < sampled < 1 and 0 < natural < 1):
        return said
    factor = natural / (1 - natural) * (1 - sampled) / sampled
    changed: Doubles = said * factor / (said * factor + (1 - said))
    return changed


def share(labels: Sequence[npt.NDArray[np.int8]]) -> float:
    """The share of positives among labels that are judged; NaN without any."""
    flat = np.concatenate(labels) if labels else np.zeros(0, dtype=np.int8)
    known = flat[flat >= 0]
    return float(known.mean()) if len(known) else float("nan")


def _some(indices: npt.NDArray[np.int64], count: int, chance: np.random.Generator) -> npt.NDArray[np.int64]:
    return indices if len(indices) <= count else chance.choice(indices, size=count, replace=False)


def _counts(run: Material) -> Flags:
    """Learners who have an example."""
    counts = np.zeros(len(run.learners), dtype=bool)
    counts[run.who] = True
    return counts
