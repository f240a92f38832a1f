"""The site's registry of event kinds: append-only, so that a number in a history means the same for ever."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from engage_backend.engagement.encoder import KindTable
from engage_backend.models import Kind

_ATTEMPTS = 20  # consumers that register new kinds at the same moment take turns


def load_kinds(table: KindTable) -> None:
    """Bring `table` up to what the database holds."""
    for number, name in (
        Kind.objects.filter(number__gte=len(table.names)).order_by("number").values_list("number", "name")
    ):
        if table.number(name) != number:
            raise RuntimeError(
                f"the registry of kinds has a gap or a double before number {number} ({name!r}): restore the table"
                " engage_backend_kind from a backup, histories cannot be read without it"
            )


def register_kinds(table: KindTable, names: Iterable[str]) -> None:
    """Give each name that has none a number, in the database and in `table`."""
    wanted = sorted(set(names) - table.numbers.keys())
    for _ in range(_ATTEMPTS):
        if not wanted:
            return
        load_kinds(table)
        wanted = [name for name in wanted if name not in table.numbers]
        first = len(table.names)
        try:
            with transaction.atomic():
                Kind.objects.bulk_create(Kind(number=first + at, name=name) for at, name in enumerate(wanted))
        except IntegrityError:
            continue  # another consumer was faster; its numbers are read on the next round
    load_kinds(table)
    if missing := [name for name in wanted if name not in table.numbers]:
        raise RuntimeError(f"could not register the kinds {missing[:3]} after {_ATTEMPTS} attempts")
