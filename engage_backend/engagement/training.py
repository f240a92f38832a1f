"""Training: from course runs to a model, calibrated across runs at the natural balance.

1. Trees learn on all runs but some and speak on those (each run once; a single run: on halves of its learners).
2. An LSTM learns on half of the runs what those margins lack, and speaks on the other half.
3. What both said of runs unseen gives the calibration: how far to trust each, pulled to "as they are" when runs are few.
4. Trees and LSTM are fitted once more, on everything.

Seeds are fixed: the same runs and the same seed give the same model on the same machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engage_backend.clickstream.vocabulary import Vocabulary
from engage_backend.engagement import trees_fit
from engage_backend.engagement.calibration import Doubles, Stack, fit_stack, logistic, sigmoid
from engage_backend.engagement.dataset import Run
from engage_backend.engagement.encoder import KindTable, Tokens
from engage_backend.engagement.lstm_fit import (
    LstmSettings,
    Pace,
    fit_lstm,
    grown_from,
    last_layer,
    lstm_logits,
    untrained,
)
from engage_backend.engagement.model import Lstm, Model
from engage_backend.engagement.trees import TARGETS, Trees

Progress = Callable[[str], object]
MEAN_OF = 10_000  # examples that say what the mean learner is

OUTCOMES = {
    "certify": ("nobody earned a certificate", "everybody earned a certificate", "no one counts"),
    "complete": ("nobody handed in enough to pass", "everybody handed in enough to pass", "nothing is graded"),
    "leave": ("nobody left", "everybody left", "there is no time before the last 14 days"),
}


class SingleOutcome(Exception):
    """All learners of the runs ended alike: there is nothing to learn. The message is one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What training can be told; the defaults are what the base model was trained with."""

    lstm: LstmSettings = field(default_factory=LstmSettings)
    rounds: int = trees_fit.ROUNDS
    min_kind_count: int = 500  # a kind that is rarer is unknown to the model
    # Of a training that begins from a model: it is to be moved, not made anew.
    own_rounds: int = 40
    own_rate: float = 1e-3
    own_kind_count: int = 100


def train(
    runs: Sequence[Run],
    kinds: KindTable,
    *,
    seed: int,
    settings: Settings | None = None,
    base: Model | None = None,
    refuse: bool = True,
    progress: Progress = lambda what: None,
    pace: Pace | None = None,
) -> Model:
    """A model from one or more runs. Raises SingleOutcome where a target has one outcome only.

    From a `base`, its trees stay and further ones are grown on what it says, its LSTM learns on, and the kinds of these runs
    join its vocabulary. With `refuse=False` a target of one outcome says nothing worth hearing and the others are learnt: an
    evaluation passes over it. `progress` is called with a few words on what is being done, `pace` told how fast the LSTM
    learns.
    """
    settings = settings or Settings()
    reasons = single_outcomes(runs)
    if refuse and reasons:
        raise SingleOutcome(next(iter(reasons.values())))
    torch.set_num_threads(trees_fit.cores())
    vocabulary = vocabulary_of(runs, kinds, settings, base)
    fit = _Fit(kinds.tokens(vocabulary.tokens), len(vocabulary), seed, settings, base, progress, pace or Pace())
    before = [fit.said_before(run) for run in runs]
    trees_said, lstm_said = [[np.zeros((len(run.who), len(TARGETS))) for run in runs] for _ in range(2)]
    folds = _folds(runs, at_most=5)
    for number, unseen in enumerate(folds):
        seen = [~held for held in unseen]
        told = [said[mine] for said, mine in zip(before, seen, strict=True)]
        trees = fit.trees(_chosen(runs, seen), told, f"fold {number + 1} of {len(folds)}")
        for run, held, said, first in zip(runs, unseen, trees_said, before, strict=True):
            if held.any():
                said[held] = first[held] + trees.margins(run.features[held])
    for number, unseen in enumerate(_folds(runs, at_most=2)):
        seen = [~held for held in unseen]
        margins = [said[mine] for said, mine in zip(trees_said, seen, strict=True)]
        lstm = fit.lstm(_chosen(runs, seen), margins, f"half {number + 1} of 2")
        for run, held, said in zip(runs, unseen, lstm_said, strict=True):
            if held.any():
                said[held] = lstm_logits(lstm, run.with_examples(held), fit.tokens)
    stacks = [_stack(runs, trees_said, lstm_said, target) for target in range(len(TARGETS))]
    trees = fit.trees(runs, before, "final")
    lstm = fit.lstm(runs, trees_said, "final")
    model = _assemble(trees, lstm, stacks, vocabulary, base)
    return replace(model, trees=trees_fit.centred(model.trees, mean_learners(runs)), prior=_prior(runs))


def predict(model: Model, run: Run, kinds: KindTable) -> Doubles:
    """Calibrated probabilities for every example of a run, shape (N, 3)."""
    logits = lstm_logits(model.lstm, run, kinds.tokens(model.vocabulary)) + model.trees.margins(run.features)
    return sigmoid(model.slope * logits + model.intercept)


def vocabulary_of(runs: Sequence[Run], kinds: KindTable, settings: Settings, base: Model | None = None) -> Vocabulary:
    """The kinds that occur often enough in more than half of the runs (in all of up to two), behind those of the base."""
    counts = {
        str(number): dict(zip(kinds.names, np.bincount(run.kinds, minlength=len(kinds.names)).tolist(), strict=True))
        for number, run in enumerate(runs)
    }
    often = settings.own_kind_count if base else settings.min_kind_count
    found = Vocabulary.from_counts(counts, min_count=often, min_courses=len(runs) // 2 + 1)
    known = sorted(base.vocabulary, key=base.vocabulary.__getitem__) if base else []
    return Vocabulary([*known, *(kind for kind in found.kinds if kind not in known)])


@dataclass(frozen=True, slots=True)
class _Fit:
    """What every fit of one training shares."""

    tokens: Tokens
    vocabulary: int
    seed: int
    settings: Settings
    base: Model | None
    progress: Progress
    pace: Pace

    def said_before(self, run: Run) -> Doubles:
        """The margins that trees are grown on, (N, 3): what those of the base say, calibrated; nothing without one."""
        if self.base is None:
            return np.zeros((len(run.who), len(TARGETS)))
        return self.base.slope * self.base.trees.margins(run.features) + self.base.intercept

    def trees(self, runs: Sequence[Run], before: Sequence[Doubles], name: str) -> Trees:
        """Trees of all targets, that add to what was said before. A target without two outcomes here gets none."""
        weights, grown = weights_of(runs), []
        for number, target in enumerate(TARGETS):
            self.progress(f"{name}: trees for {target}")
            judged = [run.labels[:, number] >= 0 for run in runs]
            y = _gathered([run.labels[:, number] for run in runs], judged).astype(np.float64)
            if 0 < y.sum() < len(y):
                x, w = _gathered([run.features for run in runs], judged), _gathered(weights, judged)
                rounds = self.settings.own_rounds if self.base else self.settings.rounds
                margins = _gathered([said[:, number] for said in before], judged) if self.base else None
                grown.append(trees_fit.grow(x, y, w, target=number, seed=self.seed, rounds=rounds, margins=margins))
        return trees_fit.join(grown)

    def lstm(self, runs: Sequence[Run], margins: Sequence[Doubles], name: str) -> Lstm:
        """The LSTM on top of the margins."""
        return fit_lstm(
            runs,
            [_settled(run, said) for run, said in zip(runs, margins, strict=True)],
            weights_of(runs),
            self.tokens,
            begin=grown_from(self.base, self.vocabulary, seed=self.seed)
            if self.base
            else untrained(self.vocabulary, seed=self.seed),
            seed=self.seed,
            settings=replace(self.settings.lstm, rate=self.settings.own_rate) if self.base else self.settings.lstm,
            progress=lambda what: self.progress(f"{name}: {what}"),
            pace=self.pace,
        )


def _gathered(parts: Sequence[npt.NDArray[Any]], chosen: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[Any]:
    """Of each part what is chosen, in one array."""
    return np.concatenate([part[mine] for part, mine in zip(parts, chosen, strict=True)])


def _settled(run: Run, margins: Doubles) -> Doubles:
    """The margins, made true on average for this run.

    What is left to learn then is who differs from whom, not which run has the higher pass rate: that says nothing of
    the next one.
    """
    settled = margins.copy()
    for target in range(len(TARGETS)):
        judged = run.shown()[:, target]
        labels = run.labels[judged, target].astype(np.float64)
        if 0 < labels.sum() < len(labels):
            said = margins[judged, target, None]
            slopes, intercept = logistic(said, labels, np.ones(len(labels)), towards=np.ones(1), ridge=100.0)
            settled[:, target] = margins[:, target] * slopes[0] + intercept
    return settled


def weights_of(runs: Sequence[Run]) -> list[Doubles]:
    """Each example's weight, by run; 1 on average. A run counts by the square root of its size: all are to be served."""
    sizes = [max(len(run.who), 1) for run in runs]
    scale = sum(sizes) / sum(size**0.5 for size in sizes)
    return [np.full(len(run.who), scale * size**-0.5) for run, size in zip(runs, sizes, strict=True)]


