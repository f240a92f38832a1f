"""Moving many learners forward at once: from kept states and new rows to new states, and from states to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.counters import Counters, Plan
from engage_backend.engagement.encoder import Floats, KindTable, encode
from engage_backend.engagement.history import Row
from engage_backend.engagement.model import Model

_EVENTS_AT_ONCE = 100_000  # bounds the memory of one call: about 200 MB at 48 hidden units


@dataclass(slots=True)
class Kept:
    """What a model remembers of a learner after the first `position` events of the history."""

    hidden: Floats  # (2, H): h and c
    counters: Counters
    position: int = 0

    @classmethod
    def start(cls, model: Model) -> Kept:
        """Before the first event."""
        return cls(np.zeros((2, model.lstm.hidden), dtype=np.float32), Counters())


def advance(model: Model, kinds: KindTable, kept: Sequence[Kept], rows: Sequence[Sequence[Row]]) -> list[Kept]:
    """The states after `rows[i]` follow `kept[i]`. What is given is left as it is."""
    tokens = kinds.tokens(model.vocabulary)
    moved: list[Kept] = []
    begin = 0
    while begin < len(kept):
        end, events = begin, 0
        while end < len(kept) and (end == begin or events + len(rows[end]) <= _EVENTS_AT_ONCE):
            events += len(rows[end])
            end += 1
        read = [
            encode(new, old.counters.last if old.counters.events else None, tokens)
            for old, new in zip(kept[begin:end], rows[begin:end], strict=True)
        ]
        states = np.stack([old.hidden for old in kept[begin:end]])
        states = model.lstm.run(states, [one for one, _ in read], [carried for _, carried in read])
        for at, (old, new) in enumerate(zip(kept[begin:end], rows[begin:end], strict=True)):
            counters = old.counters.copy()
            counters.update(new, kinds.categories)
            moved.append(Kept(states[at], counters, old.position + len(new)))
        begin = end
    return moved


def probabilities(model: Model, kept: Sequence[Kept], plans: Sequence[Plan], clock: int) -> npt.NDArray[np.float64]:
    """Probabilities at `clock` (µs), shape (n, 3), in the order of TARGETS. Changes no state."""
    if not kept:
        return np.zeros((0, 3))
    features = [one.counters.features(plan, clock) for one, plan in zip(kept, plans, strict=True)]
    hidden = np.stack([one.hidden[0] for one in kept])
    return model.probabilities(hidden, np.array(features, dtype=np.float32))
