"""Who said "do not predict me", and what follows from it.

From an objection on nothing is shown and no click is taken in. For a day the learner can undo it; then the clock erases what
predicting was made of (clicks, kept states, predictions, snapshots, what was handed in). See docs/decisions/0015. The engine
reads `Objection` itself (`live.consent`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Max, Q, QuerySet

from engage_backend.engagement.live.changes import read_again_soon
from engage_backend.engagement.live.publish import raise_version
from engage_backend.models import (
    CourseRun,
    DailySnapshot,
    DueDate,
    HistoryChunk,
    Learner,
    LearnerState,
    LearnerStatus,
    Objection,
    Prediction,
    Submission,
)

log = logging.getLogger(__name__)

UNDO = timedelta(days=1)  # how long an objection can be undone before anything is erased
PROFILE = (HistoryChunk, LearnerState, DailySnapshot, Submission, DueDate)  # what a prediction is made of, or says


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


def undo_until(objection: Objection) -> datetime | None:
    """Return until when it can be undone, which is when what was counted is erased; None once it was."""
    return None if objection.erased_at is not None else objection.since + UNDO


def object_to(run: CourseRun | None, user_id: int, now: datetime) -> None:
    """Take this person out of predictions: of one course run, or (None) of all. Said twice, it changes nothing.

    Call outside a transaction. Writes the objection and marks their rows; telling open pages, and erasing after `UNDO`,
    is the clock's (`hide`, `erase`), so that a web process waits for no consumer. `now` is the site's time.
    """
    _write(run, user_id, now)
    for rows in _rows(run, user_id):
        # One row a statement: with nothing else held this waits for a consumer's batch, and cannot be a deadlock. Should
        # the database fail it, the objection holds all the same, and the clock marks the row.
        try:
            rows.update(state=LearnerStatus.LEFT)
        except OperationalError as error:
            log.warning("a learner who objects is hidden by the clock instead: %s", type(error).__name__)


def take_back(run: CourseRun | None, user_id: int, now: datetime) -> None:
    """Let this person be predicted again. Call outside a transaction.

    Before the erasure this undoes the objection: all is as it was. After it what came before `now` stays out, though a log
    may still hold it. Their state is set by the next reading of the roster, which knows whether they are still enrolled.
    """
    said = Objection.objects.filter(user_id=user_id, course_run=run, until=None)
    erased = list(said.values_list("erased_at", flat=True))
    if not erased:
        return
    # One that the clock erases at this moment is not deleted: its row no longer matches, and it ends like any other.
    pending, undone = said.filter(erased_at=None), 0
    if None in erased:
        before = _counted_from(run, user_id)
        undone = pending.update(until=before, erased_at=before) if before else pending._raw_delete(pending.db)
    if undone < len(erased):
        for rows in _rows(run, user_id):
            rows.update(counted_from=now)
        said.update(until=now)
    of_person = Learner.objects.filter(user_id=user_id).values_list("course_run__course_key", flat=True)
    for course_key in [run.course_key] if run is not None else of_person:
        read_again_soon(course_key, user=user_id)


def hide(now: datetime) -> int:
    """Have open pages drop those who have objected since the last call; return how many objections.

    Repeat it where the database fails it.
    """
    waiting = Objection.objects.filter(until=None, hidden_at=None).select_related("course_run").order_by("pk")
    found = list(waiting)
    for objection in found:
        with transaction.atomic():
            for learner in _in_turn(objection.course_run, objection.user_id):
                Learner.objects.filter(pk=learner.pk).update(state=LearnerStatus.LEFT)
                _tell(learner, now)
            waiting.filter(pk=objection.pk).update(hidden_at=now)
    return len(found)


def erase(now: datetime) -> int:
    """Erase what was counted of those who objected more than `UNDO` ago; return how many objections.

    Repeat it where the database fails it.
    """
    due = Objection.objects.filter(until=None, erased_at=None, since__lte=now - UNDO)
    found = list(due.select_related("course_run").order_by("pk"))
    for objection in found:
        with suppress(_Undone), transaction.atomic():
            # A row is locked before it is erased: a consumer that holds it finishes first, and what it wrote is erased;
            # one that comes later finds the objection. Learners before the objection, as a retirement locks them.
            for learner in _in_turn(objection.course_run, objection.user_id):
                erase_profile([learner], now)
            if not due.filter(pk=objection.pk).update(erased_at=now):
                raise _Undone
    return len(found)


class _Undone(Exception):
    """The learner has taken it back in the meantime: nothing is erased."""


def erase_profile(learners: Sequence[Learner], now: datetime) -> None:
    """Nothing that a prediction is made of, or says, is left of these learners; open pages drop them. In a transaction.

    Left are the pseudonym, the enrolment, and the messages that they had.
    """
    for model in PROFILE:
        model._default_manager.filter(learner__in=learners).delete()
    for learner in learners:
        learner.state, learner.last_active = LearnerStatus.LEFT, None
        learner.finished_at = learner.certified_at = learner.dates_from = None
        learner.save(update_fields=["state", "last_active", "finished_at", "certified_at", "dates_from"])
        nothing = dict.fromkeys(("certify", "complete", "leave", "level", "expected_level"))
        _tell(learner, now, **nothing, reasons="", as_of=now)


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
        said.update(since=now, until=None, hidden_at=None, erased_at=None)


def _rows(run: CourseRun | None, user_id: int) -> list[QuerySet[Learner]]:
    """Return their rows, in one course run or (None) in all, each by itself: to be written one a statement."""
    rows = Learner.objects.filter(user_id=user_id)
    if run is not None:
        return [rows.filter(course_run=run)]
    return [Learner.objects.filter(pk=pk) for pk in rows.values_list("pk", flat=True)]


def _counted_from(run: CourseRun | None, user_id: int) -> datetime | None:
    """Return the end of an earlier objection, before which nothing is taken in."""
    rows = Learner.objects.filter(user_id=user_id)
    rows = rows if run is None else rows.filter(course_run=run)
    last: datetime | None = rows.aggregate(last=Max("counted_from"))["last"]
    return last


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
