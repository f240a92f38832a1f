"""Criteria, version 1: whom a course team means. Pure values, with one meaning for page, API and automation.

    selected = (learners whom every filter lets through) - exclude + include

All ends are included. Time is counted in whole minutes since 1970, as the page gets it, so that the page and the server
agree to the learner; a day is 1,440 of them. `tests/data/criteria_cases.json` is the table of cases that both must pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said

VERSION = 1
TARGETS = ("certify", "complete", "leave")
STATES = ("active", "never_started", "gone", "finished")  # that can be chosen; who left is never selected
MINUTES_A_DAY = 1_440
MOST_DAYS = 3_650
MOST_HOURS = 8_760
MOST_NAMES = 10_000  # learners that can be ticked or unticked one by one
LONGEST = 255  # characters of a mode, a cohort, a usage key
_PSEUDONYM = re.compile(r"[0-9a-z]{8}")
_NOT_STORED = re.compile("[\0\ud800-\udfff]")


class CriteriaProblem(ValueError):
    """Criteria that cannot be used. `key` is the place, as in `ranges.certify`; the text says what is wrong there, to
    whoever reads it."""

    def __init__(self, key: str, said: Said) -> None:
        super().__init__(key, said)
        self.key, self.said = key, said

    def __str__(self) -> str:
        return f"{self.key}: {self.said}"


@dataclass(frozen=True)
class Task:
    """Whether a block was handed in, graded or not.

    Not handed in are those who still have to: nobody who is excused or has no due date. `due_in_hours`: how far away the
    learner's own due date is, more than the first and at most the second; [None, 0] are missing, grace period included.
    """

    block: str  # usage key
    handed_in: bool
    due_in_hours: tuple[int | None, int | None] | None = None


@dataclass(frozen=True)
class WrittenTo:
    """Whether a learner had a message in the last `days` days (of 1,440 minutes)."""

    days: int
    had: bool


@dataclass(frozen=True)
class Criteria:
    """Whom a course team means. `from_json` checks; values made otherwise are trusted."""

    everyone: bool = False  # whatever the ranges are; all other filters hold
    states: tuple[str, ...] = ("active",)  # read from JSON with a task and without states: all
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # target -> per mille, both ends included
    days_inactive: tuple[int | None, int | None] | None = None  # whole days since the last click; who never came is out
    modes: tuple[str, ...] = ()  # any of these; none: no filter; "": without a mode
    cohorts: tuple[str, ...] = ()
    task: Task | None = None  # a task that the course does not have (any more) lets nobody through
    written_to: WrittenTo | None = None
    include: tuple[str, ...] = ()  # pseudonyms: in, whatever the filters say
    exclude: tuple[str, ...] = ()  # pseudonyms: out, unless they are in `include`

    @classmethod
    def from_json(cls, data: Any) -> Criteria:
        """The criteria that a JSON object of version 1 says. CriteriaProblem names the key that cannot be used."""
        given = _object("", data, {"version", *_READ})
        if "version" not in given:
            raise CriteriaProblem("version", Said(_("is missing; say {version}"), {"version": VERSION}))
        if isinstance(given["version"], bool) or given["version"] != VERSION:
            raise CriteriaProblem(
                "version", Said(_("has to be {version}, which is all that this server knows"), {"version": VERSION})
            )
        said = {key: read(key, given[key]) for key, read in _READ.items() if key in given}
        if "states" not in said and said.get("task") is not None:
            said["states"] = STATES  # who has or has not handed something in is a fact, whenever they were last here
        return cls(**said)

    def without(self, pseudonyms: Collection[str]) -> Criteria:
        """Return the same, with none of these learners taken in or out by hand."""
        include, exclude = (
            tuple(one for one in names if one not in pseudonyms) for names in (self.include, self.exclude)
        )
        return replace(self, include=include, exclude=exclude)

    def to_json(self) -> dict[str, Any]:
        """The criteria as a JSON object in one form: what is not filtered by is left out, the states are always said."""
        said: dict[str, Any] = {"version": VERSION}
        if self.everyone:
            said["everyone"] = True
        said["states"] = list(self.states)
        if self.ranges:
            said["ranges"] = {target: list(self.ranges[target]) for target in TARGETS if target in self.ranges}
        if self.days_inactive is not None:
            said["days_inactive"] = list(self.days_inactive)
        if self.task is not None:
            said["task"] = {"block": self.task.block, "handed_in": self.task.handed_in}
            if self.task.due_in_hours is not None:
                said["task"]["due_in_hours"] = list(self.task.due_in_hours)
        if self.written_to is not None:
            said["written_to"] = {"days": self.written_to.days, "had": self.written_to.had}
        return said | {
            key: list(getattr(self, key)) for key in ("modes", "cohorts", "include", "exclude") if getattr(self, key)
        }


def _object(key: str, value: Any, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CriteriaProblem(
            key or "criteria", Said(_("has to be an object with {keys}"), {"keys": ", ".join(sorted(known))})
        )
    for name in value:
        if name not in known:
            shown = repr(name[:40])
            raise CriteriaProblem(
                f"{key}.{shown}" if key else shown,
                Said(_("is not known here; known are {keys}"), {"keys": ", ".join(sorted(known))}),
            )
    return value


def _bool(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise CriteriaProblem(key, Said(_("has to be true or false")))
    return value


def _whole(key: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CriteriaProblem(key, Said(_("has to be a whole number from {low} to {high}"), {"low": low, "high": high}))
    return value


def _text(key: str, value: Any, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not (value or may_be_empty):
        raise CriteriaProblem(key, Said(_("has to be a text of at most {most} characters"), {"most": LONGEST}))
    if _NOT_STORED.search(value):
        raise CriteriaProblem(key, Said(_("has characters that no database takes")))
    return value


def _list_of(read_one: Callable[[str, Any], str], most: int) -> Callable[[str, Any], tuple[str, ...]]:
    def read(key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise CriteriaProblem(key, Said(_("has to be a list of texts")))
        if len(value) > most:
            raise CriteriaProblem(
                key, Said(_("has {count} entries; {most} at most are allowed"), {"count": len(value), "most": most})
            )
        return tuple(dict.fromkeys(read_one(f"{key}[{at}]", one) for at, one in enumerate(value)))

    return read


def _state(key: str, value: Any) -> str:
    if _text(key, value) not in STATES:
        raise CriteriaProblem(key, Said(_("is no state; known are {states}"), {"states": ", ".join(STATES)}))
    return str(value)


def _states(key: str, value: Any) -> tuple[str, ...]:
    chosen = _list_of(_state, 100)(key, value)
    return tuple(state for state in STATES if state in chosen)


def _label(key: str, value: Any) -> str:
    return _text(key, value, may_be_empty=True)


def _pseudonym(key: str, value: Any) -> str:
    # Strict, so that no name or address that somebody puts here is ever stored.
    if not isinstance(value, str) or not _PSEUDONYM.fullmatch(value):
        raise CriteriaProblem(key, Said(_("is no pseudonym: eight small letters and digits")))
    return value


def _pair(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise CriteriaProblem(key, Said(_("has to be a pair [lowest, highest]")))
    return value


def _ranges(key: str, value: Any) -> dict[str, tuple[int, int]]:
    found = {}
    for target, pair in _object(key, value, TARGETS).items():
        place = f"{key}.{target}"
        low, high = (_whole(place, end, 0, 1000) for end in _pair(place, pair))
        found[target] = _forwards(place, low, high)
    return found


def _days(key: str, value: Any) -> tuple[int | None, int | None]:
    low, high = (None if end is None else _whole(key, end, 0, MOST_DAYS) for end in _pair(key, value))
    if low is not None and high is not None:
        _forwards(key, low, high)
    return low, high


def _forwards(key: str, low: int, high: int) -> tuple[int, int]:
    if low > high:
        raise CriteriaProblem(
            key, Said(_("[{low}, {high}] runs backwards; say [{high}, {low}]"), {"low": low, "high": high})
        )
    return low, high


def _task(key: str, value: Any) -> Task:
    given = _all_of(key, value, ("block", "handed_in"), ("due_in_hours",))
    hours = _hours(f"{key}.due_in_hours", given["due_in_hours"]) if "due_in_hours" in given else None
    return Task(_text(f"{key}.block", given["block"]), _bool(f"{key}.handed_in", given["handed_in"]), hours)


def _hours(key: str, value: Any) -> tuple[int | None, int | None] | None:
    low, high = (None if end is None else _whole(key, end, -MOST_HOURS, MOST_HOURS) for end in _pair(key, value))
    if low is not None and high is not None:
        _forwards(key, low, high)
    return None if low is None and high is None else (low, high)


def _written_to(key: str, value: Any) -> WrittenTo:
    given = _all_of(key, value, ("days", "had"))
    return WrittenTo(_whole(f"{key}.days", given["days"], 1, MOST_DAYS), _bool(f"{key}.had", given["had"]))


def _all_of(key: str, value: Any, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    given = _object(key, value, (*names, *optional))
    for name in names:
        if name not in given:
            raise CriteriaProblem(f"{key}.{name}", Said(_("is missing")))
    return given


_READ: dict[str, Callable[[str, Any], Any]] = {
    "everyone": _bool,
    "states": _states,
    "ranges": _ranges,
    "days_inactive": _days,
    "modes": _list_of(_label, 100),
    "cohorts": _list_of(_label, 1_000),
    "task": _task,
    "written_to": _written_to,
    "include": _list_of(_pseudonym, MOST_NAMES),
    "exclude": _list_of(_pseudonym, MOST_NAMES),
}
