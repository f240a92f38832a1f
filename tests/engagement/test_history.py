"""Histories: sets of events as bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_backend.engagement.history import CHUNK, NONE, Row, merge, pack, split, unpack

_numbers = st.integers(min_value=0, max_value=2**32 - 1)
_rows = st.builds(
    Row,
    time=st.integers(min_value=946_684_800_000_000, max_value=4_102_444_800_000_000),
    kind=st.integers(min_value=0, max_value=70_000),
    block=st.integers(min_value=0, max_value=2**48 - 1),
    session=_numbers,
    score=st.sampled_from([NONE, 0.0, 0.1, 1.0, 1e-9, 12345.678]),
    possible=st.sampled_from([NONE, 1.0, 0.05]),
    attempt=st.integers(min_value=-1, max_value=2**31 - 1),
)


@given(st.lists(_rows, min_size=1, max_size=60))
def test_a_chunk_gives_back_exactly_what_was_packed(rows: list[Row]) -> None:
    history = merge([], rows)
    assert unpack(pack(history)) == history


@given(st.lists(_rows, min_size=1, max_size=60), st.randoms())
def test_order_repetition_and_batches_do_not_change_a_byte(rows: list[Row], dice: random.Random) -> None:
    whole = pack(merge([], rows))
    shuffled = rows + dice.choices(rows, k=len(rows))
    dice.shuffle(shuffled)
    history: list[Row] = []
    while shuffled:
        cut = dice.randint(1, len(shuffled))
        history = merge(history, shuffled[:cut])
        shuffled = shuffled[cut:]
    assert pack(history) == whole


def test_chunks_are_numbered_from_where_they_begin_and_only_the_last_is_short() -> None:
    rows = [Row(n, 0, 0, 0, NONE, NONE, -1) for n in range(CHUNK * 2 + 3)]
    assert [(number, len(part)) for number, part in split(rows, 5)] == [(5, CHUNK), (6, CHUNK), (7, 3)]


@pytest.mark.parametrize("broken", [b"", b"\x01", b"nonsense" * 10, pack([Row(1, 2, 3, 4, 0.5, 1.0, 1)])[:-3]])
def test_bytes_that_are_no_chunk_are_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="chunk"):
        unpack(broken)


def test_a_chunk_of_another_format_is_refused_by_its_number() -> None:
    data = b"\x09" + pack([Row(1, 2, 3, 4, 0.5, 1.0, 1)])[1:]
    with pytest.raises(ValueError, match="format 9, this version reads 1"):
        unpack(data)