def single_outcomes(runs: Sequence[Run]) -> dict[str, str]:
    """The targets that cannot be learnt from these runs, each with the reason in one line."""
    reasons = {}
    for number, target in enumerate(TARGETS):
        labels = np.concatenate([run.labels[:, number] for run in runs])
        positives, judged = int((labels == 1).sum()), int((labels >= 0).sum())
        if not 0 < positives < judged:
            why = OUTCOMES[target][2 if not judged else 0 if not positives else 1]
            names = ", ".join(run.name for run in runs)
            reasons[target] = f"a single outcome in {names}: {why}, so `{target}` cannot be learnt"
    return reasons


def _half_of_learners(run: Run) -> npt.NDArray[np.int8]:
    """0 or 1 for every example, by the person: the same in every run."""
    half = [hashlib.blake2b(str(user).encode(), digest_size=1).digest()[0] & 1 for user in run.learners.tolist()]
    return np.array(half, dtype=np.int8)[run.who] if half else np.zeros(0, dtype=np.int8)


def _chosen(runs: Sequence[Run], chosen: Sequence[npt.NDArray[np.bool_]]) -> list[Run]:
    """The runs with those examples. One that keeps all of them is not copied: they may be larger than what is free."""
    return [run if mine.all() else run.with_examples(mine) for run, mine in zip(runs, chosen, strict=True)]


