"""The model, in one readable file: an LSTM over events, boosted trees over counters, one calibrated probability per target.

    logit_k(t) = slope_k * (head_k(h, clock(t)) + trees_k(features(t))) + intercept_k

`h` moves by events alone (constant work each); the clock enters in the read-out only, so that silence is learnt at silent
days and not extrapolated. Trees see exact counters only and the LSTM adds smoothly, so that streaming equals batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.encoder import CARRIED, Floats, Tokens
from engage_backend.engagement.trees import TARGETS, Trees

_SILENT = FEATURES.index("days_silent")
_SINCE_START = FEATURES.index("days_since_start")
_SHARE = FEATURES.index("share_of_course")
CLOCK = 3  # numbers that `clock_inputs` makes


def clock_inputs(features: Tensor) -> Tensor:
    """Of the features, shape (n, F), those that the LSTM's head reads, scaled, shape (n, CLOCK)."""
    return torch.stack(
        (
            torch.log1p(features[:, _SILENT].clamp(min=0)) / 4.0,
            features[:, _SINCE_START].clamp(-60, 400) / 200.0,
            features[:, _SHARE].clamp(-1.0, 2.0),
        ),
        dim=1,
    )


class Lstm(nn.Module):
    """Embedding, one LSTM layer, and a small head that reads its hidden state and the clock."""

    def __init__(self, vocabulary: int, hidden: int = 48, embedding: int = 16, head: int = 32) -> None:
        super().__init__()
        self.hidden = hidden
        self.embed = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding + CARRIED, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden + CLOCK, head), nn.Tanh(), nn.Linear(head, len(TARGETS)))

    def forward(
        self, tokens: Tensor, carried: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Hidden states after each event, (B, L, H), from padded tokens (B, L) and carried (B, L, CARRIED); for training."""
        after, last = self.lstm(torch.cat((self.embed(tokens), carried), dim=2), state)
        return after, last

    def logits(self, hidden: Tensor, features: Tensor) -> Tensor:
        """The LSTM's share of the logits, (n, 3), from hidden states (n, H) and features (n, F)."""
        out: Tensor = self.head(torch.cat((hidden, clock_inputs(features)), dim=1))
        return out

    @torch.inference_mode()
    def run(self, states: Floats, tokens: Sequence[Tokens], carried: Sequence[Floats]) -> Floats:
        """States (n, 2, H: h and c) moved over sequences of unequal length, all at once, without padding.

        Learners are sorted by length, so that step t works on just those who have a t-th event.
        """
        lengths = np.array([len(sequence) for sequence in tokens], dtype=np.int64)
        moved = torch.from_numpy(np.array(states, dtype=np.float32))
        if not lengths.sum():
            return moved.numpy()
        order = np.argsort(-lengths, kind="stable")
        lengths = lengths[order]
        begins = torch.from_numpy(np.concatenate(([0], np.cumsum(lengths)[:-1])))
        flat_tokens = torch.from_numpy(np.concatenate([tokens[at] for at in order]))
        flat_carried = torch.from_numpy(np.concatenate([carried[at] for at in order]))
        width = self.embed.embedding_dim
        into, recurrent, bias_in, bias_across = self.lstm.all_weights[0]
        by_token = torch.addmm(bias_in + bias_across, self.embed.weight, into[:, :width].T)
        inputs = by_token[flat_tokens].addmm_(flat_carried, into[:, width:].T)
        across = recurrent.T.contiguous()
        h, c = moved[order, 0].contiguous(), moved[order, 1].contiguous()
        alive = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
        for step, count in enumerate(alive.tolist()):
            gates = torch.addmm(inputs[begins[:count] + step], h[:count], across)
            i, f, g, o = gates.chunk(4, dim=1)
            c[:count] = f.sigmoid() * c[:count] + i.sigmoid() * g.tanh()
            h[:count] = o.sigmoid() * c[:count].tanh()
        moved[order, 0], moved[order, 1] = h, c
        return moved.numpy()


@dataclass(slots=True)
class Model:
    """All that makes a prediction: the LSTM, the trees, the calibration, and the vocabulary they were trained on."""

    lstm: Lstm
    trees: Trees
    vocabulary: Mapping[str, int]  # kind -> token, 0 is the unknown one
    slope: npt.NDArray[np.float64]  # (3,) by target, of the calibrated logit
    intercept: npt.NDArray[np.float64]  # (3,)
    identity: str = ""  # name/digest; set when the model is saved or loaded
    prior: tuple[float | None, ...] = (None,) * len(TARGETS)  # how often each came true where the model was calibrated

    @torch.inference_mode()
    def probabilities(
        self, hidden: Floats, features: Floats, shift: Sequence[float] = (0.0,) * len(TARGETS)
    ) -> npt.NDArray[np.float64]:
        """Calibrated probabilities, shape (n, 3) in the order of TARGETS, from h (n, H) and features (n, F).

        `shift` is added to the log-odds of each target: see `prior_shift`.
        """
        smooth = self.lstm.logits(torch.from_numpy(hidden), torch.from_numpy(features)).numpy().astype(np.float64)
        logits = self.slope * (smooth + self.trees.margins(features)) + self.intercept + np.array(shift)
        chances: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits.clip(-30.0, 30.0)))
        return chances

    def prior_shift(self, expected: float | None) -> tuple[float, ...]:
        """What to add to the log-odds (3,) of a course where the share `expected` is to earn a certificate.

        Odds times the quotient of the odds (Elkan 2001), which is exact where learners who pass, and those who do not, behave
        as they did elsewhere. Who completes moves along; who leaves does not. Nothing where no rate is known to compare with.
        """
        before = self.prior[TARGETS.index("certify")]
        if expected is None or before is None:
            return (0.0,) * len(TARGETS)
        moved = log_odds(expected) - log_odds(before)
        return tuple(0.0 if target == "leave" else moved for target in TARGETS)


def log_odds(share: float) -> float:
    """Of a share, kept from 0 and 1."""
    kept = min(max(share, 0.01), 0.99)
    return math.log(kept / (1 - kept))
