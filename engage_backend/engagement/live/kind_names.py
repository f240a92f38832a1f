"""What the kinds in a history are called, for pages that are asked for again and again."""

from __future__ import annotations

from collections.abc import Iterable

from engage_backend.models import Kind

# The registry is append-only: what this process has read once stays right. At most `registry.MAX_KINDS` names. Whoever
# puts another database in this one's place restarts the processes beside it.
_read: dict[int, str] = {}


def names_of(numbers: Iterable[int]) -> dict[int, str]:
    """Number -> name, of those of the numbers that there are. No query unless one is met for the first time."""
    asked = set(numbers)
    if asked - _read.keys():
        _read.update(Kind.objects.filter(number__in=asked - _read.keys()).values_list("number", "name"))
    return {number: _read[number] for number in asked & _read.keys()}


def forget() -> None:
    """Read all names anew: for tests, whose database begins anew with each."""
    _read.clear()
