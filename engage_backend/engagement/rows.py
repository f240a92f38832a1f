"""An event as histories and counters read it: numbers alone. Without numpy, so that a web process can count, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from engage_backend.clickstream.event import ClickEvent

NONE = -1.0  # stands for "no score", so that rows compare with each other


class Row(NamedTuple):
    """A ClickEvent as the history holds it. Rows order by time, then by all the rest."""

    time: int  # microseconds since 1970, UTC
    kind: int  # number in the site's registry
    block: int  # 48-bit hash of the usage key; 0: none
    session: int  # 32-bit hash; 0: none
    score: float  # NONE: no submission
    possible: float
    attempt: int


_new = tuple.__new__  # a third of the time that the NamedTuple's own takes


@lru_cache(maxsize=1 << 16)
def block_number(usage_key: str) -> int:
    """The 48 bits that stand for a usage key in histories and states; 0 for none."""
    return int.from_bytes(blake2b(usage_key.encode(), digest_size=6).digest(), "little") if usage_key else 0


@lru_cache(maxsize=1 << 16)
def _session_number(session: str) -> int:
    return int.from_bytes(blake2b(session.encode(), digest_size=4).digest(), "little") if session else 0


def to_row(event: ClickEvent, kinds: Mapping[str, int]) -> Row:
    """The event as a row; KeyError when its kind is not registered."""
    _, _, time, kind, block, session, score, possible, attempt, _ = event
    return _new(
        Row,
        (
            time,
            kinds[kind],
            block_number(block),
            _session_number(session),
            NONE if score is None else score,
            NONE if possible is None else possible,
            -1 if attempt is None else attempt,
        ),
    )


def merge(known: Sequence[Row], new: Iterable[Row]) -> list[Row]:
    """Both together as a sorted set."""
    fresh = sorted(set(new))
    if not known or not fresh or known[-1] < fresh[0]:
        return [*known, *fresh]
    return sorted({*known, *fresh})
