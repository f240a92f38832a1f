"""The sequence part of a model that has one: an LSTM over events. The only module of serving that imports torch.

Imported for a model folder that holds an LSTM, and for training one; a model of trees alone needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.encoder import CARRIED, Floats, Tokens
from engage_backend.engagement.trees import TARGETS

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

    @classmethod
    def from_arrays(cls, vocabulary: int, shape: Mapping[str, int], arrays: Mapping[str, npt.NDArray[Any]]) -> Lstm:
        """Build the LSTM of a folder, to be served: on one thread. Raises RuntimeError where arrays do not fit the shape.

        Steps are small matrices: a second thread cost more than it gave, and twenty times as much on a busy machine.
        """
        torch.set_num_threads(1)
        lstm = cls(vocabulary, **shape)
        lstm.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
        lstm.eval()
        return lstm

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the weights by name, as `from_arrays` takes them."""
        return {name: value.detach().cpu().contiguous().numpy() for name, value in self.state_dict().items()}

    @property
    def last(self) -> nn.Linear:
        """The layer that the logits come out of."""
        return cast(nn.Linear, self.head[2])

    @property
    def shape(self) -> dict[str, int]:
        """The sizes of its layers, as `__init__` takes them."""
        return {"hidden": self.hidden, "embedding": self.embed.embedding_dim, "head": self.last.in_features}

    @property
    def heard(self) -> list[str]:
        """The targets whose probability it has a share in."""
        shares = self.last.weight.detach().abs().sum(dim=1).tolist()
        return [target for target, share in zip(TARGETS, shares, strict=True) if share > 0]

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
    def share(self, hidden: Floats, features: Floats) -> npt.NDArray[np.float64]:
        """`logits` for serving: arrays in, an array out."""
        return self.logits(torch.from_numpy(hidden), torch.from_numpy(features)).numpy().astype(np.float64)

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
