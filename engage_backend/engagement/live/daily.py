"""The daily pass: every learner of a run is brought to the day, and what is shown is kept as that day's snapshot."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from engage_backend.conf import engage_settings
from engage_backend.engagement.history import Row
from engage_backend.engagement.live import drift
from engage_backend.engagement.live.due import due_runs, next_pass
from engage_backend.engagement.live.heads import Heads
from engage_backend.engagement.live.leaving import correction_of, fact, keep_cohorts
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.registry import RegistryBroken
from engage_backend.engagement.live.retry import lacks_tables
from engage_backend.engagement.live.standing import Standing
from engage_backend.engagement.live.understanding import card_in, latest_clicks, understood_share
from engage_backend.engagement.live.upsert import upsert
from engage_backend.engagement.live.watch import ModelWatch
from engage_backend.engagement.model import Model
from engage_backend.engagement.trees import TARGETS
from engage_backend.models import CourseRun, DailySnapshot, HistoryChunk, LearnerState, LearnerStatus, Prediction

log = logging.getLogger(__name__)

_PASSED_AT_ONCE = 200  # learners, between whose parts events are taken in
_SAMPLED = 200  # learners, those who clicked last, by whose clicks it is told what the model understands
# What is no event's fault: the database's failures are repeated by whoever calls, and the others end the process.
_NOBODYS_FAULT = (OperationalError, InterfaceError, transaction.TransactionManagementError, RegistryBroken, MemoryError)


@dataclass(slots=True)
class _Pass:
    """A daily pass on its way: it ends under the day and the model that it began under, or begins anew."""

    day: date
    model: str
    learners: list[int]
    done: int = 0  # learners


class DailyPass:
    """One process's part in it, in steps. Who holds the lease goes on with it."""

    def __init__(
        self,
        watch: ModelWatch,
        heads: Heads,
        standing: Callable[[CourseRun], Standing],
        move: Callable[[CourseRun, Mapping[int, Sequence[Row]]], None],
        pass_seconds: float,
    ) -> None:
        """`move` brings learners of a run to now; `pass_seconds` lie between two passes over one run at least."""
        self._watch, self._heads, self._standing, self._move = watch, heads, standing, move
        self.pass_seconds = pass_seconds
        self._passed: dict[str, float] = {}  # course key -> when its last pass ended
        self._going: dict[str, _Pass] = {}  # course key -> the pass that is not at its end

    def is_going(self, run: CourseRun | None = None) -> bool:
        """Whether a pass over this run, or over any, is not at its end."""
        return bool(self._going) if run is None else run.course_key in self._going

    def due(self, now: datetime) -> list[CourseRun]:
        """The runs that were not passed over today, or not under the current model and what is expected of them."""
        return [
            run
            for run in due_runs(now)
            if time.monotonic() - self._passed.get(run.course_key, float("-inf")) >= self.pass_seconds
        ]

    def pass_over(self, run: CourseRun, now: datetime, hold: Callable[[], bool], until: float | None) -> bool:
        """Go on with the pass over a run, or begin it; whether it is at its end: see `_go_on`."""
        done = self._go_on(run, now, hold, until)
        if run.course_key not in self._going:
            self._passed[run.course_key] = time.monotonic()
        return done

    def _go_on(self, run: CourseRun, now: datetime, hold: Callable[[], bool], until: float | None) -> bool:
        """Bring every learner of the run to now under the current model, and keep what is shown as the day's snapshot.

        Says False where it is not at its end: `until` (monotonic) has come, or `hold` says that another process took over.
        """
        model = self._watch.look()
        identity = self._standing(run).identity
        going = self._going.get(run.course_key)
        if going is None or (going.day, going.model) != (now.date(), identity):
            everyone = run.learners.exclude(state=LearnerStatus.LEFT).order_by("pk")
            going = self._going[run.course_key] = _Pass(
                now.date(), identity, list(everyone.values_list("pk", flat=True))
            )
        while going.done < len(going.learners):
            if not hold():
                del self._going[run.course_key]
                return False
            part = going.learners[going.done : going.done + _PASSED_AT_ONCE]
            self._bring_forward(run, part, model, now, identity)
            going.done += len(part)
            if until is not None and time.monotonic() >= until and going.done < len(going.learners):
                return False
        latest = run.learners.exclude(last_active=None).order_by("-last_active").values_list("pk", flat=True)
        clicks = latest_clicks(HistoryChunk.objects.filter(learner__in=list(latest[:_SAMPLED])))
        understood = understood_share(card_in(engage_settings().model), clicks)
        keep_cohorts(run, now.date())
        seen = (
            None if model is None else drift.look(run, card_in(engage_settings().model), model.identity, identity, now)
        )
        leave_fact, leave_correction = fact(run, now.date()), correction_of(run, identity, now.date())
        with transaction.atomic():
            run = CourseRun.objects.select_for_update().get(pk=run.pk)  # its dates may have changed meanwhile
            run.leave_fact, run.leave_correction = leave_fact, leave_correction
            run.clock_day, run.drift = now.date(), seen
            if identity:
                run.model, run.calibrated = identity, self._watch.calibrated
            run.next_pass = next_pass(run, self._standing(run).identity)
            run.understood_share = understood
            what_follows = ("model", "calibrated", "understood_share", "leave_fact", "leave_correction", "drift")
            run.save(update_fields=["clock_day", "next_pass", *what_follows])
            raise_version(run, now)
        del self._going[run.course_key]
        log.info("%s: passed over %d learners at %s", run.course_key, len(going.learners), now)
        return True

    def _bring_forward(
        self, run: CourseRun, learners: Sequence[int], model: Model | None, now: datetime, identity: str
    ) -> None:
        """Bring these to now. Who makes something of ours raise stays as they are, and is tried again at the next pass."""
        try:
            with transaction.atomic():
                self._move(run, dict.fromkeys(learners, ()))
                if model is not None:
                    _keep_snapshot(learners, now, identity)
                    LearnerState.objects.filter(learner__in=learners).exclude(model=model.identity).delete()
        except Exception as error:
            if is_nobodys_fault(error):
                raise
            self._heads.clear()
            if len(learners) == 1:
                log.error(
                    "%s: row %d of engage_learner cannot be brought to today: %s",
                    run.course_key,
                    learners[0],
                    type(error).__name__,
                )
                return
            half = len(learners) // 2
            for part in (learners[:half], learners[half:]):
                self._bring_forward(run, part, model, now, identity)


def is_nobodys_fault(error: Exception) -> bool:
    """Whether neither an event nor a learner made us raise this, but the database or what this process lacks."""
    return isinstance(error, _NOBODYS_FAULT) or lacks_tables(error)


def _keep_snapshot(learners: Sequence[int], now: datetime, identity: str) -> None:
    """What is shown of them now becomes this day's snapshot; a snapshot that is there stays as it is."""
    shown = (
        Prediction.objects.filter(learner__in=learners, certify__isnull=False)
        .annotate(last_active=F("learner__last_active"))
        .values_list("learner", *TARGETS, "level", "last_active")
    )
    upsert(
        DailySnapshot,
        ((learner, now.date(), identity, *rest) for learner, *rest in shown),
        unique=["learner", "day"],
        fixed=["model", *TARGETS, "level", "last_active"],
    )
