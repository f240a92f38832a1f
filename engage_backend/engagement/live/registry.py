"""The site's registry of event kinds: append-only, so that a number in a history means the same for ever.

It is bounded: anybody may name an event, and a registry that grows with the data would fill the memory of every process.
The names that the table of kinds or the model knows always find room. Of others a learner may bring so many a day, and all
learners together so many: what comes later is counted as its sort, `other:video` for one, so that it moves nobody's counters.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Collection, Mapping
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Count

from engage_backend.clickstream.kinds import TABLE_KINDS
from engage_backend.engagement.categories import Category, category_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.models import Kind, Learner

log = logging.getLogger(__name__)

MAX_KINDS = 20_000  # a busy site of many years has some hundred
MOST_A_DAY = 50  # names that nobody knew before, of one learner
OTHER = "other"
# What a name that finds no room is counted as: a kind whose category is the same.
_FOLDED = {
    Category.OTHER: OTHER,
    Category.CONTENT: "other:course",
    Category.VIDEO: "other:video",
    Category.FORUM: "other:forum",
    Category.POST: "other:forum_create",
    Category.PROBLEM: "other:problem",
    Category.PROGRESS: "other:progress",
}
FOLDED = frozenset(_FOLDED.values())
_logged: deque[tuple[str, date]] = deque(maxlen=1_000)  # so that an attack does not fill the log
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


def register_kinds(
    table: KindTable,
    names: Mapping[str, int],
    *,
    today: date,
    reserved: Collection[str] = (),
    most: int = MAX_KINDS,
    most_a_day: int = MOST_A_DAY,
) -> dict[str, int]:
    """The number of each name, given out now, in the database and in `table`, to those that have none.

    `names`: name -> the learner (primary key) whose event has it. `reserved`: names that always find room, beside those of the
    table of kinds. Of all others `most` are known at the same time, and `most_a_day` of one learner are new on a day; a name
    that finds no room has the number of its sort.
    """
    for _ in range(_ATTEMPTS):
        if not names.keys() - table.numbers.keys():
            return {name: table.numbers[name] for name in names}
        load_kinds(table)
        made_up = {
            name: names[name] for name in names.keys() - table.numbers.keys() - TABLE_KINDS - FOLDED - {*reserved}
        }
        folded = _folded(table, made_up, today, most, most_a_day)
        wanted = sorted({folded.get(name, name) for name in names} - table.numbers.keys())
        first = len(table.names)
        try:
            with transaction.atomic():
                # Locked: a learner who is removed meanwhile would break the row at the end of the transaction.
                there = set(
                    Learner.objects.select_for_update().filter(pk__in=made_up.values()).values_list("pk", flat=True)
                )
                Kind.objects.bulk_create(
                    Kind(
                        number=first + at,
                        name=name,
                        learner_id=pk if (pk := made_up.get(name)) in there else None,
                        since=today,
                    )
                    for at, name in enumerate(wanted)
                )
        except IntegrityError:
            continue  # another consumer was faster; its numbers are read on the next round
        load_kinds(table)
        return {name: table.numbers[folded.get(name, name)] for name in names}
    missing = sorted(names.keys() - table.numbers.keys())
    raise RegistryBroken(f"could not register the kinds {missing[:3]} after {_ATTEMPTS} attempts")


def _folded(table: KindTable, made_up: Mapping[str, int], today: date, most: int, most_a_day: int) -> dict[str, str]:
    """Of the names without a number those without room: what each is counted as."""
    if not made_up:
        return {}
    room = most - len(table.numbers.keys() - TABLE_KINDS - FOLDED)
    came = Kind.objects.filter(since=today, learner__in=set(made_up.values())).values_list("learner")
    brought = Counter(dict(came.annotate(count=Count("pk"))))
    folded = {}
    for name, learner in sorted(made_up.items()):
        if room > 0 and brought[learner] < most_a_day:
            room -= 1
            brought[learner] += 1
            continue
        folded[name] = _FOLDED.get(category_of(name), OTHER)
        why = "the registry of kinds is full" if room <= 0 else f"learner {learner} made up {most_a_day} names today"
        if (why, today) not in _logged:
            _logged.append((why, today))
            log.warning("%s: %r and all later ones are counted as their sort", why, name)
    return folded
