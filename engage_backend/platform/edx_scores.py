"""What an LMS keeps of learners' tasks: problems, open responses, overridden subsections. The part of `edx` for scores.

These tables are what a learner's grade is made of (lms/djangoapps/grades/scores.py): the submissions of open responses
first, then `StudentModule`. The log is faster; a request that was rolled back, or a deletion for all learners, is only here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from engage_backend.platform.protocol import PlatformScore

_ROWS = 2_000  # read at once from the platform's largest table
_PROBLEM = "problem"
_OPEN_RESPONSE = "openassessment"


def scores(key: Any, *, since: datetime | None, users: Collection[int] | None) -> Iterator[PlatformScore]:
    """See `Platform.scores`."""
    yield from _of_modules(key, since, users)
    yield from _of_open_responses(key, since, users)
    yield from _overrides(key, users)


def _of_modules(key: Any, since: datetime | None, users: Collection[int] | None) -> Iterator[PlatformScore]:
    # lms/djangoapps/courseware/models.py: `grade` and `max_grade` are raw points, and an override of somebody who handed in
    # nothing creates the row. A problem says in its state whether it was attempted; `done` is "f" where old code finished it.
    # The state may be large: the database looks into it.
    from django.db.models import BooleanField, ExpressionWrapper, Q
    from lms.djangoapps.courseware.models import StudentModule

    attempted = Q(done="f") | Q(state__contains='"attempts": ') & ~Q(state__contains='"attempts": 0')
    rows = StudentModule.objects.filter(course_id=key)
    if users is not None:
        rows = rows.filter(student__in=users, grade__isnull=False)
    elif since is not None:
        # Also a problem without a score: its state may have been deleted since, and begun again.
        rows = rows.filter(Q(grade__isnull=False) | Q(module_type=_PROBLEM), modified__gte=since)
    found = rows.annotate(is_attempted=ExpressionWrapper(attempted, output_field=BooleanField())).values_list(
        "student_id", "module_state_key", "module_type", "grade", "max_grade", "is_attempted", "modified"
    )
    for user_id, block, kind, grade, most, is_attempted, at in found.order_by("pk").iterator(chunk_size=_ROWS):
        has = grade is not None and most is not None and most > 0
        handed_in = bool(is_attempted) if kind == _PROBLEM else None if has else False
        block = str(block.map_into_course(key))
        yield PlatformScore(user_id, block, float(grade) if has else None, float(most) if has else None, handed_in, at)


def _of_open_responses(key: Any, since: datetime | None, users: Collection[int] | None) -> Iterator[PlatformScore]:
    # edx-submissions, models.py: people go by their anonymous id of the course; `latest` is the score that counts (`highest`
    # is not), and none where it was reset or is out of 0 points. A submission that was cleared away has the status D.
    from common.djangoapps.student.models import AnonymousUserId
    from django.db.models import Max, Q
    from submissions.models import StudentItem

    people = AnonymousUserId.objects.filter(course_id=key)
    if users is not None:
        people = people.filter(user__in=users)
    who = dict(people.values_list("anonymous_user_id", "user_id"))
    items = StudentItem.objects.filter(course_id=str(key), item_type=_OPEN_RESPONSE)
    if users is not None:
        items = items.filter(student_id__in=list(who))
    found = items.annotate(handed_in_at=Max("submission__submitted_at", filter=Q(submission__status="A"))).values_list(
        "student_id",
        "item_id",
        "handed_in_at",
        "scoresummary__latest__points_earned",
        "scoresummary__latest__points_possible",
        "scoresummary__latest__reset",
        "scoresummary__latest__created_at",
    )
    for student, item, handed_in_at, earned, possible, is_reset, scored_at in found.order_by("pk"):
        moments = [moment for moment in (handed_in_at, scored_at) if moment is not None]
        if student not in who or not moments or (since is not None and max(moments) < since):
            continue
        has = possible and not is_reset
        score, most = (float(earned), float(possible)) if has else (None, None)
        yield PlatformScore(who[student], item, score, most, handed_in_at is not None, handed_in_at or scored_at)


def _overrides(key: Any, users: Collection[int] | None) -> Iterator[PlatformScore]:
    # lms/djangoapps/grades/models.py: `earned_graded_override` is null where nothing is overridden. There are few, and one
    # that was taken back leaves nothing behind: always all of them.
    from lms.djangoapps.grades.models import PersistentSubsectionGradeOverride

    rows = PersistentSubsectionGradeOverride.objects.filter(
        grade__course_id=key, earned_graded_override__isnull=False
    ).order_by("pk")
    if users is not None:
        rows = rows.filter(grade__user_id__in=users)
    found = rows.values_list(
        *("grade__user_id", "grade__usage_key", "earned_graded_override", "possible_graded_override"),
        *("grade__possible_graded", "modified"),
    )
    for user_id, subsection, earned, possible, of, at in found:
        most = of if possible is None else possible
        if most:
            block = str(subsection.map_into_course(key))
            yield PlatformScore(user_id, block, float(earned), float(most), False, at, is_override=True)
