"""The model: parts of boosted trees over counters, each calibrated, and an LSTM over events beside them where it is heard.

    logit_k(t) = slope_k * (trees_k(features(t)) [+ lstm_k(h, clock(t))]) + intercept_k

Trees see exact counters only, and an LSTM adds smoothly, so that streaming equals batch. numpy only: torch comes in with
`lstm`, for a model that has one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.calibration import Doubles, sigmoid
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.trees import TARGETS, Trees

if TYPE_CHECKING:
    from engage_backend.engagement.lstm import Lstm

# Every part that a folder may hold, with its outputs. Only `full` has to be there.
PARTS: Mapping[str, tuple[str, ...]] = {
    "full": TARGETS,  # all features; the LSTM adds to it
    "portable": ("certify",),  # what holds on ground that nobody trained on
    "level": ("days_1", "days_2", "days_3", "days_5"),  # at least so many active days in the next seven
}


@dataclass(frozen=True, slots=True)
class Part:
    """Trees with K outputs, and the calibration of their logits."""

    trees: Trees
    slope: Doubles  # (K,)
    intercept: Doubles  # (K,)
    cuts: tuple[float, ...] = ()  # of `level`: where one label ends and the next begins

    def logits(self, features: Floats, beside: Doubles | float = 0.0) -> Doubles:
        """Calibrated log-odds (n, K) from features (n, F); `beside` (n, K) is what an LSTM adds to the trees."""
        return self.slope * (self.trees.margins(features) + beside) + self.intercept


@dataclass(slots=True)
class Model:
    """All that makes a prediction."""

    parts: Mapping[str, Part]  # by name, see PARTS
    lstm: Lstm | None = None
    vocabulary: Mapping[str, int] = field(default_factory=dict)  # of the LSTM: kind -> token, 0 is the unknown one
    identity: str = ""  # name/digest; set when the model is saved or loaded
    prior: tuple[float | None, ...] = (None,) * len(TARGETS)  # how often each came true where the model was calibrated
    calibrated: bool = False  # whether finished runs of this site have calibrated it
    certify_speaks: str = "portable"  # the part whose `certify` is shown, where the model has it

    @property
    def full(self) -> Part:
        """The part that every model has."""
        return self.parts["full"]

    @property
    def hidden(self) -> int:
        """The width of the state that is kept of a learner; 0 without an LSTM."""
        return self.lstm.hidden if self.lstm is not None else 0

    def speaker(self, target: str) -> str:
        """Return the name of the part whose figure is shown for this target.

        What `full` learnt of one platform may not hold on another: `portable` speaks until it was seen on finished runs of
        this site that `full` ranks no worse.
        """
        return self.certify_speaks if target in PARTS["portable"] and self.certify_speaks in self.parts else "full"

    def _speakers(self) -> dict[str, list[str]]:
        """The parts that speak, each with its targets."""
        found: dict[str, list[str]] = {}
        for target in TARGETS:
            found.setdefault(self.speaker(target), []).append(target)
        return found

    def logits(self, features: Floats, beside: Doubles | float = 0.0) -> Doubles:
        """The log-odds that are shown, (n, 3) in the order of TARGETS; `beside` (n, 3) is what the LSTM adds."""
        found = np.zeros((len(features), len(TARGETS)))
        for name, targets in self._speakers().items():
            part = self.parts[name].logits(features, beside if name == "full" else 0.0)
            for target in targets:
                found[:, TARGETS.index(target)] = part[:, PARTS[name].index(target)]
        return found

    def probabilities(
        self, hidden: Floats, features: Floats, shift: Sequence[float] = (0.0,) * len(TARGETS)
    ) -> npt.NDArray[np.float64]:
        """Calibrated probabilities, shape (n, 3) in the order of TARGETS, from h (n, H) and features (n, F).

        `shift` is added to the log-odds of each target: see `prior_shift`.
        """
        beside = self.lstm.share(hidden, features) if self.lstm is not None else 0.0
        return sigmoid(self.logits(features, beside) + np.array(shift))

    def certify_of_each(self, hidden: Floats, features: Floats) -> dict[str, Doubles]:
        """What each part says of `certify`, as calibrated log-odds (n,), whether it speaks or not; arguments as above."""
        beside = self.lstm.share(hidden, features) if self.lstm is not None else 0.0
        return {
            name: part.logits(features, beside if name == "full" else 0.0)[:, PARTS[name].index("certify")]
            for name, part in self.parts.items()
            if "certify" in PARTS[name]
        }

    def contributions(self, features: Floats) -> Doubles:
        """How much each feature moved the log-odds that are shown, (n, 3, F): see `Trees.contributions`."""
        found = np.zeros((len(features), len(TARGETS), features.shape[1]))
        for name, targets in self._speakers().items():
            part = self.parts[name]
            moved = part.trees.contributions(features) * part.slope[None, :, None]
            for target in targets:
                found[:, TARGETS.index(target)] = moved[:, PARTS[name].index(target)]
        return found

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
