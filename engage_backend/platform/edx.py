"""The platform as an LMS or Studio has it. Each fact names the file of edx-platform that it rests on (Teak).

edx-platform is imported inside the functions only: this module loads, and is checked, where there is none.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from engage_backend.platform.edx_due import moment, own_dates
from engage_backend.platform.edx_mail import EdxMail
from engage_backend.platform.edx_schedule import expected_pass_rate, grace_period, graded_blocks
from engage_backend.platform.edx_scores import scores
from engage_backend.platform.edx_team import authz_team, role_team
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.paging import pages
from engage_backend.platform.protocol import (
    MOST_FOUND,
    CoursePages,
    CourseSchedule,
    Enrolment,
    GradedBlock,
    Outcome,
    OwnDates,
    PlatformScore,
    Role,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a course has for a start until somebody sets one: `DEFAULT_START_DATE`, xmodule/course_metadata_utils.py.
NO_START = datetime(2030, 1, 1, tzinfo=UTC)
AFTER_THE_END = timedelta(days=60)  # how long a course run that is over is still looked at without a click in it
SAME_GRADE = 1e-9  # the platform keeps what a learner must reach as a decimal, and what they have as a float
_USERS_AT_ONCE = 500  # user ids in one query
# A user whose retirement was requested, whatever came of it: openedx/core/djangoapps/user_api/models.py.
_ASKED_TO_RETIRE = "user__userretirementrequest__isnull"


class EdxPlatform(EdxMail):
    """See `engage_backend.platform.protocol.Platform`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def speed(self) -> float:
        return 1.0

    def courses(self) -> Iterator[str]:
        # openedx/core/djangoapps/content/course_overviews/models.py: one row a course run, kept by publishing
        from django.db.models import Exists, OuterRef, Q

        overview, enrolment = _overview(), _enrolment()
        going_on = Q(end=None) | Q(end__gt=self.now() - AFTER_THE_END)
        taken = Exists(enrolment.objects.filter(course_id=OuterRef("pk"), is_active=True))
        for key in overview.objects.filter(going_on & taken).order_by("pk").values_list("id", flat=True):
            yield str(key)

    def has_course(self, course_key: str) -> bool:
        return bool(_overview().objects.filter(id=_key(course_key)).exists())

    def schedule(self, course_key: str) -> CourseSchedule | None:
        from django.conf import settings

        key = _key(course_key)
        overview = _overview().objects.filter(id=key).first()
        if overview is None:
            return None
        graded: tuple[GradedBlock, ...] = ()
        grace = 0
        try:
            graded = tuple(graded_blocks(key))
            grace = grace_period(key)
        except Exception:
            # A course that was never published, or whose structure is just being rebuilt: its dates are still true.
            log.warning("The graded blocks of %s cannot be read now; its dates can.", course_key, exc_info=True)
        try:
            expected = expected_pass_rate(key)
        except Exception:
            expected = None
            log.warning("What the authors of %s expect cannot be read now.", course_key, exc_info=True)
        passing = overview.lowest_passing_grade
        start = overview.start
        if start is None or start == NO_START:
            start = overview.created  # model_utils' TimeStampedModel: when the run was first published
        return CourseSchedule(
            course=str(overview.id),
            display_name=overview.display_name or "",
            start=to_microseconds(start),
            end=moment(overview.end),
            time_zone=settings.TIME_ZONE
            or "UTC",  # a course has none of its own; the site's is what its pages default to
            self_paced=bool(overview.self_paced),
            passing_grade=CourseSchedule._field_defaults["passing_grade"] if passing is None else float(passing),
            graded=graded,
            expected_pass_rate=expected,
            grace=grace,
        )

    def own_dates(self, course_key: str) -> OwnDates | None:
        key = _key(course_key)
        return own_dates(key, list(graded_blocks(key)))

    def roster(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Enrolment]:
        # common/djangoapps/student/models/course_enrollment.py; openedx/core/djangoapps/course_groups/models.py. The history
        # of enrolments there is no list of changes: its ids are random, and bulk updates, roles and cohorts are not in it.
        from openedx.core.djangoapps.course_groups.models import CohortMembership

        key = _key(course_key)
        by_authz = authz_team(key)
        rows = (
            _enrolment()
            .objects.filter(course_id=key, is_active=True, user__is_staff=False, user__is_superuser=False)
            .filter(**{_ASKED_TO_RETIRE: True})
            .values_list("pk", "user_id", "created", "mode")
        )
        for page in pages(rows, users):
            # Asked for each page: who joins the team while later pages are read is no learner on any of them.
            here = [user_id for _, user_id, _, _ in page]
            staff = by_authz | role_team(key, here)
            memberships = CohortMembership.objects.filter(course_id=key, user_id__in=here)
            cohorts = dict(memberships.values_list("user_id", "course_user_group__name"))
            for _, user_id, created, mode in page:
                if user_id not in staff:
                    # `created` may be null; then nothing is known, and the course's start holds.
                    yield Enrolment(user_id, created or _EPOCH, mode or "", cohorts.get(user_id, ""))

    def retiring(self) -> set[int]:
        # A request leaves the account active and enrolled for days, during which it may be cancelled; see `retired`.
        requests = _retirement_requests().filter(user__is_active=True)
        return {one.user_id for one in _retirements(requests) if not one.is_done()}

    def retired(self, user_ids: Iterable[int]) -> set[int]:
        # openedx/core/djangoapps/user_api/accounts/views.py: `retire` renames and deactivates the user, `cleanup` deletes the
        # status, the request stays. An account that is inactive without a request is not retired, only deactivated.
        from django.contrib.auth import get_user_model

        wanted = sorted(set(user_ids))
        found: set[int] = set()
        for at in range(0, len(wanted), _USERS_AT_ONCE):
            part = wanted[at : at + _USERS_AT_ONCE]
            there = get_user_model().objects.filter(pk__in=part).values_list("pk", flat=True)
            found.update(set(part) - set(there))
            requests = _retirement_requests().filter(user__in=part)
            found.update(one.user_id for one in _retirements(requests) if one.is_done())
        return found

    def outcomes(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Outcome]:
        # lms/djangoapps/certificates/models.py (`invalidate` and `mark_notpassing` leave the row, with another status) and
        # data.py; lms/djangoapps/grades/models.py (`passed_timestamp` stays once set, whatever the grade is now)
        from lms.djangoapps.certificates.data import CertificateStatuses
        from lms.djangoapps.certificates.models import GeneratedCertificate
        from lms.djangoapps.grades.models import PersistentCourseGrade

        key = _key(course_key)
        passing = _overview().objects.filter(id=key).values_list("lowest_passing_grade", flat=True).first()
        certificates = GeneratedCertificate.objects.filter(course_id=key, status=CertificateStatuses.downloadable)
        grades = PersistentCourseGrade.objects.filter(course_id=key, passed_timestamp__isnull=False)
        if passing is not None:
            grades = grades.filter(percent_grade__gte=float(passing) - SAME_GRADE)
        if users is not None:
            certificates, grades = certificates.filter(user_id__in=users), grades.filter(user_id__in=users)
        certified = dict(certificates.values_list("user_id", "created_date"))
        passed = dict(grades.values_list("user_id", "passed_timestamp"))
        for user_id in sorted({*certified, *passed}):
            yield Outcome(user_id, certified.get(user_id), passed.get(user_id))

    def scores(
        self, course_key: str, *, since: datetime | None = None, users: Collection[int] | None = None
    ) -> Iterator[PlatformScore] | None:
        return scores(_key(course_key), since=since, users=users)

    def user_names(self, user_ids: Iterable[int]) -> Iterator[tuple[int, str]]:
        # django.contrib.auth's user: support may rename people, and retirement does
        from django.contrib.auth import get_user_model

        users, wanted = get_user_model().objects.order_by(), sorted(set(user_ids))
        for at in range(0, len(wanted), _USERS_AT_ONCE):
            yield from users.filter(pk__in=wanted[at : at + _USERS_AT_ONCE]).values_list("pk", "username")

    def find_people(self, course_key: str, query: str) -> list[int]:
        # common/djangoapps/student/models/user.py: the full name stands in the profile, as learners typed it
        from django.db.models import Q

        is_meant = Q(user__username__iexact=query) | Q(user__email__iexact=query) | Q(user__profile__name__iexact=query)
        here = {"course_id": _key(course_key), "is_active": True, _ASKED_TO_RETIRE: True}
        found = _enrolment().objects.filter(is_meant, **here)
        return list(found.order_by("user").values_list("user_id", flat=True)[:MOST_FOUND])

    def pages(self, course_key: str) -> CoursePages:
        # lms/urls.py: `openedx.course_experience.course_home`, which leads on to the front end, and `instructor_dashboard`
        return CoursePages(f"/courses/{course_key}/course/", f"/courses/{course_key}/instructor")

    def block_file_url(self, path: str) -> str:
        # openedx/core/lib/xblock_utils/__init__.py: what `local_resource_url` of a block in the LMS answers, with the storage
        # of `collectstatic` and its host
        from openedx.core.lib.xblock_utils import xblock_local_resource_url
        from xblock.core import XBlock
        from xblock.fields import ScopeIds

        kind = "engage_communicator"
        return str(
            xblock_local_resource_url(XBlock.load_class(kind)(None, scope_ids=ScopeIds(None, kind, None, None)), path)
        )

    def role(self, request: HttpRequest, course_key: str) -> Role:
        from django.conf import settings

        user = request.user
        if not user.is_authenticated:
            return Role.ANONYMOUS
        key = _key(course_key)
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
                return Role.STAFF if has_access(seen_as, "staff", key) else Role.MASQUERADER
        return Role.LEARNER if _enrolment().is_enrolled(user, key) else Role.STRANGER


