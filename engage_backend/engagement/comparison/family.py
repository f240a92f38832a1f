"""What every family of models has in common: what it is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from engage_backend.engagement.comparison.material import Doubles, Flags, Material
from engage_backend.engagement.comparison.sampling import share
from engage_backend.engagement.comparison.splits import Fold
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.training import OUTCOMES
from engage_backend.engagement.trees import TARGETS

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Task:
    """A fold to learn from and to speak about. `targets` are the indices of those that can be learnt from it."""

    fold: Fold
    kinds: KindTable
    seed: int
    targets: tuple[int, ...]
    progress: Progress = lambda what: None


@dataclass(slots=True)
class Said:
    """Probabilities of one family: by row, for each test run of the fold, shape (n, TARGETS); NaN: nothing to say."""

    rows: dict[str, list[Doubles]]
    why: dict[str, str] = field(default_factory=dict)  # by target: why it has no figure


@dataclass(frozen=True, slots=True)
class Family:
    """Rows of the comparison that are made together. `modules` are those whose change makes kept answers worthless."""

    rows: tuple[str, ...]
    say: Callable[[Task], Said]
    modules: tuple[ModuleType, ...]
    reads: str  # `single`, `features`, `events` or `run`: see Material.digest
    seeds: bool = True  # whether it is made with every seed, and not with the first alone

    @property
    def name(self) -> str:
        """What files call it."""
        return self.rows[0]


def unlearnable(train: Sequence[Material]) -> dict[str, str]:
    """The targets with a single outcome among these runs' examples, each with the reason."""
    reasons = {}
    for number, target in enumerate(TARGETS):
        positives = share([run.truths[:, number] for run in train])
        if not 0 < positives < 1:
            why = OUTCOMES[target][2 if np.isnan(positives) else 0 if not positives else 1]
            reasons[target] = f"cannot be learnt from {', '.join(run.name for run in train)}: {why}"
    return reasons


def silence(task: Task, rows: Sequence[str]) -> dict[str, list[Doubles]]:
    """Arrays for a family's answer in which nothing is said yet."""
    return {row: [np.full((len(run.at), len(TARGETS)), np.nan) for run in task.fold.test] for row in rows}


def fifth(runs: Sequence[Material], *, seed: int) -> list[Flags]:
    """Which learners (L,) are the validation subset: one in five, by chance; the same person in every run."""
    people = np.unique(np.concatenate([run.learners for run in runs]))
    drawn = people[np.random.default_rng(seed).random(len(people)) < 0.2]
    return [np.isin(run.learners, drawn) for run in runs]


def kept(runs: Sequence[Material], chosen: Sequence[Flags]) -> list[Material]:
    """The runs with those learners; runs of which nothing is left are left out."""
    parts = [run.keep(mask) for run, mask in zip(runs, chosen, strict=True)]
    return [part for part in parts if len(part.at)]
