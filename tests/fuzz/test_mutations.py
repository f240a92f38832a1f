"""The first thousands of what `make fuzz` does millions of."""

from __future__ import annotations

from tests.fuzz.fuzz import work
from tests.fuzz.mutations import Mutator, real_lines


def test_damaged_records_become_events_that_can_be_stored_or_reasons() -> None:
    tried, came, _, faults = work(seed=7, count=5_000, seconds=120.0)
    assert faults == []
    assert tried == sum(came.values()) == 5_000
    assert came["events"] > 200
    assert came["broken JSON"] > 200
    assert len(came) > 8


def test_the_same_seed_gives_the_same_damage() -> None:
    one, same, other = (Mutator(real_lines(), seed) for seed in (1, 1, 2))
    lines = [one.line() for _ in range(50)]
    assert [same.line() for _ in range(50)] == lines
    assert [other.line() for _ in range(50)] != lines