def _retirement_requests() -> Any:
    # openedx/core/djangoapps/user_api/models.py
    from openedx.core.djangoapps.user_api.models import UserRetirementRequest

    return UserRetirementRequest.objects


class _Retirement(NamedTuple):
    """A user with a retirement request, as the platform's tables have them."""

    user_id: int
    is_active: bool
    username: str
    state: str | None  # of the pipeline; None: not begun, or cleaned up at its end

    def is_done(self) -> bool:
        """Return whether the user was retired, so that nothing can be cancelled any more."""
        from django.conf import settings

        prefix = str(getattr(settings, "RETIRED_USERNAME_FMT", "retired__user_{}")).split("{}")[0]
        return not self.is_active or self.state == "COMPLETE" or (bool(prefix) and self.username.startswith(prefix))


def _retirements(requests: Any) -> Iterator[_Retirement]:
    state = "user__userretirementstatus__current_state__state_name"
    rows = requests.values_list("user_id", "user__is_active", "user__username", state)
    return (_Retirement(*row) for row in rows)


def _key(course_key: str) -> Any:
    from opaque_keys.edx.keys import CourseKey

    return CourseKey.from_string(course_key)


def _overview() -> Any:
    # openedx/core/djangoapps/content/course_overviews/models.py
    from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

    return CourseOverview


def _enrolment() -> Any:
    # common/djangoapps/student/models/course_enrollment.py
    from common.djangoapps.student.models import CourseEnrollment

    return CourseEnrollment
