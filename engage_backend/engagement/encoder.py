"""From events to what the LSTM reads. Training and serving call this one module, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.names import is_activity
from engage_backend.clickstream.scores import EFFECTS, place_of
from engage_backend.engagement.categories import FACT, category_of
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
        # Category of each kind (FACT: of none), + 16 x its place in `clickstream.scores.EFFECTS`, where it has one.
        self.categories: list[int] = []
        self.facts: set[int] = set()
        for name in names:
            self.number(name)

    def number(self, name: str) -> int:
        """The kind's number, given out now when it is new."""
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
            place = place_of(name) if name in EFFECTS else 0
            self.categories.append((int(category_of(name)) if is_activity(name) else FACT) + 16 * place)
            if not is_activity(name):
                self.facts.add(number)
        return number

    def clicks(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the rows that are activity: what the LSTM reads, and what says when somebody was last here."""
        return [row for row in rows if row.kind not in self.facts] if self.facts else rows

    def tokens(self, vocabulary: Mapping[str, int]) -> Tokens:
        """Token by kind number under one model's vocabulary; kinds it does not know are UNKNOWN_TOKEN."""
        return np.array([vocabulary.get(name, UNKNOWN_TOKEN) for name in self.names], dtype=np.int64)


def encode(rows: Sequence[Row], before: int | None, tokens: Tokens) -> tuple[Tokens, Floats]:
    """What the LSTM reads for `rows`: tokens, shape (n,), and what each event carries, shape (n, CARRIED).

    `before` is the time (µs) of the event before the first row, None at a learner's beginning. Carried are the logarithm of the
    seconds since the event before, whether a new session began, whether something was handed in, and its score, 0 to 1.
    """
    return encode_many([rows], [before], tokens)[0]


def encode_many(
    rows: Sequence[Sequence[Row]], before: Sequence[int | None], tokens: Tokens
) -> list[tuple[Tokens, Floats]]:
    """`encode` for many learners at once: live, most of them bring one row, and an array for each would cost more."""
    flat = [row for one in rows for row in one]
    if not flat:
        nothing = np.zeros(0, dtype=np.int64), np.zeros((0, CARRIED), dtype=np.float32)
        return [nothing] * len(rows)
    lengths = [len(one) for one in rows]
    ends = list(accumulate(lengths))
    kinds = np.array([row.kind for row in flat], dtype=np.int64)
    times = np.array([row.time for row in flat], dtype=np.int64)
    earlier = np.empty_like(times)
    earlier[1:] = times[:-1]
    for one, moment, end in zip(rows, before, ends, strict=True):
        if one:
            earlier[end - len(one)] = one[0].time if moment is None else moment
    gaps = np.maximum(times - earlier, 0) / 1e6
    carried = np.zeros((len(flat), CARRIED), dtype=np.float32)
    carried[:, 0] = np.log1p(gaps) / 14.0
    carried[:, 1] = gaps > 1800.0
    for at, row in enumerate(flat):
        if row.possible > 0.0 and row.score >= 0.0:
            carried[at, 2] = 1.0
            carried[at, 3] = row.score / row.possible
    known = kinds < len(tokens)
    read = np.where(known, tokens[np.where(known, kinds, 0)] if len(tokens) else 0, UNKNOWN_TOKEN)
    return [(read[end - length : end], carried[end - length : end]) for length, end in zip(lengths, ends, strict=True)]
