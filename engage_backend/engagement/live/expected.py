"""What figures are called that were moved to the pass rate an author expects: the model's identity, and the rate behind it.

Loads nothing, so that a web process may read what a worker wrote.
"""

from __future__ import annotations

_MOVED = "~"  # name/digest~40%


def moved(identity: str, rate: float) -> str:
    """The identity of figures of this model that were moved to `rate`, 0 to 1 in whole per cent."""
    return f"{identity}{_MOVED}{round(100 * rate)}%"


def expected_rate(identity: str) -> float | None:
    """The pass rate that figures of this identity were moved to; None: they were not."""
    _, was_moved, rate = identity.partition(_MOVED)
    return int(rate.rstrip("%")) / 100 if was_moved else None


def unmoved(identity: str) -> str:
    """The identity of the model itself."""
    return identity.partition(_MOVED)[0]
