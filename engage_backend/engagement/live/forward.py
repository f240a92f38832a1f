"""Moving learners forward: new rows into histories, states along with them, and predictions for now.

The state that is stored lags behind the clock by LAG at least: events of servers whose clocks differ, or that come late by
less than a minute, replay no more than that. An event older than the stored state replays its learner from the start.
An event that follows all others, as most do, costs one step from the head that the process remembers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.counters import DAY, MINUTE, Counters, Plan
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import Row
from engage_backend.engagement.labels import LEVEL_WINDOW
from engage_backend.engagement.level import levels
from engage_backend.engagement.live import histories
from engage_backend.engagement.live.consent import counted_from
from engage_backend.engagement.live.heads import Heads
from engage_backend.engagement.live.histories import Tail
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.registry import load_kinds
from engage_backend.engagement.live.roster import learner_status
from engage_backend.engagement.live.schedule import plans_for
from engage_backend.engagement.live.submissions import passing, write_submissions
from engage_backend.engagement.live.upsert import update_learners, upsert
from engage_backend.engagement.model import Model
from engage_backend.engagement.reasons import reasons
from engage_backend.engagement.streaming import Kept, advance, inputs
from engage_backend.engagement.trees import TARGETS
from engage_backend.models import CourseRun, Learner, LearnerState, LearnerStatus, Prediction
from engage_backend.platform.moments import from_microseconds, to_microseconds

LAG = MINUTE
# How far the stored state falls behind while a head is at hand, in events before LAG: what a restart replays at most.
STORE = 32  # it is written anew when the learner pauses for LAG
REPLAY = 128  # it is moved by a replay, for those who never pause
LEAVE_IS_KNOWN = 14 * DAY  # in a run's last days nobody can be seen to leave: no such prediction is given
_FIGURES = (*TARGETS, "level", "expected_level")

# In the order of _FIGURES: per mille, per mille, per mille, 0 to 4, hundredths.
Shown = tuple[int | None, int | None, int | None, int | None, int | None]
_NOTHING: Shown = (None, None, None, None, None)
_Why = Callable[[Sequence[tuple[Learner, Shown]]], list[str]]


@dataclass(slots=True)
class _Moving:
    """One learner on the way: the part of the history at hand, and the state that it continues."""

    learner: Learner
    tail: Tail
    kept: Kept | None
    stored: int | None = None  # position of the state that is stored, if there is one
    headed: bool = False  # `kept` is the head, and not what is stored
    changed: int | None = None  # number of the first event of the history that is to be written
    last: int | None = None  # time of the last event


def move(
    run: CourseRun,
    new: Mapping[int, Sequence[Row]],
    scores: Mapping[int, Sequence[ClickEvent]] = MappingProxyType({}),
    *,
    model: Model | None,
    kinds: KindTable,
    heads: Heads,
    now: datetime,
    active_days: int,
    shift: Sequence[float],
) -> None:
    """Take the rows in (learner -> rows, possibly none) and bring these learners' states and predictions to `now`.

    `scores`: what was said about their tasks, of whom any was. Who has passed is looked up for them, and for those without
    new rows, whose schedule or platform may have changed; it may be taken back.

    Runs in the caller's transaction and locks the learners, so that no two consumers move one learner at once.
    Without a model histories grow and predictions stay as they are. Nothing is taken in of those who object, or were removed
    meanwhile. `shift` (3,) is added to the log-odds of what is shown.
    """
    learners = {one.pk: one for one in Learner.objects.select_for_update().filter(pk__in=list(new)).order_by("pk")}
    begins = counted_from(run, learners.values())
    learners = {pk: learners[pk] for pk in begins}
    rescored = write_submissions(
        {pk: [event for event in scores.get(pk, ()) if event.time >= begin] for pk, begin in begins.items()}
    )
    finished = passing(run, [pk for pk in begins if pk in scores or not new[pk]])
    new = {pk: _since(begin, new[pk]) for pk, begin in begins.items()}
    load_kinds(kinds)  # after the lock: another consumer may have written kinds here that are new to this one
    horizon = to_microseconds(now) - LAG
    moving = _read(learners, new, model, kinds, heads, horizon)
    histories.write({one.learner.pk: (one.tail, one.changed) for one in moving if one.changed is not None})
    clock = to_microseconds(now)
    plans = plans_for(run, [one.learner for one in moving])
    shown: dict[int, Shown] = {}
    why: _Why = _as_before
    if model is not None and moving:
        current = _advance(moving, model, kinds, heads, horizon)
        hidden, features = inputs(current, plans, clock)
        row_of = {one.learner.pk: row for row, one in enumerate(moving)}
        chances = np.rint(model.probabilities(hidden, features, shift) * 1000).astype(int).tolist()
        told = levels(model, features)
        level = [(None, None)] * len(moving)
        if told is not None:
            level = list(zip(told[0].tolist(), np.rint(told[1] * 100).astype(int).tolist(), strict=True))

        def why(changed: Sequence[tuple[Learner, Shown]]) -> list[str]:
            rows = [row_of[learner.pk] for learner, _ in changed]
            return reasons(model, features[rows], [values for _, values in changed])

        shown = {one.learner.pk: (*chance, *steps) for one, chance, steps in zip(moving, chances, level, strict=True)}
    _publish(run, moving, plans, shown, finished, rescored, now, active_days, why)


def _read(
    learners: Mapping[int, Learner],
    new: Mapping[int, Sequence[Row]],
    model: Model | None,
    kinds: KindTable,
    heads: Heads,
    horizon: int,
) -> list[_Moving]:
    """Each learner with as little of the history as the new rows and the state at hand allow."""
    moving: list[_Moving] = []
    came = {pk for pk in learners if new[pk]}
    at_hand = histories.read_last(came)
    fresh: dict[int, list[Row]] = {}
    for pk in came:
        tail = at_hand.get(pk, Tail())
        fresh[pk] = _unknown(tail.rows, new[pk])
        head = heads.get(pk, model.identity, tail) if model is not None else None
        if head is None or (fresh[pk] and min(fresh[pk]) < tail.rows[-1]):
            continue
        past = _before(tail.rows, horizon)  # of the last chunk; what lies in the chunks before it may be younger, too
        if past and tail.begin + past - head.stored > REPLAY:
            continue
        one = _continued(learners[pk], tail, fresh[pk], head.kept, kinds, needs_state=True)
        assert one is not None, "a head continues with what follows it"
        one.stored, one.headed = head.stored, True
        moving.append(one)
    headed = {one.learner.pk for one in moving}
    others = [pk for pk in learners if pk not in headed]
    kept = _kept_states(others, model)
    quiet = [pk for pk in others if pk not in came]
    lengths = histories.last_chunks(quiet)
    settled = {pk for pk in quiet if pk in kept and kept[pk].position == histories.length(lengths.get(pk))}
    at_hand |= histories.read_last(pk for pk in quiet if pk in lengths and pk not in settled)
    whole = []
    for pk in others:
        state, stored = kept.get(pk), kept[pk].position if pk in kept else None
        if state is not None and pk in settled:
            last = state.counters.last if state.counters.events else None
            one = _Moving(learners[pk], Tail(state.position, []), state, last=last)
        else:
            one = _continued(
                learners[pk], at_hand.get(pk, Tail()), fresh.get(pk, []), state, kinds, needs_state=model is not None
            )
        if one is None:
            whole.append(pk)
        else:
            one.stored = stored
            moving.append(one)
    everything = histories.read_whole(whole)
    for pk in whole:
        one = _continued(
            learners[pk], everything.get(pk, Tail()), new[pk], kept.get(pk), kinds, needs_state=model is not None
        )
        assert one is not None, "a whole history continues from nothing"
        one.stored = kept[pk].position if pk in kept else None
        moving.append(one)
    return sorted(moving, key=lambda one: one.learner.pk)  # so that two consumers write in one order


def _since(begin: int, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows at `begin` (µs) or later; mostly all of them are."""
    return rows if not rows or min(rows).time >= begin else [row for row in rows if row.time >= begin]


