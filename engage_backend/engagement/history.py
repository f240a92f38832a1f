"""A learner's history: the sorted set of their events, packed in chunks of at most 512.

History is independent of any model. It holds kinds by their number in the site's registry, blocks and sessions by a hash of
their names, so that a new vocabulary and a new model can rebuild every state from it. The bytes are a function of the set
of events alone: whatever order they came in and however often, the chunks are the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent

CHUNK = 512  # events in a full chunk
NONE = -1.0  # stands for "no score", so that rows compare with each other

_FORMAT = 1
_HEADER = struct.Struct("<BHqHHH")  # format, events, first time, distinct blocks, distinct sessions, submissions


class Row(NamedTuple):
    """A ClickEvent as the history holds it. Rows order by time, then by all the rest."""

    time: int  # microseconds since 1970, UTC
    kind: int  # number in the site's registry
    block: int  # 48-bit hash of the usage key; 0: none
    session: int  # 32-bit hash; 0: none
    score: float  # NONE: no submission
    possible: float
    attempt: int


@lru_cache(maxsize=1 << 16)
def block_number(usage_key: str) -> int:
    """The 48 bits that stand for a usage key in histories and states; 0 for none."""
    return int.from_bytes(blake2b(usage_key.encode(), digest_size=6).digest(), "little") if usage_key else 0


@lru_cache(maxsize=1 << 16)
def _session_number(session: str) -> int:
    return int.from_bytes(blake2b(session.encode(), digest_size=4).digest(), "little") if session else 0


def to_row(event: ClickEvent, kinds: Mapping[str, int]) -> Row:
    """The event as a row; KeyError when its kind is not registered."""
    return Row(
        event.time,
        kinds[event.kind],
        block_number(event.block),
        _session_number(event.session),
        NONE if event.score is None else event.score,
        NONE if event.possible is None else event.possible,
        -1 if event.attempt is None else event.attempt,
    )


def merge(known: Sequence[Row], new: Iterable[Row]) -> list[Row]:
    """Both together as a sorted set."""
    fresh = sorted(set(new))
    if not known or not fresh or known[-1] < fresh[0]:
        return [*known, *fresh]
    return sorted({*known, *fresh})


def split(rows: Sequence[Row], first_number: int = 0) -> list[tuple[int, Sequence[Row]]]:
    """(number, rows) of the chunks that `rows` fill, when they begin where chunk `first_number` begins."""
    return [(first_number + at // CHUNK, rows[at : at + CHUNK]) for at in range(0, len(rows), CHUNK)]


def _planes(values: npt.NDArray[Any]) -> bytes:
    """Integers as byte planes, least significant first: a count of planes, then the planes that are not all zero."""
    width = values.dtype.itemsize
    planes = values.view(np.uint8).reshape(len(values), width).T
    used = next((n for n in range(width, 0, -1) if planes[n - 1].any()), 0)
    return bytes([used]) + planes[:used].tobytes()


def _indexed(values: Sequence[int]) -> tuple[list[int], npt.NDArray[np.uint16]]:
    """The distinct values in order of first appearance, and the index of each value among them."""
    position = dict(zip(dict.fromkeys(values), range(len(values)), strict=False))
    return list(position), np.fromiter(map(position.__getitem__, values), dtype="<u2", count=len(values))


def _narrow(values: list[int], size: int) -> bytes:
    """Integers in `size` bytes each, least significant first."""
    return np.array(values, dtype="<u8").view(np.uint8).reshape(-1, 8)[:, :size].tobytes()


def pack(rows: Sequence[Row]) -> bytes:
    """Sorted rows (1 to 512) as bytes; `unpack` gives them back exactly."""
    if not 0 < len(rows) <= CHUNK:
        raise ValueError(f"a chunk holds 1 to {CHUNK} events, not {len(rows)}")
    times, kinds, blocks, sessions, scores, possibles, attempts = zip(*rows, strict=True)
    gaps = np.diff(np.array(times, dtype="<i8"), prepend=times[0]).astype("<u8")
    distinct_blocks, block_index = _indexed(blocks)
    distinct_sessions, session_index = _indexed(sessions)
    submissions = [
        at for at, row in enumerate(zip(scores, possibles, attempts, strict=True)) if row != (NONE, NONE, -1)
    ]
    body = b"".join(
        (
            _planes(gaps),
            _planes(np.array(kinds, dtype="<u4")),
            _planes(block_index),
            _planes(session_index),
            np.array(submissions, dtype="<u2").tobytes(),
            np.array([scores[at] for at in submissions], dtype="<f8").tobytes(),
            np.array([possibles[at] for at in submissions], dtype="<f8").tobytes(),
            np.array([attempts[at] for at in submissions], dtype="<i4").tobytes(),
            _narrow(distinct_blocks, 6),
            _narrow(distinct_sessions, 4),
        )
    )
    header = _HEADER.pack(_FORMAT, len(rows), times[0], len(distinct_blocks), len(distinct_sessions), len(submissions))
    return header + zlib.compress(body, 6)


# What `Row._make` does, without its Python frame: unpacking is on the way of every event.
_as_row = partial(tuple.__new__, Row)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        part = self.data[self.at : self.at + size]
        if len(part) != size:
            raise ValueError("a history chunk ends too early")
        self.at += size
        return part

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * count), dtype=dtype)

    def planes(self, dtype: str, count: int) -> npt.NDArray[Any]:
        used = self.take(1)[0]
        values = np.zeros((count, np.dtype(dtype).itemsize), dtype=np.uint8)
        values[:, :used] = np.frombuffer(self.take(used * count), dtype=np.uint8).reshape(used, count).T
        return values.view(dtype).reshape(count)

    def numbers(self, size: int, count: int) -> npt.NDArray[np.uint64]:
        wide = np.zeros((count, 8), dtype=np.uint8)
        wide[:, :size] = np.frombuffer(self.take(size * count), dtype=np.uint8).reshape(count, size)
        return wide.view("<u8").reshape(count)


def unpack(data: bytes) -> list[Row]:
    """The rows that `pack` wrote. ValueError when the bytes are not such a chunk."""
    try:
        form, count, first, blocks, sessions, submitted = _HEADER.unpack_from(data)
        if form != _FORMAT:
            raise ValueError(f"history chunk of format {form}, this version reads {_FORMAT}")
        reader = _Reader(zlib.decompress(bytes(data[_HEADER.size :])))
    except (struct.error, zlib.error) as broken:
        raise ValueError(f"not a history chunk: {broken}") from broken
    times = (np.cumsum(reader.planes("<u8", count).astype("<i8")) + first).tolist()
    kinds = reader.planes("<u4", count).tolist()
    block_index = reader.planes("<u2", count)
    session_index = reader.planes("<u2", count)
    positions = reader.array("<u2", submitted).tolist()
    scores = reader.array("<f8", submitted).tolist()
    possibles = reader.array("<f8", submitted).tolist()
    attempts = reader.array("<i4", submitted).tolist()
    block_of = reader.numbers(6, blocks)
    session_of = reader.numbers(4, sessions)
    score, possible, attempt = [NONE] * count, [NONE] * count, [-1] * count
    for at, *handed_in in zip(positions, scores, possibles, attempts, strict=True):
        score[at], possible[at], attempt[at] = handed_in
    return list(
        map(
            _as_row,
            zip(
                times,
                kinds,
                block_of[block_index].tolist(),
                session_of[session_index].tolist(),
                score,
                possible,
                attempt,
                strict=True,
            ),
        )
    )
