"""Parsing in other processes gives what parsing here gives, in order; and says so when a process is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from multiprocessing import active_children

import pytest

from engage_backend.engagement.columns import Pile
from engage_backend.engagement.live.parsing import ParserDied, parsed
from tests.engagement.clicks import clicks
from tests.engagement.live.test_commands import line


def blocks(count: int) -> Iterator[tuple[int, list[bytes]]]:
    for number in range(count):
        yield number, [*(line(event) for event in clicks(101 + number, 40)), b"{broken" if number == 1 else b""]


def test_processes_parse_as_this_one_does_and_in_order() -> None:
    here = list(parsed(blocks(7), processes=0))
    there = list(parsed(blocks(7), processes=2))
    assert [one.tag for one in there] == list(range(7))
    assert [one.rejected for one in there] == [one.rejected for one in here]
    assert [bool(one.lines) for one in there] == [number == 1 for number in range(7)]
    for one, other in zip(here, there, strict=True):
        piles = Pile(), Pile()
        piles[0].add(one.columns)
        piles[1].add(other.columns)
        assert list(piles[0].by_learner(1)) == list(piles[1].by_learner(1))
    assert active_children() == []


def test_who_stops_early_leaves_no_process_behind() -> None:
    with closing(parsed(blocks(50), processes=1)) as found:
        assert next(found).tag == 0
        assert active_children()
    assert active_children() == []


def test_a_killed_process_is_an_error_and_not_a_silence() -> None:
    with closing(parsed(blocks(2_000), processes=1)) as found, pytest.raises(ParserDied, match="memory"):
        for _ in found:
            for child in active_children():
                child.kill()
    assert active_children() == []


def test_what_cannot_be_read_is_raised_here() -> None:
    def failing() -> Iterator[tuple[int, list[bytes]]]:
        yield from blocks(2)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(parsed(failing(), processes=1))
