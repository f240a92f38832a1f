"""Training the LSTM on top of what the trees say: truncated back-propagation in windows over padded batches.

Every event of every learner is read: the state is carried from window to window, the gradient is not, so that no learner's
late weeks are cut off. Batches hold learners of like length, padded; on a CPU that is several times faster than packing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from engage_backend.engagement.dataset import Run
from engage_backend.engagement.encoder import CARRIED, UNKNOWN_TOKEN, Tokens
from engage_backend.engagement.model import Lstm
from engage_backend.engagement.trees import TARGETS
from engage_backend.engagement.trees_fit import Doubles

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class LstmSettings:
    """How the LSTM is trained."""

    epochs: int = 3
    batch: int = 96  # learners
    window: int = 128  # events that the gradient goes back
    rate: float = 4e-3
    decay: float = 1e-2
    forget_kind: float = 0.1  # a batch's chance, for each kind, to see it as the unknown one,
    forget_all: float = 0.1  # and for all of them: a new site's kinds may be all unknown
    dropout: float = 0.2  # of the hidden state, where the head reads it


@dataclass(frozen=True, slots=True)
class _Batch:
    """Learners side by side, the longest first. Examples are sorted by the event they follow."""

    lengths: npt.NDArray[np.int64]  # (B,) falling
    tokens: Tensor  # (B, L)
    carried: Tensor  # (B, L, CARRIED)
    row: Tensor  # (n,) which learner of the batch
    event: Tensor  # (n,) index of the last event seen
    features: Tensor  # (n, F)
    labels: Tensor  # (n, TARGETS), NOT_JUDGED where not judged
    margins: Tensor  # (n, TARGETS) what the trees say
    weights: Tensor  # (n,)
    examples: Tensor  # (n,) where they stand in their run


def fit_lstm(
    runs: Sequence[Run],
    margins: Sequence[Doubles],
    weights: Sequence[Doubles],
    tokens: Tokens,
    *,
    vocabulary: int,
    seed: int,
    settings: LstmSettings,
    progress: Progress = lambda what: None,
) -> Lstm:
    """An LSTM whose logits, added to `margins` (N, 3) of each run, tell the labels best.

    `margins` must be out of fold, or the LSTM would see trees that know the answers. `weights` (N,) per run; `tokens` by
    kind number; `vocabulary` counts the tokens, the unknown one included.
    """
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    lstm = Lstm(vocabulary)
    with torch.no_grad():  # it begins by saying nothing, and learns what the trees do not know
        last_layer(lstm).weight.zero_()
        last_layer(lstm).bias.zero_()
    optimizer = torch.optim.AdamW(lstm.parameters(), lr=settings.rate, weight_decay=settings.decay)
    for epoch in range(settings.epochs):
        batches = list(_batches(runs, margins, weights, tokens, settings.batch, chance))
        chance.shuffle(batches)  # type: ignore[arg-type]
        for at, batch in enumerate(batches):
            done = (epoch + at / len(batches)) / settings.epochs
            for group in optimizer.param_groups:  # warms up over a twentieth, then falls along a cosine
                group["lr"] = settings.rate * min(done * 20, 0.5 + 0.5 * np.cos(np.pi * done))
            _learn(lstm, optimizer, batch, chance, settings)
            progress(f"LSTM, pass {epoch + 1} of {settings.epochs}: {at + 1} of {len(batches)} batches")
    lstm.eval()
    return lstm


def last_layer(lstm: Lstm) -> nn.Linear:
    """The layer that the LSTM's logits come out of."""
    return cast(nn.Linear, lstm.head[2])


def _learn(
    lstm: Lstm, optimizer: torch.optim.Optimizer, batch: _Batch, chance: np.random.Generator, settings: LstmSettings
) -> None:
    vocabulary = lstm.embed.num_embeddings
    forget = chance.random(vocabulary) < (1.0 if chance.random() < settings.forget_all else settings.forget_kind)
    tokens = torch.from_numpy(np.where(forget, UNKNOWN_TOKEN, np.arange(vocabulary)))[batch.tokens]
    scale = 1.0 / float(batch.weights.sum().clamp(min=1e-9)) * np.ceil(tokens.shape[1] / settings.window)
    for low, high, hidden in _windows(lstm, batch, tokens, settings.window):
        if low == high:
            continue
        hidden = nn.functional.dropout(hidden, settings.dropout)
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
        after, state = lstm(tokens[:on, begin:end], batch.carried[:on, begin:end], state)
        low, high = (int(bound) for bound in np.searchsorted(batch.event.numpy(), [begin, end]))
        yield low, high, after[batch.row[low:high], batch.event[low:high] - begin]


@torch.inference_mode()
def lstm_logits(lstm: Lstm, run: Run, tokens: Tokens, *, batch: int = 256, window: int = 256) -> Doubles:
    """The LSTM's share of the logits for every example of a run, shape (N, 3)."""
    out = np.zeros((len(run.who), len(TARGETS)))
    nothing = [np.zeros((len(run.who), out.shape[1]))], [np.ones(len(run.who))]
    for part in _batches([run], *nothing, tokens, batch, np.random.default_rng(0)):
        for low, high, hidden in _windows(lstm, part, part.tokens, window):
            out[part.examples[low:high].numpy()] = lstm.logits(hidden, part.features[low:high]).numpy()
    return out


def _batches(
    runs: Sequence[Run],
    margins: Sequence[Doubles],
    weights: Sequence[Doubles],
    tokens: Tokens,
    size: int,
    chance: np.random.Generator,
) -> Iterator[_Batch]:
    """All learners that have examples, in batches of one run and like length; who stands with whom is left to chance."""
    for number, run in enumerate(runs):
        examples = np.argsort(run.who, kind="stable")
        bounds = np.searchsorted(run.who[examples], np.arange(len(run.learners) + 1))
        needed = np.zeros(len(run.learners), dtype=np.int64)  # events up to the last example
        np.maximum.at(needed, run.who, run.seen)
        people = np.flatnonzero(needed)
        people = people[np.argsort(needed[people] * chance.uniform(0.8, 1.25, len(people)), kind="stable")]
        for begin in range(0, len(people), size):
            group = people[begin : begin + size]
            group = group[np.argsort(-needed[group], kind="stable")]
            longest = int(needed[group[0]])
            read = np.zeros((len(group), longest), dtype=np.int64)
            carried = np.zeros((len(group), longest, CARRIED), dtype=np.float32)
            for at, who in enumerate(group):
                first, count = int(run.begins[who]), int(needed[who])
                read[at, :count] = tokens[run.kinds[first : first + count]]
                carried[at, :count] = run.carried[first : first + count]
            mine = np.concatenate([examples[bounds[who] : bounds[who + 1]] for who in group])
            row = np.repeat(np.arange(len(group)), bounds[group + 1] - bounds[group])
            order = np.argsort(run.seen[mine], kind="stable")
            mine, row = mine[order], row[order]
            yield _Batch(
                lengths=needed[group],
                tokens=torch.from_numpy(read),
                carried=torch.from_numpy(carried),
                row=torch.from_numpy(row),
                event=torch.from_numpy(run.seen[mine].astype(np.int64) - 1),
                features=torch.from_numpy(run.features[mine]),
                labels=torch.from_numpy(run.labels[mine].astype(np.float32)),
                margins=torch.from_numpy(margins[number][mine].astype(np.float32)),
                weights=torch.from_numpy(weights[number][mine].astype(np.float32)),
                examples=torch.from_numpy(mine),
            )
