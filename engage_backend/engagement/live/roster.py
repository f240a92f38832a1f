"""Course runs and learners as the platform has them, copied into our tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q

from engage_backend.conf import engage_settings
from engage_backend.engagement.live.consent import left_out, resumed
from engage_backend.engagement.live.due import NEVER
from engage_backend.engagement.live.locks import lock_learners
from engage_backend.engagement.live.publish import raise_version
from engage_backend.engagement.live.submissions import passing
from engage_backend.engagement.live.upsert import update_learners, upsert
from engage_backend.models import CourseRun, DueDate, Learner, LearnerStatus, Prediction
from engage_backend.platform.moments import from_microseconds
from engage_backend.platform.protocol import ROWS_A_QUERY, Enrolment, Platform

_AT_ONCE = 500  # learners a transaction
_KEYS_AT_ONCE = 5_000  # of learners, where nothing but the key and the user id is read
_UNKNOWN = object()


def sync_run(platform: Platform, course_key: str) -> CourseRun | None:
    """The run with its schedule and roster as they are on the platform now; None where it has none, or ours leaves it out.

    All of it at once: 100,000 learners take a second and more. A consumer takes the steps of `sync_everyone` one by one.
    """
    run = sync_schedule(platform, course_key)
    if run is not None:
        for _ in sync_everyone(platform, run):
            pass
        run.refresh_from_db()
    return run


def sync_everyone(platform: Platform, run: CourseRun) -> Iterator[set[int]]:
    """Compare the whole roster with our copy, in steps; yield after each the users of whom something changed.

    One Learner for each enrolled, a null Prediction for who is new, LEFT for who is gone from the roster; and who holds a
    certificate or a passing grade has finished. A step costs `ROWS_A_QUERY` rows, however many there are.
    """
    seen: set[int] = set()
    rows = platform.roster(run.course_key)
    while part := list(islice(rows, ROWS_A_QUERY)):
        enrolled = {one.user_id: one for one in part}
        seen.update(enrolled)
        yield _sync(platform, run, enrolled, enrolled)
    after = 0
    ours = Learner.objects.filter(course_run=run).exclude(state=LearnerStatus.LEFT).order_by("pk")
    while page := list(ours.filter(pk__gt=after).values_list("pk", "user_id")[:_KEYS_AT_ONCE]):
        after = page[-1][0]
        gone = [user_id for _, user_id in page if user_id not in seen]
        for at in range(0, len(gone), ROWS_A_QUERY):
            # Not LEFT for not having been seen: who enrolled meanwhile, or again, is on the roster.
            yield sync_users(platform, run, gone[at : at + ROWS_A_QUERY])
        yield set()


def sync_users(platform: Platform, run: CourseRun, users: Collection[int]) -> set[int]:
    """Copy what the platform has of these users' enrolments now; return those of whom something changed."""
    ordered, changed = sorted(set(users)), set[int]()
    for at in range(0, len(ordered), ROWS_A_QUERY):
        part = ordered[at : at + ROWS_A_QUERY]
        enrolled = {one.user_id: one for one in platform.roster(run.course_key, users=part)}
        changed |= _sync(platform, run, enrolled, part)
    return changed


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


def _sync(platform: Platform, run: CourseRun, enrolled: Mapping[int, Enrolment], users: Collection[int]) -> set[int]:
    """Bring the learners with these user ids, not too many, to what `enrolled` says of them; return who changed."""
    # As plain values: objects take most of the time, and hardly anybody of them has changed.
    rows = Learner.objects.filter(course_run=run, user_id__in=users)
    known = {user: kept for user, *kept in rows.values_list("user_id", "state", "mode", "cohort", "enrolled_at")}
    out = left_out(run, users)
    differing = {
        user
        for user in users
        if _differs(known.get(user), _short(enrolled[user]) if user in enrolled and user not in out else None)
    }
    if differing:
        _copy(platform, run, sorted(differing))
    return differing | _sync_outcomes(platform, run, users)


def _short(one: Enrolment) -> Enrolment:
    """The enrolment as our columns hold it."""
    if len(one.mode) > 100 or len(one.cohort) > 255:
        return one._replace(mode=one.mode[:100], cohort=one.cohort[:255])
    return one


