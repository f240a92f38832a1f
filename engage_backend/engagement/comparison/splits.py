"""Who is learnt from, and who is judged: folds of course runs, of courses, and forward in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engage_backend.engagement.comparison.material import Material

BY_RUN, BY_COURSE, FORWARD = "runs", "courses", "forward"
SPLITS = (BY_RUN, BY_COURSE, FORWARD)
FOLDS, ENOUGH = 5, 10  # below ten runs each is left out in turn


@dataclass(frozen=True, slots=True)
class Fold:
    """One division of the runs."""

    split: str
    name: str
    train: list[Material]
    test: list[Material]


def course_of(key: str) -> str:
    """Organisation and number of a course key: what its runs have in common."""
    match = re.match(r"course-v1:([^+]+\+[^+]+)", key)
    return match[1] if match else "/".join(key.split("/")[:2])


def folds_of(runs: Sequence[Material], split: str) -> list[Fold]:
    """The folds of one split; none where the runs allow none (one course only; nothing before)."""
    if split == BY_RUN:
        groups = [[run] for run in runs] if len(runs) < ENOUGH else _dealt(runs)
        folds = [Fold(split, _named(group), _others(runs, group), group) for group in groups]
    elif split == BY_COURSE:
        groups = _by_course(runs)
        folds = [Fold(split, _named(group), _strangers(_others(runs, group), group), group) for group in groups]
    else:
        folds = [Fold(split, run.name, [other for other in runs if other.end <= run.start], [run]) for run in runs]
    return [fold for fold in folds if fold.train]


def _by_course(runs: Sequence[Material]) -> list[list[Material]]:
    names = dict.fromkeys(course_of(run.course) for run in runs)
    return [[run for run in runs if course_of(run.course) == name] for name in names]


def _dealt(runs: Sequence[Material]) -> list[list[Material]]:
    """Five folds of courses, the runs of one course together (of runs, where there are fewer than five courses)."""
    courses = _by_course(runs)
    units = courses if len(courses) >= FOLDS else [[run] for run in runs]
    groups: list[list[Material]] = [[] for _ in range(FOLDS)]
    for unit in sorted(units, key=lambda unit: (-len(unit), unit[0].course)):
        min(groups, key=len).extend(unit)
    return groups


def _others(runs: Sequence[Material], group: Sequence[Material]) -> list[Material]:
    return [run for run in runs if not any(run is mine for mine in group)]


def _strangers(train: Sequence[Material], test: Sequence[Material]) -> list[Material]:
    """The runs without the learners who are judged: nobody is known from another course."""
    known = np.unique(np.concatenate([run.learners for run in test]))
    kept = [run.keep(~np.isin(run.learners, known)) for run in train]
    return [run for run in kept if len(run.at)]


def _named(group: Sequence[Material]) -> str:
    return ", ".join(run.name for run in group)
