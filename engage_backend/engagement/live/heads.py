"""The state after the last event of each learner who came lately, in the memory of this process.

The state that is stored lags behind, so that a new event would replay that lag each time; from the head it costs one step.
A head may be lost at any moment, and is good for nothing but the history that it was made from: histories only grow, so
one with as many events and the same last one is that history, whoever wrote it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from engage_backend.engagement.counters import Counters
from engage_backend.engagement.live.histories import Tail
from engage_backend.engagement.streaming import Kept

MOST = 20_000  # learners, of about 1 kB each


class Head(NamedTuple):
    """A state, and the position of the state that is stored."""

    kept: Kept
    stored: int


class _Packed(NamedTuple):
    hidden: bytes
    counters: bytes
    position: int
    last: int  # time of the last event, µs
    stored: int


class Heads:
    """Learner -> Head, of those who came last. States of one model at a time; bytes, since so they take a third."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._model = ""
        self._packed: OrderedDict[int, _Packed] = OrderedDict()

    def get(self, learner: int, model: str, history: Tail) -> Head | None:
        """The state after all of the history; None where there is none at hand."""
        packed = self._packed.get(learner)
        if packed is None or model != self._model or not history.rows:
            return None
        if packed.position != history.end or packed.last != history.rows[-1].time:
            return None
        hidden = np.frombuffer(packed.hidden, dtype=np.float32).reshape(2, -1)
        return Head(Kept(hidden, Counters.from_bytes(packed.counters), packed.position), packed.stored)

    def keep(self, learner: int, model: str, kept: Kept, stored: int) -> None:
        """This is the learner's state after the last event; the one that is stored stands at position `stored`."""
        if model != self._model:
            self._packed.clear()
            self._model = model
        self._packed[learner] = _Packed(
            kept.hidden.astype(np.float32, copy=False).tobytes(),
            kept.counters.to_bytes(),
            kept.position,
            kept.counters.last,
            stored,
        )
        self._packed.move_to_end(learner)
        while len(self._packed) > self._most:
            self._packed.popitem(last=False)

    def clear(self) -> None:
        """Forget all: they may come from a transaction that did not last."""
        self._packed.clear()
