"""An LSTM that is asked at week-end marks within a sequence, and how it is trained: in windows, nobody's end cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from engage_backend.engagement.comparison.material import Doubles
from engage_backend.engagement.trees import TARGETS
from engage_backend.engagement.trees_fit import cores

# Small batches: with 128 learners three passes were 300 steps, and the answers constants (loss .61; so .36 after four).
BATCH, WINDOW = 32, 128  # learners; steps that the gradient goes back


@dataclass(frozen=True, slots=True)
class Sequence_:  # noqa: N801 - `Sequence` is taken
    """One learner: T steps, m marks."""

    steps: npt.NDArray[np.int64] | npt.NDArray[np.float32]  # (T,) tokens, or (T, width)
    marks: npt.NDArray[np.int64]  # (m,) the step after which it is asked
    labels: npt.NDArray[np.int8]  # (m, TARGETS)


@dataclass(frozen=True, slots=True)
class Settings:
    """How such an LSTM is built and trained."""

    width: int  # of a step: numbers, or tokens
    hidden: int
    dropout: float  # of the input
    rate: float


@dataclass(frozen=True, slots=True)
class _Batch:
    """Learners side by side, the longest first; marks in order of their step."""

    who: npt.NDArray[np.int64]  # (B,) which sequences
    lengths: npt.NDArray[np.int64]  # (B,) falling
    steps: Tensor  # (B, T) or (B, T, width)
    row: npt.NDArray[np.int64]  # (M,)
    step: npt.NDArray[np.int64]  # (M,)
    number: npt.NDArray[np.int64]  # (M,) which mark of its learner
    labels: Tensor  # (M, TARGETS)


class Lstm(nn.Module):
    """Input dropout, one LSTM layer, one logit a target."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.width = settings.width
        self.drop = nn.Dropout(settings.dropout)
        self.lstm = nn.LSTM(settings.width, settings.hidden, batch_first=True)
        self.out = nn.Linear(settings.hidden, len(TARGETS))

    def asked(self, batch: _Batch) -> Iterator[tuple[int, int, Tensor]]:
        """For each window: which of the batch's marks lie in it (from, to), and their logits (m, TARGETS)."""
        state: tuple[Tensor, Tensor] | None = None
        for begin in range(0, batch.steps.shape[1], WINDOW):
            end = min(begin + WINDOW, batch.steps.shape[1])
            on = int(np.searchsorted(-batch.lengths, -begin, side="left"))
            if state is not None:
                state = (state[0][:, :on].detach().contiguous(), state[1][:, :on].detach().contiguous())
            part = batch.steps[:on, begin:end]
            inputs = one_hot(part, self.width).float() if part.dim() == 2 else part
            after, state = self.lstm(self.drop(inputs), state)
            low, high = (int(bound) for bound in np.searchsorted(batch.step, [begin, end]))
            yield low, high, self.out(after[batch.row[low:high], batch.step[low:high] - begin])


def fit(
    learnt: Sequence[Sequence_],
    unseen: Sequence[Sequence_],
    settings: Settings,
    *,
    passes: int,
    patience: int,
    seed: int,
    progress: Callable[[str], object] = lambda what: None,
) -> Lstm:
    """The LSTM after the pass that leaves the least loss on `unseen` (after the last, where there are none).

    It ends after `passes`, or where `patience` passes in a row left no smaller loss.
    """
    torch.set_num_threads(cores())
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    lstm = Lstm(settings)
    optimizer = torch.optim.Adam(lstm.parameters(), lr=settings.rate)
    best, since, kept = np.inf, 0, {name: value.clone() for name, value in lstm.state_dict().items()}
    for epoch in range(passes):
        lstm.train()
        batches = list(_batches(learnt, chance))
        for at, number in enumerate(chance.permutation(len(batches))):
            batch = batches[number]
            for low, high, logits in lstm.asked(batch):
                judged = batch.labels[low:high] >= 0
                if not judged.any():
                    continue
                losses = binary_cross_entropy_with_logits(logits, batch.labels[low:high].clamp(min=0), reduction="none")
                optimizer.zero_grad()
                ((losses * judged).sum() / judged.sum()).backward()
                nn.utils.clip_grad_norm_(lstm.parameters(), 1.0)
                optimizer.step()
            progress(f"LSTM, pass {epoch + 1} of at most {passes}: {at + 1} of {len(batches)} batches")
        loss, since = _loss(lstm, unseen) if unseen else -epoch, since + 1
        if loss < best:
            best, since, kept = loss, 0, {name: value.clone() for name, value in lstm.state_dict().items()}
        progress(f"LSTM, pass {epoch + 1} of at most {passes}: loss {loss:.4f}, {best:.4f} at the least")
        if since >= patience:
            break
    lstm.load_state_dict(kept)
    lstm.eval()
    return lstm


@torch.inference_mode()
def said_by(lstm: Lstm, sequences: Sequence[Sequence_]) -> list[Doubles]:
    """Probabilities at each sequence's marks, (m, TARGETS)."""
    lstm.eval()
    out = [np.zeros((len(one.marks), len(TARGETS))) for one in sequences]
    for batch in _batches(sequences, None):
        for low, _, logits in lstm.asked(batch):
            for at, chances in enumerate(logits.sigmoid().numpy().astype(np.float64), start=low):
                out[batch.who[batch.row[at]]][batch.number[at]] = chances
    return out


def _loss(lstm: Lstm, sequences: Sequence[Sequence_]) -> float:
    p = np.clip(np.concatenate(said_by(lstm, sequences)), 1e-6, 1 - 1e-6)
    y = np.concatenate([one.labels for one in sequences])
    return float(-np.mean(np.where(y == 1, np.log(p), np.log(1 - p))[y >= 0])) if (y >= 0).any() else 0.0


def _batches(sequences: Sequence[Sequence_], chance: np.random.Generator | None) -> Iterator[_Batch]:
    """All who have marks, in batches of like length."""
    lengths = np.array([int(one.marks[-1]) + 1 if len(one.marks) else 0 for one in sequences], dtype=np.int64)
    people = np.flatnonzero(lengths)
    jitter = 1.0 if chance is None else chance.uniform(0.8, 1.25, len(people))
    people = people[np.argsort(lengths[people] * jitter, kind="stable")]
    for begin in range(0, len(people), BATCH):
        group = people[begin : begin + BATCH]
        group = group[np.argsort(-lengths[group], kind="stable")]
        first = sequences[group[0]].steps
        steps = np.zeros((len(group), int(lengths[group[0]]), *first.shape[1:]), dtype=first.dtype)
        for at, who in enumerate(group):
            steps[at, : lengths[who]] = sequences[who].steps[: lengths[who]]
        counts = [len(sequences[who].marks) for who in group]
        step = np.concatenate([sequences[who].marks for who in group])
        order = np.argsort(step, kind="stable")
        yield _Batch(
            who=group,
            lengths=lengths[group],
            steps=torch.from_numpy(steps),
            row=np.repeat(np.arange(len(group)), counts)[order],
            step=step[order],
            number=np.concatenate([np.arange(count) for count in counts])[order],
            labels=torch.from_numpy(np.concatenate([sequences[who].labels for who in group])[order].astype(np.float32)),
        )
