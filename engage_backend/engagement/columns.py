"""Millions of events in little memory, to be taken out learner by learner: 40 bytes an event, where tuples take 400."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engage_backend.clickstream.event import ClickEvent

Indexes = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]
_Submission = tuple[float | None, float | None, int | None]  # score, possible, attempt
_NONE: _Submission = (None, None, None)
_new = tuple.__new__  # a third of the time that the NamedTuple's own takes
_TEXTS = ("course", "kind", "block", "session", "who")


@dataclass(frozen=True, slots=True)
class Columns:
    """N events: numbers as they are, texts as indexes into tables of the different ones."""

    learner: Numbers  # (N,)
    time: Numbers  # (N,)
    texts: tuple[Indexes, ...]  # of _TEXTS, each (N,)
    tables: tuple[list[str], ...]  # of _TEXTS
    submissions: dict[int, _Submission]  # position -> what was handed in, for the few that are submissions

    @classmethod
    def of(cls, events: Sequence[ClickEvent]) -> Columns:
        """The events in columns."""
        if not events:
            nothing = np.zeros(0, dtype=np.int64)
            return cls(nothing, nothing, (nothing.astype(np.uint32),) * len(_TEXTS), ([],) * len(_TEXTS), {})
        course, learner, time, kind, block, session, *handed_in, who = zip(*events, strict=True)
        indexed = [_indexed(column) for column in (course, kind, block, session, who)]
        return cls(
            np.array(learner, dtype=np.int64),
            np.array(time, dtype=np.int64),
            tuple(indexes for _, indexes in indexed),
            tuple(table for table, _ in indexed),
            {at: one for at, one in enumerate(zip(*handed_in, strict=True)) if one != _NONE},
        )


def _indexed(values: Sequence[str]) -> tuple[list[str], Indexes]:
    table = {value: at for at, value in enumerate(dict.fromkeys(values))}
    return list(table), np.fromiter(map(table.__getitem__, values), dtype=np.uint32, count=len(values))


class Pile:
    """Events that came in the order of a log, and go by learner."""

    def __init__(self) -> None:
        self._parts: list[Columns] = []
        self._tables: tuple[dict[str, int], ...] = tuple({} for _ in _TEXTS)
        self._events = 0

    def __len__(self) -> int:
        """How many events there are."""
        return self._events

    def add(self, columns: Columns) -> None:
        """Put these on top."""
        texts = []
        for known, table, indexes in zip(self._tables, columns.tables, columns.texts, strict=True):
            place = np.array([known.setdefault(text, len(known)) for text in table], dtype=np.uint32)
            texts.append(place[indexes] if len(table) else indexes)
        self._parts.append(Columns(columns.learner, columns.time, tuple(texts), (), columns.submissions))
        self._events += len(columns.time)

    def by_learner(self, at_once: int) -> Iterator[list[ClickEvent]]:
        """All events, in parts of `at_once` and somewhat more: each learner's events of a course run are in one part."""
        if not self._events:
            return
        learner = np.concatenate([part.learner for part in self._parts])
        time = np.concatenate([part.time for part in self._parts])
        texts = [np.concatenate([part.texts[at] for part in self._parts]) for at in range(len(_TEXTS))]
        submissions: dict[int, _Submission] = {}
        begin = 0
        for part in self._parts:
            submissions |= {begin + at: handed_in for at, handed_in in part.submissions.items()}
            begin += len(part.time)
        order = np.lexsort((learner, texts[0]))  # stable: each learner's events keep the order they came in
        changes = (np.diff(learner[order]) != 0) | (np.diff(texts[0][order]) != 0)
        ends = [*(np.flatnonzero(changes) + 1).tolist(), self._events]
        tables = [list(table) for table in self._tables]
        begin = 0
        for end in ends:
            if end - begin < at_once and end != self._events:
                continue
            taken = order[begin:end]
            columns = [map(table.__getitem__, text[taken].tolist()) for table, text in zip(tables, texts, strict=True)]
            course, kind, block, session, who = columns
            rows = zip(course, learner[taken].tolist(), time[taken].tolist(), kind, block, session, strict=True)
            get = submissions.get
            yield [
                _new(ClickEvent, (*row, *get(at, _NONE), name))
                for row, at, name in zip(rows, taken.tolist(), who, strict=True)
            ]
            begin = end
