"""Course runs and learners as the platform has them, copied into our tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.db import transaction

from engage_backend.conf import engage_settings
from engage_backend.engagement.live.consent import left_out, resumed
from engage_backend.engagement.live.due import NEVER
from engage_backend.engagement.live.locks import lock_learners
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.submissions import passing
from engage_backend.engagement.live.upsert import update_learners, upsert
from engage_backend.models import CourseRun, DueDate, Learner, LearnerStatus, Prediction
from engage_backend.platform.moments import from_microseconds
from engage_backend.platform.protocol import Enrolment, Outcome, Platform

_AT_ONCE = 500  # learners a transaction
_UNKNOWN = object()


def sync_run(platform: Platform, course_key: str) -> CourseRun | None:
    """The run with its schedule and roster as they are on the platform now; None where it has none, or ours leaves it out."""
    run = sync_schedule(platform, course_key)
    if run is not None:
        _sync_learners(run, list(platform.roster(course_key)), platform.now())
        _sync_outcomes(run, platform.outcomes(course_key), platform.now())
    return run


def sync_schedule(platform: Platform, course_key: str) -> CourseRun | None:
    """The run with its schedule alone."""
    schedule = platform.schedule(course_key) if engage_settings().covers(course_key) else None
    if schedule is None:
        return None
    known = {
        "display_name": schedule.display_name[:255],
        "start": from_microseconds(schedule.start),
        "end": from_microseconds(schedule.end) if schedule.end is not None else None,
        "time_zone": schedule.time_zone,
        "self_paced": schedule.self_paced,
        "passing_grade": schedule.passing_grade,
        "expected_pass_rate": schedule.expected_pass_rate,
        "graded": [list(block) for block in schedule.graded],
        "grace": schedule.grace,
    }
    run, _ = CourseRun.objects.get_or_create(course_key=schedule.course, defaults=known)
    if changed := {name: value for name, value in known.items() if getattr(run, name) != value}:
        if "expected_pass_rate" in changed or (run.next_pass == NEVER and "end" in changed):
            changed["next_pass"] = None
        CourseRun.objects.filter(pk=run.pk).update(**changed)
        run.refresh_from_db()
    return run


def sync_dates(platform: Platform, run: CourseRun) -> None:
    """Copy the due dates that differ from learner to learner. Raises what the platform raises."""
    dates = platform.own_dates(run.course_key)
    if dates is None:
        return
    known = Learner.objects.filter(course_run=run).exclude(state=LearnerStatus.LEFT)
    learners = {user: (pk, start) for pk, user, start in known.values_list("pk", "user_id", "dates_from")}
    moved = {user: dates.starts.get(user) for user, (_, start) in learners.items() if start != dates.starts.get(user)}
    own = {(learners[one.user_id][0], one.block): one.due for one in dates.own if one.user_id in learners}
    held = {
        (learner, block): due
        for learner, block, due in DueDate.objects.filter(learner__course_run=run).values_list(
            "learner", "block", "due"
        )
    }
    gone = held.keys() - own.keys()
    if not moved and own == held:
        return
    users = sorted(moved)
    for at in range(0, len(users), _AT_ONCE):
        with transaction.atomic():
            part = users[at : at + _AT_ONCE]
            rows = list(known.select_for_update().filter(user_id__in=part).order_by("pk"))
            for learner in rows:
                learner.dates_from = moved[learner.user_id]
            update_learners(rows, ["dates_from"])
    with transaction.atomic():
        lock_learners({learner for learner, _ in {*own, *gone}})
        there = set(known.values_list("pk", flat=True))
        for one, block in gone:
            DueDate.objects.filter(learner=one, block=block).delete()
        changed = sorted(key for key, due in own.items() if key[0] in there and held.get(key, _UNKNOWN) != due)
        upsert(DueDate, ((*key, own[key]) for key in changed), unique=["learner", "block"], update=["due"])
        CourseRun.objects.filter(pk=run.pk).update(own_dates=bool(own))
        raise_version(run, platform.now())


def _sync_learners(run: CourseRun, roster: list[Enrolment], now: datetime) -> None:
    """One Learner for each enrolled, a null Prediction for who is new, and LEFT for who is gone from the roster.

    Who objects, or was retired, counts as gone. That is read after the learners, so that nobody who says so in between is
    taken for somebody who came back.
    """
    # As plain values: 100,000 objects take most of a second, and hardly anybody of them has changed.
    rows = Learner.objects.filter(course_run=run).values_list("user_id", "pk", "state", "mode", "cohort", "enrolled_at")
    known = {user_id: (pk, state, mode, cohort, begun) for user_id, pk, state, mode, cohort, begun in rows}
    out = left_out(run)
    enrolled = {
        one.user_id: one._replace(mode=one.mode[:100], cohort=one.cohort[:255])
        if len(one.mode) > 100 or len(one.cohort) > 255
        else one
        for one in roster
        if one.user_id not in out
    }
    new_users = [user_id for user_id in enrolled if user_id not in known]
    changed_pks: set[int] = set()
    left_pks: set[int] = set()
    back_pks: set[int] = set()
    for user_id, (pk, state, mode, cohort, enrolled_at) in known.items():
        one = enrolled.get(user_id)
        if one is None:
            if state != LearnerStatus.LEFT:
                left_pks.add(pk)
            continue
        if (mode, cohort, enrolled_at) != (one.mode, one.cohort, one.enrolled_at):
            changed_pks.add(pk)
        if state == LearnerStatus.LEFT:
            back_pks.add(pk)
    moved = changed_pks | left_pks | back_pks
    if not (new_users or moved):
        return
    since = resumed(run)
    fresh = [
        Learner(
            course_run=run,
            user_id=user_id,
            enrolled_at=enrolled[user_id].enrolled_at,
            mode=enrolled[user_id].mode,
            cohort=enrolled[user_id].cohort,
            counted_from=since.get(user_id),
        )
        for user_id in new_users
    ]
    found = [one for at in _parts(moved) for one in Learner.objects.filter(pk__in=at)]
    changed, left, back = ([one for one in found if one.pk in pks] for pks in (changed_pks, left_pks, back_pks))
    with transaction.atomic():
        # Who is there before who is new: a new row takes a lock of its run, and learners are locked before their run.
        lock_learners(moved)
        # Asked again behind the locks: who has objected since the roster was read does not come back by it.
        out = left_out(run)
        back = [learner for learner in back if learner.user_id not in out]
        fresh = [learner for learner in fresh if learner.user_id not in out]
        for learner in changed:
            one = enrolled[learner.user_id]
            learner.mode, learner.cohort, learner.enrolled_at = one.mode, one.cohort, one.enrolled_at
        for learner in left:
            learner.state = LearnerStatus.LEFT
        for learner in back:
            has_finished = learner.finished_at is not None
            learner.state = learner_status(learner.last_active, has_finished, now, engage_settings().active_days)
        # Each list with its own fields: a state that was read before somebody objected must not be written over LEFT.
        update_learners(changed, ["mode", "cohort", "enrolled_at"])
        update_learners([*left, *back], ["state"])
        Learner.objects.bulk_create(fresh, ignore_conflicts=True)
        version = raise_version(run, now)
        new = Learner.objects.filter(course_run=run, user_id__in=[one.user_id for one in fresh], prediction=None)
        Prediction.objects.bulk_create(
            [Prediction(learner=learner, course_run=run, as_of=now, version=version) for learner in new],
            ignore_conflicts=True,
        )
        Prediction.objects.filter(learner__in=moved).update(version=version)


def _parts(pks: Collection[int]) -> Iterator[list[int]]:
    """The keys in order, as many at once as one query takes."""
    ordered = sorted(pks)
    return (ordered[at : at + _AT_ONCE] for at in range(0, len(ordered), _AT_ONCE))


def learner_status(last: datetime | None, finished: bool, now: datetime, active_days: int) -> LearnerStatus:
    """Return where an enrolled learner stands whose last click was at `last` (None: there is none)."""
    if finished:
        return LearnerStatus.FINISHED
    if last is None:
        return LearnerStatus.NEVER_STARTED
    return LearnerStatus.ACTIVE if now - last <= timedelta(days=active_days) else LearnerStatus.GONE


def _sync_outcomes(run: CourseRun, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Who holds a certificate or a passing grade has finished, whatever the scores say; nobody is predicted to leave then.

    Whose certificate or grade no longer stands goes on, unless their scores pass: the engine finds out at its next pass.
    """
    had = {one.user_id: [at for at in (one.certified_at, one.passed_at) if at] for one in outcomes}
    since = {user_id: min(at) for user_id, at in had.items() if at}
    going_on = Learner.objects.filter(course_run=run).exclude(state=LearnerStatus.LEFT)
    known = dict(going_on.filter(certified_at__isnull=False).values_list("user_id", "certified_at"))
    changed = sorted(user_id for user_id in {*known, *since} if known.get(user_id) != since.get(user_id))
    for at in range(0, len(changed), _AT_ONCE):
        _set_outcomes(run, changed[at : at + _AT_ONCE], since, now)


def _set_outcomes(run: CourseRun, users: list[int], since: Mapping[int, datetime], now: datetime) -> None:
    with transaction.atomic():
        # Asked again behind the lock: somebody may have objected in between.
        going_on = Learner.objects.filter(course_run=run, user_id__in=users).exclude(state=LearnerStatus.LEFT)
        rows = list(going_on.select_for_update().order_by("pk"))
        if not rows:
            return
        passes = passing(run, [one.pk for one in rows if one.user_id not in since])
        for learner in rows:
            learner.certified_at = since.get(learner.user_id)
            if learner.certified_at is not None:
                learner.state, learner.finished_at = LearnerStatus.FINISHED, learner.finished_at or learner.certified_at
            elif not passes[learner.pk]:
                learner.state = LearnerStatus.GONE if learner.last_active else LearnerStatus.NEVER_STARTED
                learner.finished_at = None
        update_learners(rows, ["state", "finished_at", "certified_at"])
        version = raise_version(run, now)
        Prediction.objects.filter(learner__in=rows).update(leave=None, version=version)
