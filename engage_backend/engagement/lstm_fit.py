"""Training the LSTM on top of what the trees say: truncated back-propagation in windows over padded batches.

Every event of every learner is read: the state is carried from window to window, the gradient is not, so that no learner's
late weeks are cut off. Batches hold learners of like length, padded; on a CPU that is several times faster than packing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from engage_backend.engagement.calibration import Doubles, logistic
from engage_backend.engagement.dataset import NOT_JUDGED, Integers, Run, are_shown
from engage_backend.engagement.encoder import CARRIED, UNKNOWN_TOKEN, Tokens
from engage_backend.engagement.lstm import Lstm
from engage_backend.engagement.model import Model
from engage_backend.engagement.training import LstmSettings, Pace, Progress, chosen, folds_of, weights_of
from engage_backend.engagement.trees import TARGETS
from engage_backend.engagement.trees_fit import cores


class _Group(NamedTuple):
    """Who stand in a batch, the longest first: learners of one run and of like length."""

    number: int  # of the run
    run: Run
    people: Integers  # (B,) index into the run's learners
    needed: Integers  # (B,) events up to the last example, falling
    examples: Integers  # (n,) theirs, learner by learner
    counts: Integers  # (B,) how many of these are each one's


@dataclass(frozen=True, slots=True)
class _Batch:
    """Learners side by side, the longest first. Examples are sorted by the event they follow."""

    lengths: Integers  # (B,) falling
    tokens: Tensor  # (B, L)
    carried: Tensor  # (B, L, CARRIED)
    row: Tensor  # (n,) which learner of the batch
    event: Integers  # (n,) index of the last event seen
    features: Tensor  # (n, F)
    labels: Tensor  # (n, TARGETS), NOT_JUDGED where not judged
    margins: Tensor  # (n, TARGETS) what the trees say
    weights: Tensor  # (n,)
    examples: Integers  # (n,) where they stand in their run


class SequenceFit:
    """An LSTM beside trees: what it says of runs that it has not seen, and then, where that pays, of all."""

    def __init__(
        self,
        runs: Sequence[Run],
        margins: Sequence[Doubles],
        tokens: Tokens,
        vocabulary: int,
        settings: LstmSettings,
        base: Model | None,
        seed: int,
        progress: Progress,
        pace: Pace | None,
    ) -> None:
        """`margins` (N, 3) of each run: what trees say that have not seen it. A base's LSTM, if it has one, learns on."""
        torch.set_num_threads(cores())
        self.runs, self.margins, self.tokens, self.vocabulary = runs, margins, tokens, vocabulary
        self.base, self.seed, self.progress, self.pace = base, seed, progress, pace or Pace()
        is_moved = base is not None and base.lstm is not None
        self.settings = replace(settings, rate=settings.own_rate) if is_moved else settings

    def said_of_unseen(self) -> list[Doubles]:
        """Return the LSTM's share of the logits, (N, 3) of each run, of one that learnt on the other half of the runs."""
        found = [np.zeros((len(run.who), len(TARGETS))) for run in self.runs]
        for number, unseen in enumerate(folds_of(self.runs, at_most=2)):
            seen = [~held for held in unseen]
            margins = [said[mine] for said, mine in zip(self.margins, seen, strict=True)]
            lstm = self._fit(chosen(self.runs, seen), margins, f"half {number + 1} of 2")
            for run, held, said in zip(self.runs, unseen, found, strict=True):
                if held.any():
                    said[held] = lstm_logits(lstm, run.with_examples(held), self.tokens)
        return found

    def final(self, shares: Sequence[float]) -> Lstm:
        """Return an LSTM that learnt from all runs, for serving; `shares` (3,) says how far each target trusts it."""
        lstm = self._fit(self.runs, self.margins, "final").cpu()
        _scale(lstm, np.array(shares))
        return lstm

    def _fit(self, runs: Sequence[Run], margins: Sequence[Doubles], name: str) -> Lstm:
        if self.base is not None and self.base.lstm is not None:
            begin = grown_from(self.base.lstm, self.base.full.slope, self.vocabulary, seed=self.seed)
        else:
            begin = untrained(self.vocabulary, seed=self.seed)
        return fit_lstm(
            runs,
            [_settled(run, said) for run, said in zip(runs, margins, strict=True)],
            weights_of(runs),
            self.tokens,
            begin=begin,
            seed=self.seed,
            settings=self.settings,
            progress=lambda what: self.progress(f"{name}: {what}"),
            pace=self.pace,
        )


