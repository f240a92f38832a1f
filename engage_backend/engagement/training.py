"""Training: from course runs to a model, calibrated across runs at the natural balance.

0. A group of OPTIONAL features that is to be tried is read where trees that read it say more of runs unseen.
1. Trees learn on all runs but some and speak on those (each run once; a single run: on halves of its learners).
2. Where a sequence part is to be tried, an LSTM learns on half of the runs what those margins lack, and speaks on the other.
3. What both said of runs unseen gives the calibration: how far to trust each, pulled to "as they are" when runs are few.
4. Trees are fitted once more, on everything; an LSTM, too, where a target heard it.

Seeds are fixed: the same runs and the same seed give the same model on the same machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.vocabulary import Vocabulary
from engage_backend.engagement import trees_fit
from engage_backend.engagement.calibration import Doubles, Stack, fit_stack, pays, sigmoid
from engage_backend.engagement.categories import Category
from engage_backend.engagement.counters import FEATURES, OPTIONAL
from engage_backend.engagement.dataset import Run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.model import PARTS, Model, Part
from engage_backend.engagement.trees import TARGETS, Trees

Progress = Callable[[str], object]
MEAN_OF = 10_000  # examples that say what the mean learner is
HEARING_ROUNDS = 60
EARLY, EARLY_DAYS = 4.0, 14.0  # an example of day 0 counts 1 + EARLY times for `certify`, and by e less each EARLY_DAYS
_SINCE_START = FEATURES.index("days_since_start")

OUTCOMES = {
    "certify": ("nobody earned a certificate", "everybody earned a certificate", "no one counts"),
    "complete": ("nobody handed in enough to pass", "everybody handed in enough to pass", "nothing is graded"),
    "leave": ("nobody left", "everybody left", "there is no time before the last 14 days"),
}


class SingleOutcome(Exception):
    """All learners of the runs ended alike: there is nothing to learn. The message is one line."""


@dataclass(frozen=True, slots=True)
class LstmSettings:
    """How an LSTM is trained."""

    epochs: int = 3
    batch: int = 96  # learners
    window: int = 128  # events that the gradient goes back
    rate: float = 4e-3
    decay: float = 1e-2
    forget_kind: float = 0.1  # a batch's chance, for each kind, to see it as the unknown one,
    forget_all: float = 0.1  # and for all of them: a new site's kinds may be all unknown
    dropout: float = 0.2  # of the hidden state, where the head reads it
    own_rate: float = 1e-3  # where a base's is moved
    min_kind_count: int = 500  # a kind that is rarer is unknown to it
    own_kind_count: int = 100


@dataclass(frozen=True, slots=True)
class Settings:
    """What training can be told; the defaults are what the base model was trained with."""

    lstm: LstmSettings | None = None  # None: no sequence part is tried
    optional: tuple[
        str, ...
    ] = ()  # groups of OPTIONAL features that are tried; read where nested validation hears them
    rounds: int = trees_fit.ROUNDS
    own_rounds: int = 40  # of a training that begins from a model: it is to be moved, not made anew


@dataclass(slots=True)
class Pace:
    """How many events an LSTM has learnt from, backward steps included, and how long that took."""

    events: int = 0
    seconds: float = 0.0

    def count(self, events: int, seconds: float) -> None:
        """Add some."""
        self.events += events
        self.seconds += seconds

    def __str__(self) -> str:
        return f"{self.events / max(self.seconds, 1e-9):,.0f} events/s"


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

    From a `base`, its trees stay and further ones are grown on what they say. Its LSTM learns on where `settings.lstm` says
    so, and the kinds of these runs join its vocabulary; else the model has none. Its `level` stays as it is.
    With `refuse=False` a target of one outcome says nothing worth hearing and the others are learnt: an evaluation passes
    over it. `progress` is called with a few words on what is being done, `pace` told how fast an LSTM learns.
    """
    settings = settings or Settings()
    reasons = single_outcomes(runs)
    if refuse and reasons:
        raise SingleOutcome(next(iter(reasons.values())))
    reads = {} if base is not None or not settings.optional else _heard(runs, seed, settings, progress)
    full = _Fit("full", seed, settings, base, progress, reads)
    trees_said = full.said_of_unseen(runs)
    lstm_said, sequence = None, None
    if settings.lstm is not None:
        from engage_backend.engagement.lstm_fit import SequenceFit  # which needs torch

        vocabulary = vocabulary_of(runs, kinds, settings.lstm, base)
        sequence = SequenceFit(
            runs,
            trees_said,
            kinds.tokens(vocabulary.tokens),
            len(vocabulary),
            settings.lstm,
            base,
            seed,
            progress,
            pace,
        )
        lstm_said = sequence.said_of_unseen()
    stacks = full.stacks(runs, trees_said, lstm_said)
    parts = {**base.parts} if base is not None else {}
    parts["full"] = full.final(runs, stacks)
    if not reasons.keys() & PARTS["portable"]:
        portable = _Fit("portable", seed, settings, base, progress)
        parts["portable"] = portable.final(runs, portable.stacks(runs, portable.said_of_unseen(runs)))
    model = Model(parts, prior=_prior(runs))
    if sequence is not None and any(stack.lstm for stack in stacks):
        model.lstm = sequence.final([stack.lstm / stack.trees for stack in stacks])
        model.vocabulary = vocabulary.tokens
    return model