def _before(rows: Sequence[Row], moment: int) -> int:
    """How many of the sorted rows lie before the moment (µs)."""
    return bisect_left(rows, moment, key=lambda row: row.time)


def _unknown(known: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    if not known or min(rows) > known[-1]:
        return list(rows)
    there = set(known)
    return [row for row in rows if row not in there]


def _continued(
    learner: Learner, tail: Tail, rows: Sequence[Row], kept: Kept | None, kinds: KindTable, *, needs_state: bool
) -> _Moving | None:
    """The learner with `rows` in the history; None when that needs more of the history than `tail` has."""
    if tail.begin and rows and min(rows) < tail.rows[0]:
        return None
    merged, first = histories.take_in(tail, rows)
    # The state holds while nothing changed before its position; else it starts anew, for which the whole history is needed.
    if kept is not None and (first < kept.position or kept.position < tail.begin or kept.position > merged.end):
        kept = None
    if kept is None and needs_state and tail.begin:
        return None
    last = next((row.time for row in reversed(merged.rows) if row.kind not in kinds.facts), None)
    if last is None and tail.begin and learner.last_active is not None:
        last = to_microseconds(learner.last_active)  # a whole chunk of facts: the last click lies before it
    return _Moving(learner, merged, kept, changed=first if merged.end > tail.end else None, last=last)


def _kept_states(learners: Iterable[int], model: Model | None) -> dict[int, Kept]:
    if model is None:
        return {}
    stored = LearnerState.objects.filter(learner__in=list(learners), model=model.identity)
    return {
        pk: Kept(
            np.frombuffer(bytes(hidden), dtype="<f4").reshape(2, -1), Counters.from_bytes(bytes(counters)), position
        )
        for pk, hidden, counters, position in stored.values_list("learner", "hidden", "counters", "position")
    }


def _advance(moving: Sequence[_Moving], model: Model, kinds: KindTable, heads: Heads, horizon: int) -> list[Kept]:
    """The states after all events; stores those after the events before `horizon` (µs), and remembers the heads."""
    kept = [one.kept or Kept.start(model) for one in moving]
    waiting = [one.tail.rows[state.position - one.tail.begin :] for one, state in zip(moving, kept, strict=True)]
    cuts = [_before(rows, horizon) for rows in waiting]
    settled = advance(model, kinds, kept, [rows[:cut] for rows, cut in zip(waiting, cuts, strict=True)])
    due = [(one, state) for one, state in zip(moving, settled, strict=True) if _is_due(one, state, horizon)]
    for one, state in due:
        one.stored = state.position
    upsert(
        LearnerState,
        (
            (
                one.learner.pk,
                model.identity,
                state.hidden.astype("<f4").tobytes(),
                state.counters.to_bytes(),
                state.position,
            )
            for one, state in due
        ),
        unique=["learner", "model"],
        update=["hidden", "counters", "position"],
    )
    current = settled
    if any(cut < len(rows) for rows, cut in zip(waiting, cuts, strict=True)):
        current = advance(model, kinds, settled, [rows[cut:] for rows, cut in zip(waiting, cuts, strict=True)])
    for one, state, rows in zip(moving, current, waiting, strict=True):
        if rows and one.stored is not None:
            heads.keep(one.learner.pk, model.identity, state, one.stored)
    return current


def _is_due(one: _Moving, settled: Kept, horizon: int) -> bool:
    """Whether the state is to be stored; `settled` is the one after the events before the horizon, or a head's newer one."""
    if one.kept is None or one.stored is None:
        return True
    if one.headed:
        return settled.position - one.stored >= STORE and settled.counters.last < horizon
    return settled.position != one.stored


def _publish(
    run: CourseRun,
    moving: Sequence[_Moving],
    plans: Sequence[Plan],
    shown: Mapping[int, Shown],
    finished: Mapping[int, bool],
    rescored: Collection[int],
    now: datetime,
    active_days: int,
    why: _Why,
) -> None:
    """Write what differs from what is shown, under the next version of the run.

    `finished`: whether the current scores pass, of those for whom that was looked up; `rescored`: whose tasks changed, which
    pages show beside the figures.
    """
    clock = to_microseconds(now)
    before = {
        pk: values
        for pk, *values in Prediction.objects.filter(learner__in=[one.learner.pk for one in moving]).values_list(
            "learner", *_FIGURES
        )
    }
    people, changed = [], []
    for one, plan in zip(moving, plans, strict=True):
        learner = one.learner
        last = from_microseconds(one.last) if one.last is not None else None
        passes = learner.certified_at is not None or finished.get(learner.pk, learner.finished_at is not None)
        since = (learner.finished_at or learner.certified_at or now) if passes else None
        state = learner_status(last, passes, now, active_days)
        if learner.state == LearnerStatus.LEFT:
            state, since = LearnerStatus.LEFT, learner.finished_at
        moved = (learner.state, learner.last_active, learner.finished_at) != (state, last, since)
        if moved:
            learner.state, learner.last_active, learner.finished_at = state, last, since
            people.append(learner)
        values = _allowed(shown.get(learner.pk, before.get(learner.pk, _NOTHING)), state, plan, clock)
        if moved or learner.pk in rescored or list(values) != before.get(learner.pk):
            changed.append((learner, values))
    update_learners(people, ["state", "last_active", "finished_at"])
    if not changed:
        return
    version = raise_version(run, now)
    upsert(
        Prediction,
        (
            (learner.pk, run.pk, *values, now, version, because)
            for (learner, values), because in zip(changed, why(changed), strict=True)
        ),
        unique=["learner"],
        fixed=["course_run"],
        update=[*_FIGURES, "as_of", "version", "reasons"],
    )


def _as_before(changed: Sequence[tuple[Learner, Shown]]) -> list[str]:
    """The reasons that are stored: without a model the figures stay, and so does what was said of them."""
    ids = [learner.pk for learner, _ in changed]
    stored = dict(Prediction.objects.filter(learner__in=ids).values_list("learner", "reasons"))
    return [stored.get(pk, "") for pk in ids]


def _allowed(values: Sequence[int | None], state: str, plan: Plan, clock: int) -> Shown:
    """Of the model's figures those that mean something.

    None before the first click; `leave` for the active alone, and the level where the week that it is about is one of the run.
    """
    certify, complete, leave, level, expected_level = values
    if state in (LearnerStatus.NEVER_STARTED, LearnerStatus.LEFT):
        return _NOTHING
    ending = plan.end is not None and clock > plan.end - LEAVE_IS_KNOWN
    if state != LearnerStatus.ACTIVE or ending:
        leave = None
    if plan.end is not None and clock > plan.end - LEVEL_WINDOW:
        level = expected_level = None
    return certify, complete, leave, level, expected_level