def _differs(known: Sequence[Any] | None, one: Enrolment | None) -> bool:
    """Whether a learner of ours (state, mode, cohort, enrolled at) is not as the platform has them; None: there is none."""
    if known is None or one is None:
        return (known is not None and known[0] != LearnerStatus.LEFT) or one is not None
    state, *rest = known
    return state == LearnerStatus.LEFT or rest != [one.mode, one.cohort, one.enrolled_at]


def _copy(platform: Platform, run: CourseRun, users: Sequence[int]) -> None:
    """Write what the platform has of these users, asked for again behind the locks of their rows.

    Of two processes that read the platform one after the other, the later reader is then also the later writer. Who objects
    or was retired counts as gone; that is read behind the locks, too, so that nobody comes back by an older roster.
    """
    now = platform.now()
    with transaction.atomic():
        # Who is there before who is new: a new row takes a lock of its run, and learners are locked before their run.
        here = Learner.objects.filter(course_run=run, user_id__in=users)
        lock_learners(list(here.values_list("pk", flat=True)))
        found = list(here.order_by("pk"))
        enrolled = {one.user_id: _short(one) for one in platform.roster(run.course_key, users=users)}
        for user in left_out(run, users):
            enrolled.pop(user, None)
        changed, moved = [], []
        for learner in found:
            one = enrolled.pop(learner.user_id, None)
            if one is None:
                if learner.state != LearnerStatus.LEFT:
                    learner.state = LearnerStatus.LEFT
                    moved.append(learner)
                continue
            if (learner.mode, learner.cohort, learner.enrolled_at) != (one.mode, one.cohort, one.enrolled_at):
                learner.mode, learner.cohort, learner.enrolled_at = one.mode, one.cohort, one.enrolled_at
                changed.append(learner)
            if learner.state == LearnerStatus.LEFT:
                has_finished = learner.finished_at is not None
                learner.state = learner_status(learner.last_active, has_finished, now, engage_settings().active_days)
                moved.append(learner)
        since = resumed(run) if enrolled else {}
        fresh = [
            Learner(
                course_run=run,
                user_id=one.user_id,
                enrolled_at=one.enrolled_at,
                mode=one.mode,
                cohort=one.cohort,
                counted_from=since.get(one.user_id),
            )
            for one in enrolled.values()
        ]
        if not (changed or moved or fresh):
            return
        update_learners(changed, ["mode", "cohort", "enrolled_at"])
        update_learners(moved, ["state"])
        Learner.objects.bulk_create(fresh, ignore_conflicts=True)
        version = raise_version(run, now)
        new = Learner.objects.filter(course_run=run, user_id__in=[one.user_id for one in fresh], prediction=None)
        Prediction.objects.bulk_create(
            [Prediction(learner=learner, course_run=run, as_of=now, version=version) for learner in new],
            ignore_conflicts=True,
        )
        Prediction.objects.filter(learner__in={one.pk for one in (*changed, *moved)}).update(version=version)


def learner_status(last: datetime | None, finished: bool, now: datetime, active_days: int) -> LearnerStatus:
    """Return where an enrolled learner stands whose last click was at `last` (None: there is none)."""
    if finished:
        return LearnerStatus.FINISHED
    if last is None:
        return LearnerStatus.NEVER_STARTED
    return LearnerStatus.ACTIVE if now - last <= timedelta(days=active_days) else LearnerStatus.GONE


def _sync_outcomes(platform: Platform, run: CourseRun, users: Collection[int]) -> set[int]:
    """Who holds a certificate or a passing grade has finished, whatever the scores say; nobody is predicted to leave then.

    Whose certificate or grade no longer stands goes on, unless their scores pass: the engine finds out at its next pass.
    Returns of whom that changed.
    """
    outcomes = platform.outcomes(run.course_key, users=users)
    had = {one.user_id: [at for at in (one.certified_at, one.passed_at) if at] for one in outcomes}
    since = {user_id: min(at) for user_id, at in had.items() if at}
    going_on = Learner.objects.filter(course_run=run, user_id__in=users).exclude(state=LearnerStatus.LEFT)
    held = Q(certified_at__isnull=False) | Q(user_id__in=list(since)) if since else Q(certified_at__isnull=False)
    known = going_on.filter(held).values_list("user_id", "certified_at")
    changed = sorted(user_id for user_id, at in known if at != since.get(user_id))
    if changed:
        _set_outcomes(run, changed, since, platform.now())
    return set(changed)


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