def predict(model: Model, run: Run, kinds: KindTable) -> Doubles:
    """Calibrated probabilities for every example of a run, shape (N, 3). The run has `carried` where the model has an LSTM."""
    beside: Doubles | float = 0.0
    if model.lstm is not None:
        from engage_backend.engagement.lstm_fit import lstm_logits

        beside = lstm_logits(model.lstm, run, kinds.tokens(model.vocabulary))
    return sigmoid(model.logits(run.features, beside))


def known_share(run: Run, kinds: KindTable, vocabulary: Mapping[str, int] | None = None) -> float:
    """The share of a run's events whose kind is in an LSTM's vocabulary, or of a sort that trees count. 1 of none."""
    if vocabulary:
        return run.known(kinds.tokens(vocabulary))
    return run.known(np.array([category & 15 != Category.OTHER for category in kinds.categories], dtype=np.int64))


def vocabulary_of(
    runs: Sequence[Run], kinds: KindTable, settings: LstmSettings, base: Model | None = None
) -> Vocabulary:
    """The kinds that occur often enough in more than half of the runs (in all of up to two), behind those of the base."""
    counts = {
        str(number): dict(zip(kinds.names, np.bincount(run.kinds, minlength=len(kinds.names)).tolist(), strict=True))
        for number, run in enumerate(runs)
    }
    known = sorted(base.vocabulary, key=base.vocabulary.__getitem__) if base else []
    often = settings.own_kind_count if known else settings.min_kind_count
    found = Vocabulary.from_counts(counts, min_count=often, min_courses=len(runs) // 2 + 1)
    return Vocabulary([*known, *(kind for kind in found.kinds if kind not in known)])


@dataclass(frozen=True, slots=True)
class _Fit:
    """How the trees of one part are fitted in one training."""

    name: str  # see PARTS
    seed: int
    settings: Settings
    base: Model | None
    progress: Progress
    reads: Mapping[str, Sequence[str]] = field(default_factory=dict)  # target -> features of `full`; else CORE

    @property
    def outputs(self) -> tuple[str, ...]:
        """The targets that the part speaks of."""
        return PARTS[self.name]

    @property
    def before(self) -> Part | None:
        """The part of the base that the trees are added to; None: they are grown from nothing."""
        return self.base.parts.get(self.name) if self.base is not None else None

    def said_before(self, run: Run) -> Doubles:
        """The margins that trees are grown on, (N, K): what those of the base say, calibrated; 0 without one."""
        return np.zeros((len(run.who), len(self.outputs))) if self.before is None else self.before.logits(run.features)

    def said_of_unseen(self, runs: Sequence[Run]) -> list[Doubles]:
        """What trees say of each run, (N, K), that were grown on the others; of a single run, on the other half of learners."""
        told = [self.said_before(run) for run in runs]
        found = [said.copy() for said in told]
        folds = folds_of(runs, at_most=5)
        for number, unseen in enumerate(folds):
            seen = [~held for held in unseen]
            before = [said[mine] for said, mine in zip(told, seen, strict=True)]
            trees = self.trees(chosen(runs, seen), before, f"fold {number + 1} of {len(folds)}")
            for run, held, said in zip(runs, unseen, found, strict=True):
                if held.any():
                    said[held] += trees.margins(run.features[held])
        return found

    def trees(self, runs: Sequence[Run], before: Sequence[Doubles], step: str) -> Trees:
        """Trees of all outputs, that add to what was said before. A target without two outcomes here gets none."""
        weights, early, grown = weights_of(runs), [_early(run) for run in runs], []
        for output, target in enumerate(self.outputs):
            self.progress(f"{step}: trees for {target}, {self.name}")
            number = TARGETS.index(target)
            judged = [run.labels[:, number] >= 0 for run in runs]
            y = _gathered([run.labels[:, number] for run in runs], judged).astype(np.float64)
            if not 0 < y.sum() < len(y):
                continue
            is_certify = target == "certify"
            x, w = _gathered([run.features for run in runs], judged), _gathered(weights, judged)
            trees = trees_fit.grow(
                x,
                y,
                w * _gathered(early, judged) if is_certify else w,
                target=number,
                seed=self.seed,
                rounds=self.settings.rounds if self.before is None else self.settings.own_rounds,
                margins=None if self.before is None else _gathered([said[:, output] for said in before], judged),
                names=trees_fit.PORTABLE if self.name == "portable" else self.reads.get(target, trees_fit.CORE),
                monotone=is_certify,
            )
            grown.append(replace(trees, target=np.full_like(trees.target, output), outputs=len(self.outputs)))
        return trees_fit.join(grown) if grown else replace(Trees.none(), outputs=len(self.outputs))

    def stacks(
        self, runs: Sequence[Run], trees: Sequence[Doubles], lstm: Sequence[Doubles] | None = None
    ) -> list[Stack]:
        """How far each output is to be trusted, from what trees, and an LSTM of the same outputs, said of unseen runs."""
        found = []
        for at, target in enumerate(self.outputs):
            beside = None if lstm is None else [said[:, at] for said in lstm]
            found.append(_stack(runs, [said[:, at] for said in trees], beside, TARGETS.index(target)))
        return found

    def final(self, runs: Sequence[Run], stacks: Sequence[Stack]) -> Part:
        """The part, from all runs."""
        trees = self.trees(runs, [self.said_before(run) for run in runs], "final")
        slope, intercept = (np.array([getattr(stack, name) for stack in stacks]) for name in ("trees", "intercept"))
        if self.before is not None:
            trees = trees_fit.join([self.before.trees.scaled(self.before.slope), trees])
            intercept = intercept + slope * self.before.intercept
        means = mean_learners(runs)
        return Part(trees_fit.centred(trees, [means[TARGETS.index(one)] for one in self.outputs]), slope, intercept)


def _heard(runs: Sequence[Run], seed: int, settings: Settings, progress: Progress) -> dict[str, tuple[str, ...]]:
    """The features that each target is to read: CORE, and those groups of `settings.optional` that pay on runs unseen.

    Judged by fewer trees than the model gets: what few cannot use, many do not need.
    """
    quick = replace(settings, rounds=min(HEARING_ROUNDS, settings.rounds))

    def said(names: Sequence[str]) -> list[Doubles]:
        return _Fit("full", seed, quick, None, progress, dict.fromkeys(TARGETS, names)).said_of_unseen(runs)

    unit, weights = _units(runs), np.concatenate(weights_of(runs))
    core = np.concatenate(said(trees_fit.CORE))
    found = dict.fromkeys(TARGETS, trees_fit.CORE)
    for group in settings.optional:
        names = OPTIONAL[group]
        more = np.concatenate(said((*trees_fit.CORE, *names)))
        for number, target in enumerate(TARGETS):
            judged = np.concatenate([run.shown()[:, number] for run in runs])
            truths = np.concatenate([run.labels[:, number] for run in runs])[judged].astype(np.float64)
            if pays(core[judged, number], more[judged, number], truths, weights[judged], unit[judged]):
                progress(f"{target} reads {group}")
                found[target] = (*found[target], *names)
    return found


def _early(run: Run) -> Doubles:
    """How much more an example (N,) counts for `certify` in the first weeks, of which a run has few and is asked most."""
    days = np.maximum(run.features[:, _SINCE_START].astype(np.float64), 0.0)
    counts: Doubles = 1.0 + EARLY * np.exp(-days / EARLY_DAYS)
    return counts


def _gathered(parts: Sequence[npt.NDArray[Any]], chosen: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[Any]:
    """Of each part what is chosen, in one array."""
    return np.concatenate([part[mine] for part, mine in zip(parts, chosen, strict=True)])


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


def chosen(runs: Sequence[Run], examples: Sequence[npt.NDArray[np.bool_]]) -> list[Run]:
    """The runs with those examples. One that keeps all of them is not copied: they may be larger than what is free."""
    return [run if mine.all() else run.with_examples(mine) for run, mine in zip(runs, examples, strict=True)]


def folds_of(runs: Sequence[Run], *, at_most: int) -> list[list[npt.NDArray[np.bool_]]]:
    """For each fold, and each run, which examples belong to it. Runs are dealt in turn in the order of their keys."""
    if len(runs) == 1:
        half = _half_of_learners(runs[0])
        return [[half == 0], [half == 1]]
    count = min(len(runs), at_most)
    turn = np.argsort(np.argsort([run.course for run in runs], kind="stable"), kind="stable") % count
    return [[np.full(len(run.who), turn[at] == number) for at, run in enumerate(runs)] for number in range(count)]


def _stack(runs: Sequence[Run], trees: Sequence[Doubles], lstm: Sequence[Doubles] | None, target: int) -> Stack:
    """How far to trust what trees, and an LSTM, said of one target, (N,) for each run."""
    labels = np.concatenate([run.labels[:, target] for run in runs])
    judged = np.concatenate([run.shown()[:, target] for run in runs])
    weights = np.concatenate(weights_of(runs))
    by_trees = np.concatenate(trees)[judged]
    by_lstm = None if lstm is None else np.concatenate(lstm)[judged]
    truths = labels[judged].astype(np.float64)
    return fit_stack(by_trees, by_lstm, truths, weights[judged], unit=_units(runs)[judged], runs=len(runs))


def _units(runs: Sequence[Run]) -> npt.NDArray[np.int64]:
    """Of which run each example is, all runs together; of a single run, of which half of the learners."""
    numbers = [np.full(len(run.who), number) for number, run in enumerate(runs)]
    return (np.concatenate(numbers) if len(runs) > 1 else _half_of_learners(runs[0])).astype(np.int64)


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
