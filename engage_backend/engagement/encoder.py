"""From events to what the LSTM reads. Training and serving call this one module, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.categories import category_of
from engage_backend.engagement.history import Row

UNKNOWN_TOKEN = 0
CARRIED = 4  # numbers that go with each token: see `encode`

Floats = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]


class KindTable:
    """The registry of kinds as counters and encoder read it: by number. Append-only, like the registry."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self.categories: list[int] = []
        for name in names:
            self.number(name)

    def number(self, name: str) -> int:
        """The kind's number, given out now when it is new."""
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            self.categories.append(int(category_of(name)))
        return number

    def tokens(self, vocabulary: Mapping[str, int]) -> Tokens:
        """Token by kind number under one model's vocabulary; kinds it does not know are UNKNOWN_TOKEN."""
        return np.array([vocabulary.get(name, UNKNOWN_TOKEN) for name in self.names], dtype=np.int64)


def encode(rows: Sequence[Row], before: int | None, tokens: Tokens) -> tuple[Tokens, Floats]:
    """What the LSTM reads for `rows`: tokens, shape (n,), and what each event carries, shape (n, CARRIED).

    `before` is the time (µs) of the event before the first row, None at a learner's beginning. Carried are the logarithm of the
    seconds since the event before, whether a new session began, whether something was handed in, and its score, 0 to 1.
    """
    kinds = np.fromiter((row.kind for row in rows), dtype=np.int64, count=len(rows))
    times = np.fromiter((row.time for row in rows), dtype=np.int64, count=len(rows))
    gaps = np.diff(times, prepend=times[:1] if before is None else before).clip(min=0) / 1e6
    carried = np.zeros((len(rows), CARRIED), dtype=np.float32)
    carried[:, 0] = np.log1p(gaps) / 14.0
    carried[:, 1] = gaps > 1800.0
    for at, row in enumerate(rows):
        if row.possible > 0.0 and row.score >= 0.0:
            carried[at, 2] = 1.0
            carried[at, 3] = row.score / row.possible
    known = kinds < len(tokens)
    return np.where(known, tokens[np.where(known, kinds, 0)] if len(tokens) else 0, UNKNOWN_TOKEN), carried
