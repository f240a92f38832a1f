"""The platform as the standalone site has it: four small tables and Django's users."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from engage_backend.platform.paging import pages
from engage_backend.platform.protocol import (
    MOST_FOUND,
    CoursePages,
    CourseSchedule,
    Enrolment,
    MailFrom,
    Outcome,
    OwnDates,
    PlatformScore,
    Recipient,
    Role,
)
from engage_backend.platform.reach import why_not

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from engage_backend.platform.standalone.models import Enrolment as Row

# The standalone site's masquerade: this session key, set to "learner" or "stranger", lowers the role of a member of
# staff to that. It never raises anybody's.
VIEW_AS = "engage_view_as"
_AT_ONCE = 500  # users a query
_LOWERED = {"learner": Role.MASQUERADER, "stranger": Role.STRANGER}


class StandalonePlatform:
    """See `engage_backend.platform.protocol.Platform`."""

    def now(self) -> datetime:
        from engage_backend.platform.standalone.models import Clock

        real = datetime.now(UTC)
        clock = Clock.objects.order_by("pk").values_list("site_time", "real_time", "speed").first()
        if clock is None:
            return real
        site_time, real_time, speed = clock
        passed: timedelta = (real - real_time) * speed
        return site_time + passed

    def speed(self) -> float:
        from engage_backend.platform.standalone.models import Clock

        speed: float | None = Clock.objects.order_by("pk").values_list("speed", flat=True).first()
        return 1.0 if speed is None else speed

    def courses(self) -> Iterator[str]:
        from engage_backend.platform.standalone.models import Course

        yield from Course.objects.order_by("pk").values_list("key", flat=True)

    def has_course(self, course_key: str) -> bool:
        from engage_backend.platform.standalone.models import Course

        return Course.objects.filter(key=course_key).exists()

    def schedule(self, course_key: str) -> CourseSchedule | None:
        from engage_backend.platform.standalone.models import Course

        stored = Course.objects.filter(key=course_key).values_list("schedule", flat=True).first()
        if stored is None:
            return None
        schedule = CourseSchedule.from_json(stored)
        if not schedule.self_paced:
            return schedule
        # As in an LMS: an authored due date is void in a self-paced run.
        return schedule._replace(graded=tuple(block._replace(due=None) for block in schedule.graded))

    def roster(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Enrolment]:
        rows = self._enrolled(course_key).values_list("pk", "user_id", "created", "mode", "cohort")
        return (Enrolment(*row) for page in pages(rows, users) for _, *row in page)

    def retiring(self) -> set[int]:
        return set()  # accounts of this site are deleted, not retired

    def retired(self, user_ids: Iterable[int]) -> set[int]:
        from django.contrib.auth.models import User

        wanted = sorted(set(user_ids))
        found: set[int] = set()
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            found.update(set(part) - set(User.objects.filter(pk__in=part).values_list("pk", flat=True)))
        return found

    def user_names(self, user_ids: Iterable[int]) -> Iterator[tuple[int, str]]:
        from django.contrib.auth.models import User

        wanted = sorted(set(user_ids))
        for at in range(0, len(wanted), _AT_ONCE):
            yield from User.objects.filter(pk__in=wanted[at : at + _AT_ONCE]).values_list("pk", "username")

    def find_people(self, course_key: str, query: str) -> list[int]:
        from django.db.models import Q, Value
        from django.db.models.functions import Concat

        found = (
            self._enrolled(course_key)
            .annotate(full_name=Concat("user__first_name", Value(" "), "user__last_name"))
            .filter(Q(user__username__iexact=query) | Q(user__email__iexact=query) | Q(full_name__iexact=query))
        )
        return list(found.order_by("user").values_list("user_id", flat=True)[:MOST_FOUND])

    def _enrolled(self, course_key: str) -> QuerySet[Row]:
        """The enrolments of learners by now; not those of the course team."""
        from engage_backend.platform.standalone.models import CourseStaff
        from engage_backend.platform.standalone.models import Enrolment as Row

        return (
            Row.objects.filter(course__key=course_key, is_active=True, created__lte=self.now())
            .filter(user__is_staff=False, user__is_superuser=False)
            .exclude(user__in=CourseStaff.objects.filter(course__key=course_key).values("user"))
        )

    def outcomes(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Outcome]:
        return iter(())  # this site issues no certificates and keeps no grades; who has passed is counted from clicks

    def own_dates(self, course_key: str) -> OwnDates | None:
        return None  # everybody has the course's dates

    def scores(
        self, course_key: str, *, since: datetime | None = None, users: Collection[int] | None = None
    ) -> Iterator[PlatformScore] | None:
        return None  # what was handed in is in the clicks

    def recipients(self, course_key: str, user_ids: Iterable[int]) -> Iterator[Recipient]:
        from django.contrib.auth.models import User
        from django.db.models import Exists, OuterRef

        from engage_backend.platform.standalone.models import CourseStaff, OptOut
        from engage_backend.platform.standalone.models import Enrolment as Row

        here = {"course__key": course_key, "user": OuterRef("pk")}
        users = User.objects.order_by("pk").annotate(
            in_team=Exists(CourseStaff.objects.filter(**here)),
            is_enrolled=Exists(Row.objects.filter(**here, is_active=True, created__lte=self.now())),
            is_out=Exists(OptOut.objects.filter(**here)),
        )
        rows = users.values_list(
            *("pk", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser"),
            *("in_team", "is_enrolled", "is_out"),
        )
        wanted = sorted(set(user_ids))
        for at in range(0, len(wanted), _AT_ONCE):
            for pk, email, first, last, is_active, is_staff, is_superuser, in_team, is_enrolled, is_out in rows.filter(
                pk__in=wanted[at : at + _AT_ONCE]
            ):
                reason = why_not(
                    is_active=is_active,
                    is_of_team=is_staff or is_superuser or in_team,
                    is_enrolled=is_enrolled,
                    address=email,
                    has_opted_out=is_out,
                )
                yield Recipient(pk, email, f"{first} {last}".strip(), first, not reason, reason)

    def mail_from(self, course_key: str, display_name: str) -> MailFrom:
        from django.conf import settings

        return MailFrom(*parseaddr(settings.DEFAULT_FROM_EMAIL))

    def has_opted_out(self, course_key: str, user_id: int) -> bool:
        from engage_backend.platform.standalone.models import OptOut

        return OptOut.objects.filter(course__key=course_key, user_id=user_id).exists()

    def opt_out(self, course_key: str, user_id: int, out: bool) -> None:
        from django.contrib.auth.models import User

        from engage_backend.platform.standalone.models import Course, OptOut

        course = Course.objects.filter(key=course_key).first()
        if course is None or not User.objects.filter(pk=user_id).exists():
            return
        if out:
            OptOut.objects.get_or_create(course=course, user_id=user_id)
        else:
            OptOut.objects.filter(course=course, user_id=user_id).delete()

    def may_send(self, course_key: str) -> bool:
        from engage_backend.platform.standalone.models import Course

        return Course.objects.filter(key=course_key, bulk_email=True).exists()

    def may_automate(self, course_key: str) -> bool:
        return True  # there is no Studio in which anybody could say no

    def pages(self, course_key: str) -> CoursePages:
        return CoursePages("/course/", "")

    def block_file_url(self, path: str) -> str:
        return f"/xblock/resource/{path}"  # demo/urls.py

    def role(self, request: HttpRequest, course_key: str) -> Role:
        from engage_backend.platform.standalone.models import CourseStaff
        from engage_backend.platform.standalone.models import Enrolment as Row

        user = request.user
        if not user.is_authenticated:
            return Role.ANONYMOUS
        if user.is_staff or user.is_superuser or CourseStaff.objects.filter(course__key=course_key, user=user).exists():
            return _LOWERED.get(request.session.get(VIEW_AS, ""), Role.STAFF)
        enrolled = Row.objects.filter(course__key=course_key, user=user, is_active=True, created__lte=self.now())
        return Role.LEARNER if enrolled.exists() else Role.STRANGER
