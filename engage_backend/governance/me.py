"""What is held and said about one learner of a course run, for that learner: page, API and block tell the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q

from engage_backend.conf import Retention, engage_settings
from engage_backend.engagement.activity import by_week
from engage_backend.engagement.live.clicks import clicks_of
from engage_backend.engagement.live.roster import sync_schedule
from engage_backend.governance.objections import object_to, standing, take_back, undo_until
from engage_backend.models import (
    CourseRun,
    Delivery,
    DeliveryState,
    Learner,
    LearnerStatus,
    Prediction,
    Submission,
)
from engage_backend.platform.moments import from_microseconds, to_microseconds
from engage_backend.platform.protocol import Platform

FIGURES = ("certify", "complete", "leave", "level")
# What a learner can have had: sent for sure, or perhaps.
_HAD = (DeliveryState.SENT, DeliveryState.UNCERTAIN)


class Message(NamedTuple):
    """A message that this learner had; `at` is None where a crash hid when."""

    subject: str
    at: datetime | None


class LeaveRank(NamedTuple):
    """Where a learner's figure for `leave` stands in the course run."""

    above: int  # learners with a higher figure
    below: int  # with a lower one
    total: int  # with any

    @property
    def tenths(self) -> int:
        """Than how many of ten learners this one is more likely to leave, rounded down."""
        return 10 * self.below // self.total


@dataclass(frozen=True)
class Me:
    """Everything that a learner is told. Probabilities are per mille, the level is 0 to 4.

    Their pseudonym is not in it: no page leads from a pseudonym to a person, or back, and nobody can be made to tell it.
    """

    course_key: str
    display_name: str
    objects: str = ""  # "here", "everywhere", or empty
    since: datetime | None = None  # of that objection
    undo_until: datetime | None = None  # when what was counted is erased; None: it has been, or there is no objection
    is_known: bool = False  # whether Engage has met this person as a learner of the run
    state: str = ""
    clicks: int = 0
    first: datetime | None = None
    last: datetime | None = None
    weeks: Mapping[int, Counter[str]] = field(default_factory=dict)  # week of the course -> group of kinds -> clicks
    handed_in: int = 0
    counted_from: datetime | None = None
    shows_predictions: bool = False  # whether learners of this run see theirs
    predictions: Mapping[str, int | None] = field(default_factory=dict)  # empty unless they do
    leave_rank: LeaveRank | None = None  # how `leave` is told: among the run's learners, and not as a percentage
    messages: tuple[Message, ...] = ()
    retention: Retention = field(default_factory=Retention)


def told_to(user_id: int, course_key: str) -> Me:
    """What this person (LMS user id) is told of themselves in a course run; six queries, whatever the course's size."""
    settings = engage_settings()
    shown = settings.learners_see_predictions
    is_shown = shown if isinstance(shown, bool) else course_key in shown
    of_person = Learner.objects.filter(course_run__course_key=course_key, user_id=user_id)
    learner = of_person.select_related("course_run", "prediction").first()
    run = learner.course_run if learner else CourseRun.objects.filter(course_key=course_key).first()
    objections = standing(run, user_id)
    objects = "everywhere" if "everywhere" in objections else "here" if "here" in objections else ""
    me = Me(
        course_key,
        run.display_name if run else "",
        objects,
        since=objections[objects].since if objects else None,
        undo_until=undo_until(objections[objects]) if objects else None,
        shows_predictions=is_shown,
        retention=settings.retention_days,
    )
    if run is None or learner is None:
        return me
    events, names = clicks_of(learner)
    start = max(run.start, learner.enrolled_at) if run.self_paced else run.start
    prediction = getattr(learner, "prediction", None)
    return replace(
        me,
        is_known=True,
        state=learner.state,
        clicks=sum(len(times) for times, _ in events),
        first=from_microseconds(events[0][0][0]) if events else None,
        last=from_microseconds(events[-1][0][-1]) if events else None,
        weeks=dict(sorted(by_week(events, names, to_microseconds(start)).items())),
        handed_in=Submission.objects.filter(learner=learner, handed_in=True).count(),
        counted_from=learner.counted_from,
        predictions={name: getattr(prediction, name, None) for name in FIGURES} if is_shown and not objects else {},
        leave_rank=leave_rank(prediction) if is_shown and not objects else None,
        messages=tuple(
            Message(subject, at)
            for subject, at in Delivery.objects.filter(learner=learner, state__in=_HAD)
            .order_by("-pk")
            .values_list("version__subject", "finished_at")
        ),
    )


def leave_rank(prediction: Prediction | None) -> LeaveRank | None:
    """Return where a figure for `leave` stands among those that pages show; None where there is none."""
    if prediction is None or prediction.leave is None:
        return None
    shown = Prediction.objects.filter(course_run=prediction.course_run_id).exclude(learner__state=LearnerStatus.LEFT)
    higher, lower = Q(leave__gt=prediction.leave), Q(leave__lt=prediction.leave)
    found = shown.aggregate(above=Count("pk", filter=higher), below=Count("pk", filter=lower), total=Count("leave"))
    return LeaveRank(**found) if found["total"] else None


def say(platform: Platform, user_id: int, course_key: str, *, objects: bool, everywhere: bool) -> bool:
    """Write down what the learner says about being predicted; False where there is no such course run to say it of.

    Call outside a transaction: see `objections.object_to`.
    """
    run = None if everywhere else _run_of(platform, course_key)
    if run is None and not everywhere:
        return False
    work = object_to if objects else take_back
    work(run, user_id, platform.now())
    return True


def is_held(user_id: int, course_key: str) -> bool:
    """Return whether anything is kept about this person in the course run, enrolled or not."""
    return Learner.objects.filter(course_run__course_key=course_key, user_id=user_id).exists()


def _run_of(platform: Platform, course_key: str) -> CourseRun | None:
    """The run to say it of; the platform is asked only for one that no consumer has met yet."""
    known = CourseRun.objects.filter(course_key=course_key).first()
    if known is not None or not engage_settings().covers(course_key):
        return known
    return sync_schedule(platform, course_key)
