"""Criteria in plain words, in the reader's language: for presets, segments, communications and their confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from engage_backend.messaging.criteria import STATES, TARGETS, Criteria, Task


@dataclass(frozen=True)
class LeaveOrder:
    """How many learners have which figure for `leave` now, in per mille: what makes a rank of a figure."""

    counts: Mapping[int, int]

    def places(self, low: int, high: int) -> tuple[int, int, int]:
        """How many are more likely to leave than anybody from `low` to `high`, how many are in there, and how many in all."""
        above = sum(count for figure, count in self.counts.items() if figure > high)
        inside = sum(count for figure, count in self.counts.items() if low <= figure <= high)
        return above, inside, sum(self.counts.values())


def describe(
    criteria: Criteria, *, tasks: Mapping[str, str] | None = None, leave_order: LeaveOrder | None = None
) -> str:
    """What the criteria say, as one line: `active; complete 80–100 %; certify 0–20 %; 3 left out by hand`.

    `tasks`: names of tasks by usage key; a task without a name is called by its key. A range of `leave` is said as a rank:
    `the 20 most likely to leave of 262`, by `leave_order`.
    """
    parts = [_states(criteria.states)]
    if criteria.everyone:
        parts.append(_("whatever the predictions say"))
    else:
        parts += [
            _rank(*criteria.ranges[target], leave_order)
            if target == "leave"
            else _range(target, *criteria.ranges[target])
            for target in TARGETS
            if target in criteria.ranges
        ]
    if criteria.days_inactive is not None:
        parts.append(_silence(*criteria.days_inactive))
    if criteria.modes:
        parts.append(_("enrolment mode {modes}").format(modes=_any_of(criteria.modes)))
    if criteria.cohorts:
        parts.append(_("cohort {cohorts}").format(cohorts=_any_of(criteria.cohorts)))
    if criteria.task is not None:
        name = (tasks or {}).get(criteria.task.block) or criteria.task.block
        parts.append(_task(criteria.task, name))
    if criteria.written_to is not None:
        parts.append(_written_to(criteria.written_to.days, had=criteria.written_to.had))
    if criteria.exclude:
        number = len(criteria.exclude)
        parts.append(ngettext("{number} left out by hand", "{number} left out by hand", number).format(number=number))
    if criteria.include:
        number = len(criteria.include)
        parts.append(ngettext("{number} added by hand", "{number} added by hand", number).format(number=number))
    return "; ".join(parts)


def _states(states: Sequence[str]) -> str:
    words = {
        "active": pgettext("engage", "active"),
        "never_started": pgettext("engage", "never started"),
        "gone": pgettext("engage", "gone"),
        "finished": pgettext("engage", "finished"),
    }
    if set(states) == set(STATES):
        return pgettext("engage", "all learners")
    return pgettext("engage", " or ").join(words[state] for state in states) or pgettext("engage", "nobody by state")


def _range(target: str, low: int, high: int) -> str:
    words = {
        "certify": pgettext("engage", "certify"),
        "complete": pgettext("engage", "complete"),
    }
    return _("{target} {low}–{high} %").format(target=words[target], low=f"{low / 10:g}", high=f"{high / 10:g}")


def _rank(low: int, high: int, order: LeaveOrder | None) -> str:
    """A range of `leave` is kept in per mille, and said as a rank: as a percentage it does not hold."""
    if order is None:
        return _("by likelihood to leave")
    above, inside, total = order.places(low, high)
    places = {"n": inside, "total": total, "first": above + 1, "last": above + inside}
    if not inside:
        return _("nobody by likelihood to leave")
    if inside == total:
        return _("any likelihood to leave")
    if not above:
        said = ngettext("the {n} most likely to leave of {total}", "the {n} most likely to leave of {total}", inside)
    elif above + inside == total:
        said = ngettext("the {n} least likely to leave of {total}", "the {n} least likely to leave of {total}", inside)
    else:
        said = _("ranks {first} to {last} of {total} by likelihood to leave")
    return said.format(**places)


def _silence(low: int | None, high: int | None) -> str:
    if high is None:
        if not low:
            return _("came at least once")
        return ngettext("silent for {low} day or more", "silent for {low} days or more", low).format(low=low)
    if not low:
        return ngettext("silent for {high} day at most", "silent for {high} days at most", high).format(high=high)
    return ngettext("silent for {low} to {high} day", "silent for {low} to {high} days", high).format(
        low=low, high=high
    )


def _task(task: Task, name: str) -> str:
    low, high = task.due_in_hours or (None, None)
    if not task.handed_in and low is None and high == 0:
        return _("“{task}” missing").format(task=name)
    said = _("“{task}” handed in") if task.handed_in else _("“{task}” not handed in")
    parts = [said.format(task=name)]
    if low:
        parts.append(_("due in more than {hours} hours").format(hours=low))
    elif low == 0 and high is None:
        parts.append(_("not yet due"))
    if high is not None:
        parts.append(_("due within {hours} hours").format(hours=high))
    return ", ".join(parts)


def _any_of(names: Sequence[str]) -> str:
    return pgettext("engage", " or ").join(name or pgettext("engage", "none") for name in names)


def _written_to(days: int, *, had: bool) -> str:
    if had:
        said = ngettext("written to in the last {days} day", "written to in the last {days} days", days)
    else:
        said = ngettext("not written to in the last {days} day", "not written to in the last {days} days", days)
    return said.format(days=days)
