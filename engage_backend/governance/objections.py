"""Who said "do not predict me", and what follows from it.

An objection erases what predicting was made of (clicks, kept states, predictions, snapshots, what was handed in) and keeps
the clicks that come from being taken in; see docs/decisions/0015. The engine reads `Objection` itself (`live.consent`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from engage_backend.engagement.live.changes import read_again_soon
from engage_backend.engagement.live.publish import raise_version
from engage_backend.models import (
    CourseRun,
    DailySnapshot,
    HistoryChunk,
    Learner,
    LearnerState,
    LearnerStatus,
    Objection,
    Prediction,
    Submission,
)

PROFILE = (HistoryChunk, LearnerState, DailySnapshot, Submission)  # what a prediction is made of, or says


def objections(run: CourseRun | None) -> QuerySet[Objection]:
    """Those that stand: to being predicted in this course run, or everywhere."""
    return Objection.objects.filter(Q(course_run=run) | Q(course_run=None), until=None)


def objecting(run: CourseRun) -> set[int]:
    """User ids of those who object to being predicted in this course run. One query."""
    return set(objections(run).values_list("user_id", flat=True))


def standing(run: CourseRun | None, user_id: int) -> dict[str, Objection]:
    """The objections of one person that stand: "here" and "everywhere", if they do."""
    found = objections(run).filter(user_id=user_id)
    return {"everywhere" if one.course_run_id is None else "here": one for one in found}


def object_to(run: CourseRun | None, user_id: int, now: datetime) -> None:
    """Take this person out of predictions: of one course run, or (None) of all. Said twice, it changes nothing.

    `now` is the site's time.
    """
    with transaction.atomic():
        # A row is locked before it is erased: a consumer that holds it finishes first, and what it wrote is erased; one
        # that comes later finds the objection, which is stored in the same moment.
        is_said = False
        for learner in _in_turn(run, user_id):
            if not is_said:
                _write(run, user_id, now)
            is_said = True
            erase_profile([learner], now)
        if not is_said:
            _write(run, user_id, now)


def take_back(run: CourseRun | None, user_id: int, now: datetime) -> None:
    """Let this person be predicted again, from now on. What came before stays out, though a log may still hold it."""
    with transaction.atomic():
        standing_here = Objection.objects.filter(user_id=user_id, course_run=run, until=None)
        if not standing_here.exists():
            return
        is_said = False
        for learner in _in_turn(run, user_id):
            standing_here.update(until=now)
            is_said = True
            learner.counted_from = now
            # Everywhere else the next reading of the roster tells who is still enrolled.
            if run is not None and not standing(run, user_id):
                learner.state = LearnerStatus.NEVER_STARTED
            learner.save(update_fields=["counted_from", "state"])
            _tell(learner, now)
            read_again_soon(learner.course_run.course_key)
        if not is_said:
            standing_here.update(until=now)


def erase_profile(learners: Sequence[Learner], now: datetime) -> None:
    """Nothing that a prediction is made of, or says, is left of these learners; open pages drop them. In a transaction.

    Left are the pseudonym, the enrolment, and the messages that they had.
    """
    for model in PROFILE:
        model._default_manager.filter(learner__in=learners).delete()
    for learner in learners:
        learner.state, learner.last_active, learner.finished_at = LearnerStatus.LEFT, None, None
        learner.save(update_fields=["state", "last_active", "finished_at"])
        _tell(learner, now, certify=None, complete=None, leave=None, reasons="", as_of=now)


def _tell(learner: Learner, now: datetime, **shown: Any) -> None:
    """Open pages get the row anew, with these values in it."""
    version = raise_version(learner.course_run, now)
    Prediction.objects.filter(learner=learner).update(**shown, version=version)


def _write(run: CourseRun | None, user_id: int, now: datetime) -> None:
    # Two presses of one button: the constraint lets one through for a course run; everywhere, a second row says the same.
    said = Objection.objects.filter(user_id=user_id, course_run=run)
    ends = list(said.values_list("until", flat=True))
    if not ends:
        Objection.objects.bulk_create([Objection(user_id=user_id, course_run=run, since=now)], ignore_conflicts=True)
    elif None not in ends:
        said.update(since=now, until=None)


def _in_turn(run: CourseRun | None, user_id: int) -> Iterator[Learner]:
    """Their rows, each locked when its turn comes, in the order in which a consumer goes through course runs.

    All at once would be a deadlock: a consumer that holds the row of one run, for its version, and waits for the learner in
    the next, while here both learners are held and that run is waited for.
    """
    everywhere = CourseRun.objects.filter(learners__user_id=user_id)
    # Sorted here and not by the database, whose order of capitals is another one.
    for one in [run] if run is not None else sorted(everywhere, key=lambda run: run.course_key):
        for learner in Learner.objects.select_for_update().filter(course_run=one, user_id=user_id):
            learner.course_run = one
            yield learner
