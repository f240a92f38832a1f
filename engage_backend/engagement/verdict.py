"""Whether a model still sees what it was trained on, from what the nightly pass noted. Pure, without numpy, for web processes.

Thresholds are not fitted: a PSI of .25 is "much" by convention, three nights in a row are no accident, and what a course was
like from its beginning is how it differs, not how it drifts. docs/research/drift.md has what they gave on four runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

GREEN, AMBER, RED = "green", "amber", "red"
NIGHTS = 17  # that are kept: three, and two weeks to compare them with
_IN_A_ROW = 3  # nights
_LEAST_BEFORE = 7  # nights before these, below which nothing is known to be new
_MOVED = 0.25  # share of the inputs: as many newly far from the reference are no matter of one quiz or holiday
_UNLIKE = 0.5  # share of the inputs
KNOWN_LOW, KNOWN_FELL = 0.6, 0.25  # red: share of the day's clicks of known sorts, and how far it may fall
_SOME_UNKNOWN = 0.1  # amber
LEAST_CLICKS = 100  # of a day, below which their sorts are not judged

# What a reason is called, and what operators are told of it. {n} and {of} are what `reasons` counts.
_SAID = {
    "unknown_clicks": (
        RED,
        "only {n} of {of} clicks of the last day are of sorts that the model knows: the LMS was upgraded, or its events are "
        "renamed on the way; `engage inspect` on today's log names the kinds, report them to us; automation pauses meanwhile",
    ),
    "inputs_moved": (
        RED,
        "{n} of {of} inputs of the model have left the range that they had before, three nights in a row: look whether records "
        "are lost or come twice, and whether tasks or dates of the course were changed; automation pauses meanwhile",
    ),
    "some_unknown": (
        AMBER,
        "{n} of {of} clicks of the last day are of sorts that the model knows, fewer than usual: `engage inspect` on today's "
        "log names the others",
    ),
    "calibration": (
        AMBER,
        "{n} in a thousand of those active two weeks ago were expected not to be back, and {of} were not: off by a tenth or "
        "more: its percentages are not to be relied on; `engage_calibrate` when the run has finished",
    ),
    "unlike": (
        AMBER,
        "{n} of {of} inputs of the model lie far from the courses that it was trained on: take its figures for ranks; "
        "`engage_calibrate` when a run has finished, or train a model on your own runs",
    ),
}


class Night(NamedTuple):
    """What one pass noted. JSON keeps it as a list."""

    day: str  # ISO
    model: str
    clicks: int  # of the last day, or of a sample of its learners
    known: int  # of these, of sorts that the model knows
    inputs: int  # that could be compared; 0: too few learners, or a card without reference
    far: str  # hexadecimal: bit i is set where the i-th of FEATURES has a PSI of .25 or more


def taken_in(kept: Sequence[Sequence[Any]], night: Night) -> list[Night]:
    """Return the nights to keep, the latest last: a day is there once."""
    before = [Night(*one) for one in kept if one[0] < night.day]
    return [*before[-NIGHTS + 1 :], night]


def reasons(nights: Sequence[Night], off: tuple[int, int] | None = None) -> list[tuple[str, int, int]]:
    """Return why the latest night is not green, the worst first: (reason, n, of).

    `off`: per mille that the model expected and that came, of the last cohort whose percentages were shown.
    """
    return sorted(_reasons(nights, off), key=lambda reason: _SAID[reason[0]][0] != RED)


def _reasons(nights: Sequence[Night], off: tuple[int, int] | None) -> Iterator[tuple[str, int, int]]:
    last = nights[-1]
    if last.clicks >= LEAST_CLICKS:
        share = last.known / last.clicks
        shares = [one.known / one.clicks for one in nights[:-1] if one.clicks >= LEAST_CLICKS]
        fell = (median(shares) if shares else 1.0) - share
        # A site that had unknown sorts from the first day is judged by the first bound alone.
        if share < KNOWN_LOW or (shares and fell >= KNOWN_FELL):
            yield "unknown_clicks", last.known, last.clicks
        elif fell >= _SOME_UNKNOWN:
            yield "some_unknown", last.known, last.clicks
    same = [one for one in nights if one.model == last.model and one.inputs]
    latest = same[-_IN_A_ROW:]
    if last.inputs and len(latest) == _IN_A_ROW:
        before = same[:-_IN_A_ROW]
        far = _all(one.far for one in latest)
        new = far & ~_any(one.far for one in before)
        if len(before) >= _LEAST_BEFORE and new.bit_count() >= _MOVED * last.inputs:
            yield "inputs_moved", new.bit_count(), last.inputs
        if far.bit_count() >= _UNLIKE * last.inputs:
            yield "unlike", far.bit_count(), last.inputs
    if off is not None and abs(off[0] - off[1]) >= 100:
        yield "calibration", *off


def _all(masks: Iterator[str]) -> int:
    found = -1
    for mask in masks:
        found &= int(mask, 16)
    return found


def _any(masks: Iterator[str]) -> int:
    found = 0
    for mask in masks:
        found |= int(mask, 16)
    return found


def colour(why: Sequence[tuple[str, int, int]]) -> str:
    """Return green, amber or red."""
    found = {_SAID[reason][0] for reason, *_ in why}
    return RED if RED in found else AMBER if found else GREEN


def colour_of(kept: Mapping[str, Any] | None) -> str | None:
    """Return the colour that a run's `drift` has; None: no pass has judged it."""
    return None if not kept else str(kept["colour"])


def sentences(kept: Mapping[str, Any] | None) -> list[str]:
    """Return what operators are told, one sentence for each reason, what to do in each."""
    return [] if not kept else [_SAID[reason][1].format(n=n, of=of) for reason, n, of in kept["why"] if reason in _SAID]
