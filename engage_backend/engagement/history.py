"""A learner's history: the sorted set of their events, packed in chunks of at most 512.

History is independent of any model. It holds kinds by their number in the site's registry, blocks and sessions by a hash of
their names, so that a new vocabulary and a new model can rebuild every state from it. The bytes are a function of the set
of events alone: whatever order they came in and however often, the chunks are the same.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from operator import sub

import numpy as np

from engage_backend.engagement.rows import NONE as NONE
from engage_backend.engagement.rows import Row as Row
from engage_backend.engagement.rows import block_number as block_number
from engage_backend.engagement.rows import merge as merge
from engage_backend.engagement.rows import to_row as to_row

CHUNK = 512  # events in a full chunk

_NO_SUBMISSION = (NONE, NONE, -1)
_SUBMISSION_BYTES = 2 + 8 + 8 + 4
_FORMAT = 1
_HEADER = struct.Struct("<BHqHHH")  # format, events, first time, distinct blocks, distinct sessions, submissions


def split(rows: Sequence[Row], first_number: int = 0) -> list[tuple[int, Sequence[Row]]]:
    """(number, rows) of the chunks that `rows` fill, when they begin where chunk `first_number` begins."""
    return [(first_number + at // CHUNK, rows[at : at + CHUNK]) for at in range(0, len(rows), CHUNK)]


def _planes(values: Sequence[int]) -> bytes:
    """Integers as byte planes, least significant first: a count of planes, then the planes that are not all zero."""
    used = (max(values).bit_length() + 7) // 8
    if used == 0:
        return b"\0"
    if used == 1:
        return b"\1" + bytes(values)
    wide = np.array(values, dtype="<u8").view(np.uint8).reshape(len(values), 8)
    return bytes([used]) + wide.T[:used].tobytes()


def _indexed(values: Sequence[int]) -> tuple[list[int], list[int]]:
    """The distinct values in order of first appearance, and the index of each value among them."""
    position = {value: at for at, value in enumerate(dict.fromkeys(values))}
    return list(position), list(map(position.__getitem__, values))


def _narrow(values: Iterable[int], size: int) -> bytes:
    """Integers in `size` bytes each, least significant first."""
    return b"".join([value.to_bytes(size, "little") for value in values])


def pack(rows: Sequence[Row]) -> bytes:
    """Sorted rows (1 to 512) as bytes; `unpack` gives them back exactly."""
    if not 0 < len(rows) <= CHUNK:
        raise ValueError(f"a chunk holds 1 to {CHUNK} events, not {len(rows)}")
    times, kinds, blocks, sessions, *_ = zip(*rows, strict=True)
    distinct_blocks, block_index = _indexed(blocks)
    distinct_sessions, session_index = _indexed(sessions)
    submissions = [at for at, row in enumerate(rows) if row[4:] != _NO_SUBMISSION]
    handed_in = [rows[at] for at in submissions]
    count = len(submissions)
    body = b"".join(
        (
            _planes([0, *map(sub, times[1:], times)]),
            _planes(kinds),
            _planes(block_index),
            _planes(session_index),
            struct.pack(
                f"<{count}H{count}d{count}d{count}i",
                *submissions,
                *(row.score for row in handed_in),
                *(row.possible for row in handed_in),
                *(row.attempt for row in handed_in),
            ),
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

    def planes(self, count: int) -> list[int]:
        used = self.take(1)[0]
        if used == 0:
            return [0] * count
        if used == 1:
            return list(self.take(count))
        wide = np.zeros((count, 8), dtype=np.uint8)
        wide[:, :used] = np.frombuffer(self.take(used * count), dtype=np.uint8).reshape(used, count).T
        values: list[int] = wide.view("<u8").reshape(count).tolist()
        return values

    def numbers(self, size: int, count: int) -> list[int]:
        data = self.take(size * count)
        return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def unpack(data: bytes) -> list[Row]:
    """The rows that `pack` wrote. ValueError when the bytes are not such a chunk."""
    try:
        form, count, first, distinct_blocks, distinct_sessions, submitted = _HEADER.unpack_from(data)
        if form != _FORMAT:
            raise ValueError(f"history chunk of format {form}, this version reads {_FORMAT}")
        reader = _Reader(zlib.decompress(bytes(data[_HEADER.size :])))
    except (struct.error, zlib.error) as broken:
        raise ValueError(f"not a history chunk: {broken}") from broken
    gaps, kinds = reader.planes(count), reader.planes(count)
    block_index, session_index = reader.planes(count), reader.planes(count)
    submissions = struct.unpack(
        f"<{submitted}H{submitted}d{submitted}d{submitted}i", reader.take(_SUBMISSION_BYTES * submitted)
    )
    blocks, sessions = reader.numbers(6, distinct_blocks), reader.numbers(4, distinct_sessions)
    score, possible, attempt = [NONE] * count, [NONE] * count, [-1] * count
    parts = (submissions[at : at + submitted] for at in range(0, 4 * submitted, submitted or 1))
    for at, *handed_in in zip(*parts, strict=True):
        score[at], possible[at], attempt[at] = handed_in
    times = accumulate(gaps, initial=first)
    next(times)  # before the first gap, which is 0
    columns = (
        times,
        kinds,
        map(blocks.__getitem__, block_index),
        map(sessions.__getitem__, session_index),
        score,
        possible,
        attempt,
    )
    return list(map(_as_row, zip(*columns, strict=True)))