def fit_lstm(
    runs: Sequence[Run],
    margins: Sequence[Doubles],
    weights: Sequence[Doubles],
    tokens: Tokens,
    *,
    begin: Lstm,
    seed: int,
    settings: LstmSettings,
    progress: Progress = lambda what: None,
    pace: Pace | None = None,
) -> Lstm:
    """An LSTM whose logits, added to `margins` (N, 3) of each run, tell the labels best; on the device it was trained on.

    `margins` must be out of fold, or the LSTM would see trees that know the answers. `weights` (N,) per run; `tokens` by
    kind number; `begin` is what it begins as, and is changed. `pace` is told how many events were learnt from.
    """
    pace = pace or Pace()
    chance = np.random.default_rng(seed)
    lstm = begin.to(device())
    optimizer = torch.optim.AdamW(lstm.parameters(), lr=settings.rate, weight_decay=settings.decay)
    for epoch in range(settings.epochs):
        groups = _groups(runs, settings.batch, chance)
        chance.shuffle(groups)  # type: ignore[arg-type]
        for at, group in enumerate(groups):
            done = (epoch + at / len(groups)) / settings.epochs
            for parameters in optimizer.param_groups:  # warms up over a twentieth, then falls along a cosine
                parameters["lr"] = settings.rate * min(done * 20, 0.5 + 0.5 * np.cos(np.pi * done))
            began = time.perf_counter()
            batch = _batch(group, margins[group.number], weights[group.number], tokens, device())
            _learn(lstm, optimizer, batch, chance, settings)
            pace.count(int(batch.lengths.sum()), time.perf_counter() - began)
            progress(f"LSTM, pass {epoch + 1} of {settings.epochs}: {at + 1} of {len(groups)} batches, {pace}")
    lstm.eval()
    return lstm


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


def untrained(vocabulary: int, *, seed: int) -> Lstm:
    """An LSTM that says nothing yet, and is to learn what the trees do not know; tokens up to `vocabulary`."""
    torch.manual_seed(seed)
    lstm = Lstm(vocabulary)
    with torch.no_grad():
        lstm.last.weight.zero_()
        lstm.last.bias.zero_()
    return lstm


def grown_from(base: Lstm, slope: Doubles, vocabulary: int, *, seed: int) -> Lstm:
    """The LSTM of a model, for tokens up to `vocabulary`: a kind that is new to it begins as the unknown one.

    `slope` (3,): the calibration of that model, so that what it says adds to what the trees say.
    """
    torch.manual_seed(seed)
    old = base.state_dict()
    lstm = Lstm(vocabulary, **base.shape)
    new = old["embed.weight"][UNKNOWN_TOKEN].expand(vocabulary - base.embed.num_embeddings, -1)
    lstm.load_state_dict({**old, "embed.weight": torch.cat((old["embed.weight"], new))})
    _scale(lstm, slope)
    return lstm


def _scale(lstm: Lstm, by: Doubles) -> None:
    """Multiply what it adds to each target (3,)."""
    factor = torch.from_numpy(np.asarray(by, dtype=np.float32))
    with torch.no_grad():
        lstm.last.weight.mul_(factor[:, None])
        lstm.last.bias.mul_(factor)