def _folds(runs: Sequence[Run], *, at_most: int) -> list[list[npt.NDArray[np.bool_]]]:
    """For each fold, and each run, which examples belong to it. Runs are dealt in turn in the order of their keys."""
    if len(runs) == 1:
        half = _half_of_learners(runs[0])
        return [[half == 0], [half == 1]]
    count = min(len(runs), at_most)
    turn = np.argsort(np.argsort([run.course for run in runs], kind="stable"), kind="stable") % count
    return [[np.full(len(run.who), turn[at] == number) for at, run in enumerate(runs)] for number in range(count)]


def _stack(runs: Sequence[Run], trees: Sequence[Doubles], lstm: Sequence[Doubles], target: int) -> Stack:
    labels = np.concatenate([run.labels[:, target] for run in runs])
    judged = np.concatenate([run.shown()[:, target] for run in runs])
    weights = np.concatenate(weights_of(runs))
    by_trees, by_lstm = (np.concatenate([part[:, target] for part in parts])[judged] for parts in (trees, lstm))
    numbers = [np.full(len(run.who), number) for number, run in enumerate(runs)]
    unit = (np.concatenate(numbers) if len(runs) > 1 else _half_of_learners(runs[0])).astype(np.int64)
    truths = labels[judged].astype(np.float64)
    return fit_stack(by_trees, by_lstm, truths, weights[judged], unit=unit[judged], runs=len(runs))


def mean_learners(runs: Sequence[Run]) -> list[npt.NDArray[np.float32]]:
    """Features of examples that each target (3) is shown of: of every run, so that some thousands come together."""
    found = []
    for target in range(len(TARGETS)):
        places = [np.flatnonzero(run.shown()[:, target]) for run in runs]
        step = max(sum(map(len, places)) // MEAN_OF, 1)
        found.append(np.concatenate([run.features[place[::step]] for run, place in zip(runs, places, strict=True)]))
    return found


def _prior(runs: Sequence[Run]) -> tuple[float | None, ...]:
    """How often each target came true, of the examples that the calibration was fitted on and as they weigh there."""
    found: list[float | None] = []
    for target in range(len(TARGETS)):
        judged = [run.shown()[:, target] for run in runs]
        weights = _gathered(weights_of(runs), judged)
        labels = _gathered([run.labels[:, target] for run in runs], judged)
        found.append(round(float(np.average(labels, weights=weights)), 4) if len(labels) else None)
    return tuple(found)


def _assemble(trees: Trees, lstm: Lstm, stacks: Sequence[Stack], vocabulary: Vocabulary, base: Model | None) -> Model:
    """How far the LSTM is trusted beside the trees goes into its last layer; the rest is the model's calibration."""
    lstm = lstm.cpu()
    share = torch.tensor([stack.lstm / stack.trees for stack in stacks], dtype=torch.float32)
    last = last_layer(lstm)
    with torch.no_grad():
        last.weight.mul_(share[:, None])
        last.bias.mul_(share)
    slope, intercept = (np.array([getattr(stack, name) for stack in stacks]) for name in ("trees", "intercept"))
    if base is not None:
        trees = trees_fit.join([base.trees.scaled(base.slope), trees])
        intercept = intercept + slope * base.intercept
    return Model(lstm, trees, vocabulary.tokens, slope, intercept)
