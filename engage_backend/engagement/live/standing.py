"""What the figures of a run stand on: the model, moved to the pass rate that an author expects where nothing better is known.

No finished run of the site may have calibrated the model: what is known is not overruled by what is hoped.
"""

from __future__ import annotations

from typing import NamedTuple

from engage_backend.engagement.live.expected import moved
from engage_backend.engagement.model import Model
from engage_backend.models import CourseRun


class Standing(NamedTuple):
    """Under which identity figures are kept, and what is added to the model's log-odds (3,)."""

    identity: str
    shift: tuple[float, ...]


NO_MODEL = Standing("", (0.0, 0.0, 0.0))


def standing(run: CourseRun, model: Model | None, *, calibrated: bool) -> Standing:
    """What this run's figures stand on; `calibrated`: by finished runs of this site."""
    if model is None:
        return NO_MODEL
    rate = None if calibrated else run.expected_pass_rate
    shift = model.prior_shift(rate)
    is_moved = rate is not None and any(shift)
    return Standing(moved(model.identity, rate or 0.0) if is_moved else model.identity, shift)