def device() -> torch.device:
    """Where to train: on a GPU, when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _learn(
    lstm: Lstm, optimizer: torch.optim.Optimizer, batch: _Batch, chance: np.random.Generator, settings: LstmSettings
) -> None:
    vocabulary = lstm.embed.num_embeddings
    forget = chance.random(vocabulary) < (1.0 if chance.random() < settings.forget_all else settings.forget_kind)
    seen_as = torch.from_numpy(np.where(forget, UNKNOWN_TOKEN, np.arange(vocabulary))).to(batch.tokens.device)
    tokens = seen_as[batch.tokens]
    scale = 1.0 / float(batch.weights.sum().clamp(min=1e-9)) * np.ceil(tokens.shape[1] / settings.window)
    for low, high, hidden in _windows(lstm, batch, tokens, settings.window):
        if low == high:
            continue
        hidden = nn.functional.dropout(hidden.float(), settings.dropout)
        logits = batch.margins[low:high] + lstm.logits(hidden, batch.features[low:high])
        labels = batch.labels[low:high]
        judged = (labels >= 0) * batch.weights[low:high, None]
        losses = binary_cross_entropy_with_logits(logits, labels.clamp(min=0), reduction="none")
        optimizer.zero_grad()
        ((losses * judged).sum() * scale).backward()
        nn.utils.clip_grad_norm_(lstm.parameters(), 1.0)
        optimizer.step()


def _windows(lstm: Lstm, batch: _Batch, tokens: Tensor, window: int) -> Iterator[tuple[int, int, Tensor]]:
    """For each window: the bounds of the batch's examples in it, and the hidden states (n, H) that they follow.

    The state goes on to the next window, the gradient does not; a learner without further events is left behind.
    """
    state: tuple[Tensor, Tensor] | None = None
    for begin in range(0, tokens.shape[1], window):
        end = min(begin + window, tokens.shape[1])
        on = int(np.searchsorted(-batch.lengths, -begin, side="left"))
        if state is not None:
            state = (state[0][:, :on].detach().contiguous(), state[1][:, :on].detach().contiguous())
        # bf16 where a GPU computes; gradients and what is kept are of full width.
        with torch.autocast(tokens.device.type, dtype=torch.bfloat16, enabled=lstm.training and tokens.is_cuda):
            after, state = lstm(tokens[:on, begin:end], batch.carried[:on, begin:end], state)
        low, high = (int(bound) for bound in np.searchsorted(batch.event, [begin, end]))
        yield low, high, after[batch.row[low:high], torch.from_numpy(batch.event[low:high] - begin).to(after.device)]


@torch.inference_mode()
def lstm_logits(lstm: Lstm, run: Run, tokens: Tokens, *, batch: int = 256, window: int = 256) -> Doubles:
    """The LSTM's share of the logits for every example of a run, shape (N, 3). It works where the LSTM lies."""
    out = np.zeros((len(run.who), len(TARGETS)))
    nothing, ones, place = np.zeros_like(out), np.ones(len(run.who)), next(lstm.parameters()).device
    for group in _groups([run], batch, np.random.default_rng(0)):
        part = _batch(group, nothing, ones, tokens, place)
        for low, high, hidden in _windows(lstm, part, part.tokens, window):
            out[part.examples[low:high]] = lstm.logits(hidden, part.features[low:high]).cpu().numpy()
    return out


def _groups(runs: Sequence[Run], size: int, chance: np.random.Generator) -> list[_Group]:
    """All learners that have examples, in groups of one run and like length; who stands with whom is left to chance."""
    groups = []
    for number, run in enumerate(runs):
        examples = np.argsort(run.who, kind="stable")
        bounds = np.searchsorted(run.who[examples], np.arange(len(run.learners) + 1))
        needed = np.zeros(len(run.learners), dtype=np.int64)
        np.maximum.at(needed, run.who, run.seen)
        people = np.flatnonzero(needed)
        people = people[np.argsort(needed[people] * chance.uniform(0.8, 1.25, len(people)), kind="stable")]
        for begin in range(0, len(people), size):
            group = people[begin : begin + size]
            group = group[np.argsort(-needed[group], kind="stable")]
            theirs = np.concatenate([examples[bounds[who] : bounds[who + 1]] for who in group])
            groups.append(_Group(number, run, group, needed[group], theirs, bounds[group + 1] - bounds[group]))
    return groups


def _batch(group: _Group, margins: Doubles, weights: Doubles, tokens: Tokens, place: torch.device) -> _Batch:
    """What a group reads, padded; made when it is its turn, so that one lies in memory at a time."""
    run, shape = group.run, (len(group.people), int(group.needed[0]))
    read = np.zeros(shape, dtype=np.int64)
    carried = np.zeros((*shape, CARRIED), dtype=np.float32)
    for at, (who, count) in enumerate(zip(group.people.tolist(), group.needed.tolist(), strict=True)):
        first = int(run.begins[who])
        read[at, :count] = tokens[run.kinds[first : first + count]]
        carried[at, :count] = run.carried[first : first + count]  # type: ignore[index]  # whoever tries an LSTM has it
    order = np.argsort(run.seen[group.examples], kind="stable")
    mine = group.examples[order]
    # Trees learn from the long silent, too; what these add is asked of figures that are shown.
    asked = np.where(are_shown(run.labels[mine], run.features[mine]), run.labels[mine], NOT_JUDGED)
    numbers = (run.features[mine], asked, margins[mine], weights[mine])
    features, labels, said, weight = (torch.from_numpy(part.astype(np.float32)).to(place) for part in numbers)
    return _Batch(
        lengths=group.needed,
        tokens=torch.from_numpy(read).to(place),
        carried=torch.from_numpy(carried).to(place),
        row=torch.from_numpy(np.repeat(np.arange(len(group.people)), group.counts)[order]).to(place),
        event=run.seen[mine].astype(np.int64) - 1,
        features=features,
        labels=labels,
        margins=said,
        weights=weight,
        examples=mine,
    )
