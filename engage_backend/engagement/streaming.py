"""Moving many learners forward at once: from kept states and new rows to new states, and from states to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.counters import Counters, Plan
from engage_backend.engagement.encoder import Floats, KindTable, encode_many
from engage_backend.engagement.history import Row
from engage_backend.engagement.model import Model

_EVENTS_AT_ONCE = 100_000  # bounds the memory of one call: about 200 MB at 48 hidden units


@dataclass(slots=True)
class Kept:
    """What a model remembers of a learner after the first `position` events of the history."""

    hidden: Floats  # (2, H): h and c; H is 0 without an LSTM
    counters: Counters
    position: int = 0

    @classmethod
    def start(cls, model: Model) -> Kept:
        """Before the first event."""
        return cls(np.zeros((2, model.hidden), dtype=np.float32), Counters())


def advance(model: Model, kinds: KindTable, kept: Sequence[Kept], rows: Sequence[Sequence[Row]]) -> list[Kept]:
    """The states after `rows[i]` follow `kept[i]`. What is given is left as it is."""
    hidden = [one.hidden for one in kept] if model.lstm is None else _listened(model, kinds, kept, rows)
    moved = list(kept)
    for at, (before, new, state) in enumerate(zip(kept, rows, hidden, strict=True)):
        if new:
            counters = before.counters.copy()
            counters.update(new, kinds.categories)
            moved[at] = Kept(state, counters, before.position + len(new))
    return moved


def _listened(model: Model, kinds: KindTable, kept: Sequence[Kept], rows: Sequence[Sequence[Row]]) -> list[Floats]:
    """The LSTM's states after the rows."""
    assert model.lstm is not None
    tokens = kinds.tokens(model.vocabulary)
    moved = [one.hidden for one in kept]
    waiting = [at for at, new in enumerate(rows) if new]
    while waiting:
        events = 0
        part: list[int] = []
        while waiting and (not part or events + len(rows[waiting[-1]]) <= _EVENTS_AT_ONCE):
            part.append(waiting.pop())
            events += len(rows[part[-1]])
        before = [kept[at].counters.last if kept[at].counters.events else None for at in part]
        read = encode_many([kinds.clicks(rows[at]) for at in part], before, tokens)
        states = np.stack([kept[at].hidden for at in part])
        states = model.lstm.run(states, [one for one, _ in read], [carried for _, carried in read])
        for at, state in zip(part, states, strict=True):
            moved[at] = state
    return moved


def inputs(kept: Sequence[Kept], plans: Sequence[Plan], clock: int) -> tuple[Floats, Floats]:
    """What the read-out reads at `clock` (µs): hidden states (n, H), and features (n, F). n is at least 1."""
    features = [one.counters.features(plan, clock) for one, plan in zip(kept, plans, strict=True)]
    return np.stack([one.hidden[0] for one in kept]), np.array(features, dtype=np.float32)


def probabilities(model: Model, kept: Sequence[Kept], plans: Sequence[Plan], clock: int) -> npt.NDArray[np.float64]:
    """Probabilities at `clock` (µs), shape (n, 3), in the order of TARGETS. Changes no state."""
    return model.probabilities(*inputs(kept, plans, clock)) if kept else np.zeros((0, 3))
