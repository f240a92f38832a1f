"""The site's registry of event kinds: append-only, so that a number in a history means the same for ever.

It is bounded: anybody may name an event, and a registry that grows with the data would fill the memory of every process.
What comes when it is full is one kind, `other`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import IntegrityError, transaction

from engage_backend.engagement.encoder import KindTable
from engage_backend.models import Kind

log = logging.getLogger(__name__)

MAX_KINDS = 20_000  # a busy site of many years has some hundred
OTHER = "other"
_ATTEMPTS = 20  # consumers that register new kinds at the same moment take turns


class RegistryBroken(RuntimeError):
    """The table of kinds cannot be right, so no history can be read or written: the operator has to restore it."""


def load_kinds(table: KindTable) -> None:
    """Bring `table` up to what the database holds."""
    for number, name in (
        Kind.objects.filter(number__gte=len(table.names)).order_by("number").values_list("number", "name")
    ):
        if table.number(name) != number:
            raise RegistryBroken(
                f"the registry of kinds has a gap or a double before number {number} ({name!r}): restore the table"
                " engage_kind from a backup, histories cannot be read without it"
            )


def register_kinds(table: KindTable, names: Iterable[str], *, most: int = MAX_KINDS) -> dict[str, int]:
    """The number of each name, given out now, in the database and in `table`, to those that have none.

    Of `most` kinds the last is `OTHER`, and every name that finds no room has its number.
    """
    asked = set(names)
    for _ in range(_ATTEMPTS):
        if not asked - table.numbers.keys():
            break
        load_kinds(table)
        new, folded = _new_names(table, asked, most)
        if not new:
            return {name: table.numbers[OTHER if name in folded else name] for name in asked}
        if OTHER in new and folded:
            log.warning("the registry of kinds is full (%d): %s and all later ones are %r", most, folded[0], OTHER)
        first = len(table.names)
        try:
            with transaction.atomic():
                Kind.objects.bulk_create(Kind(number=first + at, name=name) for at, name in enumerate(new))
        except IntegrityError:
            continue  # another consumer was faster; its numbers are read on the next round
        load_kinds(table)
    if missing := sorted(asked - table.numbers.keys()):
        raise RegistryBroken(f"could not register the kinds {missing[:3]} after {_ATTEMPTS} attempts")
    return {name: table.numbers[name] for name in asked}


def _new_names(table: KindTable, asked: set[str], most: int) -> tuple[list[str], list[str]]:
    """Of the names without a number those that get one now, and those for which there is no room."""
    wanted = sorted(asked - table.numbers.keys() - {OTHER})
    has_other = OTHER in table.numbers
    room = max(0, most - len(table.names) - (not has_other))
    new, folded = wanted[:room], wanted[room:]
    if not has_other and (folded or OTHER in asked):
        new.append(OTHER)
    return new, folded
