"""Moving learners forward: new rows into histories, states along with them, and predictions for now.

The state that is kept lags behind the clock by LAG, and what is newer is replayed each time: events of servers whose clocks
differ, or that come late by less than a minute, cost nothing. An event older than that replays its learner from the start.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from engage_backend.engagement.counters import DAY, MINUTE, Counters, Plan
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import Row
from engage_backend.engagement.live import histories
from engage_backend.engagement.live.consent import counted_from
from engage_backend.engagement.live.histories import Tail
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.registry import load_kinds
from engage_backend.engagement.live.schedule import plan_for, schedule_of
from engage_backend.engagement.live.upsert import update_learners, upsert
from engage_backend.engagement.model import Model
from engage_backend.engagement.streaming import Kept, advance, probabilities
from engage_backend.engagement.trees import TARGETS
from engage_backend.models import CourseRun, Learner, LearnerState, LearnerStatus, Prediction
from engage_backend.platform.moments import from_microseconds, to_microseconds

LAG = MINUTE  # every new event replays so much: at ten minutes, 1,000 events a second took more than a processor
LEAVE_IS_KNOWN = 14 * DAY  # in a run's last days nobody can be seen to leave: no such prediction is given

Shown = tuple[int | None, int | None, int | None]  # per mille, in the order of TARGETS
_NOTHING: Shown = (None, None, None)


@dataclass(slots=True)
class _Moving:
    """One learner on the way: the part of the history at hand, and the state that it continues."""

    learner: Learner
    tail: Tail
    kept: Kept | None
    changed: int | None = None  # number of the first event of the history that is to be written
    last: int | None = None  # time of the last event


def move(
    run: CourseRun,
    new: Mapping[int, Sequence[Row]],
    *,
    model: Model | None,
    kinds: KindTable,
    now: datetime,
    active_days: int,
) -> dict[int, int]:
    """Take the rows in (learner -> rows, possibly none) and bring these learners' states and predictions to `now`.

    Runs in the caller's transaction and locks the learners, so that no two consumers move one learner at once.
    Without a model histories grow and predictions stay as they are. Gives the learners that took part, with the time (µs)
    before which nothing of theirs is taken in; those who object, or were removed meanwhile, took none.
    """
    learners = {one.pk: one for one in Learner.objects.select_for_update().filter(pk__in=list(new)).order_by("pk")}
    begins = counted_from(run, learners.values())
    learners = {pk: learners[pk] for pk in begins}
    new = {pk: [row for row in new[pk] if row.time >= begin] if begin else new[pk] for pk, begin in begins.items()}
    load_kinds(kinds)  # after the lock: another consumer may have written kinds here that are new to this one
    moving = _read(learners, new, model)
    histories.write({one.learner.pk: (one.tail, one.changed) for one in moving if one.changed is not None})
    clock = to_microseconds(now)
    schedule = schedule_of(run)
    shared = Plan.of(schedule)
    plans = [plan_for(schedule, one.learner) if run.self_paced else shared for one in moving]
    shown: dict[int, Shown] = {}
    finished: set[int] = set()
    if model is not None:
        current = _advance(moving, model, kinds, clock - LAG)
        chances = np.rint(probabilities(model, current, plans, clock) * 1000).astype(int).tolist()
        for one, state, plan, chance in zip(moving, current, plans, chances, strict=True):
            if plan.graded and state.counters.earned(plan) >= plan.passing_grade:
                finished.add(one.learner.pk)
            shown[one.learner.pk] = tuple(chance)
    _publish(run, moving, plans, shown, finished, now, active_days)
    return begins


def _read(learners: Mapping[int, Learner], new: Mapping[int, Sequence[Row]], model: Model | None) -> list[_Moving]:
    """Each learner with as little of the history as the new rows and the kept state allow."""
    kept = _kept_states(learners, model)
    lengths = histories.last_chunks(learners)
    settled = {
        pk for pk in learners if not new[pk] and pk in kept and kept[pk].position == histories.length(lengths.get(pk))
    }
    at_hand = histories.read_last(pk for pk in learners if pk in lengths and pk not in settled)
    moving, whole = [], []
    for pk, learner in learners.items():
        if pk in settled:
            end = kept[pk].position
            moving.append(_Moving(learner, Tail(end, []), kept[pk], last=kept[pk].counters.last if end else None))
            continue
        tail = at_hand.get(pk, Tail())
        known = set(tail.rows)
        rows = [row for row in new[pk] if row not in known]
        one = _continued(learner, tail, rows, kept.get(pk), needs_state=model is not None)
        if one is None:
            whole.append(pk)
        else:
            moving.append(one)
    everything = histories.read_whole(whole)
    for pk in whole:
        one = _continued(learners[pk], everything.get(pk, Tail()), new[pk], kept.get(pk), needs_state=model is not None)
        assert one is not None, "a whole history continues from nothing"
        moving.append(one)
    return moving


def _continued(
    learner: Learner, tail: Tail, rows: Sequence[Row], kept: Kept | None, *, needs_state: bool
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
    last = merged.rows[-1].time if merged.rows else None
    return _Moving(learner, merged, kept, first if merged.end > tail.end else None, last)


def _kept_states(learners: Mapping[int, Learner], model: Model | None) -> dict[int, Kept]:
    if model is None:
        return {}
    stored = LearnerState.objects.filter(learner__in=list(learners), model=model.identity)
    return {
        pk: Kept(
            np.frombuffer(bytes(hidden), dtype="<f4").reshape(2, -1), Counters.from_bytes(bytes(counters)), position
        )
        for pk, hidden, counters, position in stored.values_list("learner", "hidden", "counters", "position")
    }


def _advance(moving: Sequence[_Moving], model: Model, kinds: KindTable, horizon: int) -> list[Kept]:
    """The states after all events; stores those after the events before `horizon` (µs)."""
    kept = [one.kept or Kept.start(model) for one in moving]
    waiting = [one.tail.rows[state.position - one.tail.begin :] for one, state in zip(moving, kept, strict=True)]
    cuts = [bisect_left(rows, horizon, key=lambda row: row.time) for rows in waiting]
    settled = advance(model, kinds, kept, [rows[:cut] for rows, cut in zip(waiting, cuts, strict=True)])
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
            for one, state in zip(moving, settled, strict=True)
            if one.kept is None or state.position != one.kept.position
        ),
        unique=["learner", "model"],
        update=["hidden", "counters", "position"],
    )
    if not any(cut < len(rows) for rows, cut in zip(waiting, cuts, strict=True)):
        return settled
    return advance(model, kinds, settled, [rows[cut:] for rows, cut in zip(waiting, cuts, strict=True)])


def _publish(
    run: CourseRun,
    moving: Sequence[_Moving],
    plans: Sequence[Plan],
    shown: Mapping[int, Shown],
    finished: set[int],
    now: datetime,
    active_days: int,
) -> None:
    """Write what differs from what is shown, under the next version of the run."""
    clock = to_microseconds(now)
    before = {
        pk: values
        for pk, *values in Prediction.objects.filter(learner__in=[one.learner.pk for one in moving]).values_list(
            "learner", *TARGETS
        )
    }
    people, changed = [], []
    for one, plan in zip(moving, plans, strict=True):
        learner = one.learner
        last = from_microseconds(one.last) if one.last is not None else None
        state = _status(last, learner.pk in finished or learner.finished_at is not None, now, active_days)
        if learner.state == LearnerStatus.LEFT:
            state = LearnerStatus.LEFT
        moved = (learner.state, learner.last_active) != (state, last)
        if moved:
            learner.state, learner.last_active = state, last
            if state == LearnerStatus.FINISHED and learner.finished_at is None:
                learner.finished_at = now
            people.append(learner)
        values = _allowed(shown.get(learner.pk, before.get(learner.pk, _NOTHING)), state, plan, clock)
        if moved or list(values) != before.get(learner.pk):
            changed.append((learner, values))
    update_learners(people, ["state", "last_active", "finished_at"])
    if not changed:
        return
    version = raise_version(run, now)
    upsert(
        Prediction,
        ((learner.pk, run.pk, *values, now, version) for learner, values in changed),
        unique=["learner"],
        fixed=["course_run"],
        update=[*TARGETS, "as_of", "version"],
    )


def _status(last: datetime | None, finished: bool, now: datetime, active_days: int) -> LearnerStatus:
    if finished:
        return LearnerStatus.FINISHED
    if last is None:
        return LearnerStatus.NEVER_STARTED
    return LearnerStatus.ACTIVE if now - last <= timedelta(days=active_days) else LearnerStatus.GONE


def _allowed(values: Sequence[int | None], state: str, plan: Plan, clock: int) -> Shown:
    """Of the model's figures those that mean something: none before the first click, `leave` for the active alone."""
    certify, complete, leave = values
    if state in (LearnerStatus.NEVER_STARTED, LearnerStatus.LEFT):
        return _NOTHING
    ending = plan.end is not None and clock > plan.end - LEAVE_IS_KNOWN
    return certify, complete, leave if state == LearnerStatus.ACTIVE and not ending else None
