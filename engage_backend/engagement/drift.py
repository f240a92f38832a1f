"""Drift of a model's inputs: how far a course's learners lie from those that a model was trained on, or from last week's.

Pure. Bins are deciles; the distance is the population stability index (PSI): sum of (p - q) ln(p / q) over the bins, of
which .1 is little and .25 is much (Siddiqi, "Credit Risk Scorecards", 2006). Features move by nature in a course, so the
card holds bins for each eighth of a course.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.trees import Trees

EIGHTHS = 8  # parts of a course
MUCH = 0.25  # PSI
LEAST_LEARNERS = 100  # below, shares of a tenth are noise: ten bins of ten learners have a PSI of .1 by chance
_FLOOR = 0.005  # share of an empty bin, so that one learner in a new bin is not an endless distance
_SHARE = FEATURES.index("share_of_course")
# Of the course and not of its learners: the same number for (nearly) everybody, so there is no population to compare.
_OF_THE_COURSE = {
    *("days_since_start", "share_of_course", "days_to_end", "points_due", "points_due_7d", "days_to_next_due"),
}

Values = npt.NDArray[np.floating[Any]]


class _HasTrees(Protocol):
    @property
    def trees(self) -> Trees: ...


class _Examples(Protocol):
    """What is read of a `dataset.Run`."""

    @property
    def features(self) -> npt.NDArray[np.float32]: ...
    @property
    def enrolled(self) -> npt.NDArray[np.bool_]: ...


@dataclass(frozen=True, slots=True)
class Bins:
    """Cuts (k,) and the share of learners in each of the k + 1 bins between them; a value at a cut lies above it."""

    cuts: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, values: Values, weights: Values | None = None) -> Bins:
        """Return bins at the deciles of the values (n,), n at least 1; equal deciles make one cut."""
        weights = np.ones(len(values)) if weights is None else weights
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) / weights.sum()
        at = np.minimum(np.searchsorted(reached, np.arange(1, 10) / 10), len(values) - 1)
        # Rounded before shares are counted, so that what is written down is what was counted. Where all are equal, one cut
        # above the value and one at it tell both ways to leave it.
        cuts = sorted({float(f"{value:.5g}") for value in values[order][at]})
        cuts = [*cuts, float(f"{cuts[-1] + max(abs(cuts[-1]) * 1e-3, 1e-3):.7g}")]
        return cls(tuple(cuts), _shares(cuts, values, weights))

    def distance(self, values: Values) -> float:
        """Return the PSI of the values (n,) from these bins; n is at least 1."""
        p = np.maximum(np.array(self.shares), _FLOOR)
        q = np.maximum(np.array(_shares(self.cuts, values, np.ones(len(values)))), _FLOOR)
        return float(((q - p) * np.log(q / p)).sum())

    def to_text(self) -> str:
        """Return the bins in one line: cuts, then shares in per mille. `from_text` reads it."""
        cuts, shares = " ".join(f"{cut:.7g}" for cut in self.cuts), " ".join(f"{1000 * one:.0f}" for one in self.shares)
        return f"{cuts}; {shares}"

    @classmethod
    def from_text(cls, text: str) -> Bins:
        """Return the bins that `to_text` wrote. Raises ValueError where it is none."""
        cuts, shares = ([float(number) for number in part.split()] for part in text.split(";"))
        if not cuts or len(shares) != len(cuts) + 1 or sorted(cuts) != cuts or min(shares) < 0 or not sum(shares):
            raise ValueError(f"{text[:40]!r} are no bins: ascending cuts, and one share more than cuts, are wanted")
        return cls(tuple(cuts), tuple(share / sum(shares) for share in shares))


def _shares(cuts: Sequence[float], values: Values, weights: Values) -> tuple[float, ...]:
    place = np.searchsorted(np.array(cuts), values, side="right")
    found = np.bincount(place, weights=weights, minlength=len(cuts) + 1)
    return tuple((found / weights.sum()).tolist())


def inputs_of(parts: Mapping[str, _HasTrees]) -> list[str]:
    """Return the features of learners that any part of a model reads, in the order of FEATURES."""
    read = {FEATURES[at] for part in parts.values() for at in np.unique(part.trees.feature).tolist() if at >= 0}
    return [name for name in FEATURES if name in read - _OF_THE_COURSE]


def eighth_of(share: float) -> int:
    """Return which eighth (0 to 7) of a course a share of it lies in."""
    return min(max(int(share * EIGHTHS), 0), EIGHTHS - 1)


def reference(parts: Mapping[str, _HasTrees], runs: Sequence[_Examples]) -> dict[str, list[str]]:
    """Return, for the card, {feature: bins of each eighth of the course}: of those enrolled, every run weighing alike.

    An eighth without LEAST_LEARNERS examples, and every one where no run has an end, is an empty text.
    """
    chosen = [run.features[run.enrolled] for run in runs]
    features = np.concatenate(chosen)
    weights = np.concatenate([np.full(len(one), 1 / max(len(one), 1)) for one in chosen])
    known = features[:, _SHARE] >= 0
    eighth = np.where(known, np.clip(features[:, _SHARE] * EIGHTHS, 0, EIGHTHS - 1).astype(int), -1)
    found: dict[str, list[str]] = {}
    for name in inputs_of(parts):
        values = features[:, FEATURES.index(name)]
        rows = [eighth == number for number in range(EIGHTHS)]
        found[name] = [
            Bins.of(values[mine], weights[mine]).to_text() if mine.sum() >= LEAST_LEARNERS else "" for mine in rows
        ]
    return found


def far_from(card: Mapping[str, Any], features: npt.NDArray[np.float32]) -> tuple[int, str]:
    """Return how many inputs of a model with this card could be compared, and which lie far: see `verdict.Night`.

    `features` (n, F) are of the learners of one course run at one moment. Nothing is compared of fewer than LEAST_LEARNERS,
    in a course without an end, or where the card has no reference that can be read.
    """
    told = card.get("reference")
    if not isinstance(told, dict) or len(features) < LEAST_LEARNERS:
        return 0, "0"
    share = float(np.median(features[:, _SHARE]))
    if share < 0:
        return 0, "0"
    compared, far = 0, 0
    for name, lines in told.items():
        try:
            bins = Bins.from_text(lines[eighth_of(share)])
            at = FEATURES.index(name)
        except (ValueError, TypeError, IndexError, AttributeError):
            continue
        compared += 1
        far |= (bins.distance(features[:, at]) >= MUCH) << at
    return compared, f"{far:x}"
