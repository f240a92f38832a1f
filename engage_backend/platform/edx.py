"""The platform as an LMS or Studio has it. Each fact names the file of edx-platform that it rests on (Teak).

edx-platform is imported inside the functions only: this module loads, and is checked, where there is none.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from engage_backend.platform.protocol import CourseSchedule, Enrolment, GradedBlock, Role

if TYPE_CHECKING:
    from django.http import HttpRequest

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Who belongs to a course team, of the course or of its organisation. Beta testers have a row in the same table and
# are learners.
_TEAM = ("instructor", "limited_staff", "staff")


class EdxPlatform:
    """See `engage_backend.platform.protocol.Platform`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def courses(self) -> Iterator[str]:
        # openedx/core/djangoapps/content/course_overviews/models.py
        from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

        for key in CourseOverview.objects.values_list("id", flat=True):
            yield str(key)

    def has_course(self, course_key: str) -> bool:
        from opaque_keys.edx.keys import CourseKey
        from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

        return bool(CourseOverview.objects.filter(id=CourseKey.from_string(course_key)).exists())

    def schedule(self, course_key: str) -> CourseSchedule | None:
        from opaque_keys.edx.keys import CourseKey
        from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

        key = CourseKey.from_string(course_key)
        overview = CourseOverview.objects.filter(id=key).first()
        if overview is None:
            return None
        graded: tuple[GradedBlock, ...] = ()
        try:
            graded = tuple(_graded_blocks(key))
        except Exception:
            # A course that was never published, or whose structure is just being rebuilt: its dates are still true.
            log.warning("The graded blocks of %s cannot be read now; its dates can.", course_key, exc_info=True)
        passing = overview.lowest_passing_grade
        return CourseSchedule(
            course=course_key,
            display_name=overview.display_name or "",
            start=_micros(overview.start or overview.created),
            end=None if overview.end is None else _micros(overview.end),
            self_paced=bool(overview.self_paced),
            passing_grade=CourseSchedule._field_defaults["passing_grade"] if passing is None else float(passing),
            graded=graded,
        )

    def roster(self, course_key: str) -> Iterator[Enrolment]:
        # common/djangoapps/student/models/course_enrollment.py and user.py;
        # openedx/core/djangoapps/course_groups/models.py
        from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment
        from django.db.models import Q
        from opaque_keys.edx.django.models import CourseKeyField
        from opaque_keys.edx.keys import CourseKey
        from openedx.core.djangoapps.course_groups.models import CohortMembership

        key = CourseKey.from_string(course_key)
        # A role of a whole organisation has an empty course key (common/djangoapps/student/roles.py).
        of_course_or_org = Q(course_id=key) | Q(org=key.org, course_id=CourseKeyField.Empty)
        team = set(CourseAccessRole.objects.filter(of_course_or_org, role__in=_TEAM).values_list("user_id", flat=True))
        memberships = CohortMembership.objects.filter(course_id=key)
        cohorts = dict(memberships.values_list("user_id", "course_user_group__name"))
        rows = (
            CourseEnrollment.objects.filter(course_id=key, is_active=True)
            .exclude(user__is_staff=True)
            .exclude(user__is_superuser=True)
            .order_by("pk")
            .values_list("user_id", "created", "mode")
        )
        for user_id, created, mode in rows:
            if user_id not in team:
                yield Enrolment(user_id, created, mode, cohorts.get(user_id, ""))

    def role(self, request: HttpRequest, course_key: str) -> Role:
        from common.djangoapps.student.models import CourseEnrollment
        from django.conf import settings
        from opaque_keys.edx.keys import CourseKey

        user = request.user
        if not user.is_authenticated:
            return Role.ANONYMOUS
        key = CourseKey.from_string(course_key)
        if settings.ROOT_URLCONF == "cms.urls":
            # Studio has no masquerade, and its own word for who may see a course: common/djangoapps/student/auth.py
            from common.djangoapps.student.auth import has_studio_read_access

            if has_studio_read_access(user, key):
                return Role.STAFF
        else:
            # lms/djangoapps/courseware/access.py, masquerade.py
            from lms.djangoapps.courseware.access import has_access
            from lms.djangoapps.courseware.masquerade import setup_masquerade

            if has_access(user, "staff", key):
                # Marks the user, and answers whom a member of staff wants to be; a view that does not ask sees staff.
                _, seen_as = setup_masquerade(request, key, True)
                return Role.STAFF if has_access(seen_as, "staff", key) else Role.LEARNER
        return Role.LEARNER if CourseEnrollment.is_enrolled(user, key) else Role.STRANGER


def _micros(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1)


def _graded_blocks(key: Any) -> Iterator[GradedBlock]:
    """Every block that counts, with its share of the course grade (together 1 at most) and its due date.

    The weight of an assignment type is shared by its subsections alike, and within one by the points of its problems.
    Dropped assignments are not foreseen: which one is dropped is known at the end only.
    """
    # lms/djangoapps/grades/context.py (which subsections), transformer.py (points, `graded`), scores.py (what counts)
    from lms.djangoapps.grades.context import graded_subsections_for_course
    from lms.djangoapps.grades.scores import possibly_scored
    from lms.djangoapps.grades.transformer import GradesTransformer
    from openedx.core.djangoapps.content.block_structure.api import get_course_in_cache
    from xmodule.modulestore.django import modulestore

    structure = get_course_in_cache(key)
    by_type: dict[str, list[list[tuple[str, float, int | None]]]] = defaultdict(list)
    for subsection in graded_subsections_for_course(structure):
        problems = []
        for usage_key in structure.topological_traversal(start_node=subsection.location):
            if not possibly_scored(usage_key) or not getattr(structure[usage_key], "graded", False):
                continue
            block = structure[usage_key]
            transformed = block.transformer_data[GradesTransformer]
            weight = getattr(block, "weight", None)
            points = transformed.max_score if weight is None else weight
            if points and transformed.max_score:
                due = getattr(block, "due", None) or getattr(subsection, "due", None)
                problems.append((str(usage_key), float(points), None if due is None else _micros(due)))
        if problems:
            by_type[subsection.format].append(problems)
    # xmodule/course_block.py: `raw_grader` is the list of assignment types of the grading policy.
    weights = {kind["type"]: float(kind["weight"]) for kind in modulestore().get_course(key).raw_grader}
    for kind, subsections in by_type.items():
        for problems in subsections:
            total = sum(points for _, points, _ in problems)
            for usage_key_text, points, due in problems:
                if share := weights.get(kind, 0.0) / len(subsections) * points / total:
                    yield GradedBlock(usage_key_text, share, due)
