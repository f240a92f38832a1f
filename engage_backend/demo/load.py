"""A research data package becomes a course of the standalone site: people, enrolments, schedule, course team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection, transaction

from engage_backend.demo.people import COHORTS, LEARNER, OWN_USERS, STAFF, made_up_name, stable_number
from engage_backend.engagement.package import Package, PackageLearner
from engage_backend.platform.moments import from_microseconds
from engage_backend.platform.standalone.models import Course, CourseStaff, Enrolment


@dataclass(frozen=True)
class Loaded:
    """What a load made of a package."""

    course_key: str
    display_name: str
    learners: int
    start: datetime  # of the course


def load_package(package: Package) -> Loaded:
    """Fill the site with a package's course, in one transaction; a course that is there already is left as it is.

    Everyone who ever enrolled is enrolled from their own day on: who gave up later is not known beforehand. Nobody
    keeps the name or address of the package, and nobody has a password: one becomes a user by the demo's switch.
    Raises ValueError where a package's course has no learners.
    """
    schedule = package.schedule
    learners = list(package.learners)
    if not learners:
        raise ValueError(f"{schedule.course} has no learners")
    start = from_microseconds(schedule.start)
    loaded = Loaded(schedule.course, schedule.display_name, sum(not p.is_staff for p in learners), start)
    with transaction.atomic():
        course, is_new = Course.objects.get_or_create(key=schedule.course, defaults={"schedule": schedule.to_json()})
        if not is_new:
            return loaded
        User.objects.bulk_create([_user(p) for p in learners], ignore_conflicts=True, batch_size=2000)
        # The learner of one's own has an id above all others, so that no line of the package speaks of them.
        modes = {p.mode for p in learners}
        above = max(p.user_id for p in learners)
        own = {name: _own_user(name, above + place) for place, name in enumerate(OWN_USERS, 1)}
        Enrolment.objects.bulk_create(
            [_enrolment(course, p, only_mode=len(modes) == 1) for p in learners if not p.is_staff]
            + [Enrolment(course=course, user=own[LEARNER], created=start, mode="audit", cohort=COHORTS[0])],
            batch_size=2000,
        )
        team = [own[STAFF].pk, *(p.user_id for p in learners if p.is_staff)]
        CourseStaff.objects.bulk_create([CourseStaff(course=course, user_id=user_id) for user_id in team])
        # PostgreSQL would give the next user an id of one of these.
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [User]):
                cursor.execute(statement)
    return loaded


def _user(person: PackageLearner) -> User:
    first, last = made_up_name(person.user_id)
    username = person.username if person.username not in OWN_USERS else f"{person.username}_{person.user_id}"
    return User(
        id=person.user_id,
        username=username,
        first_name=first,
        last_name=last,
        email=f"{first}.{last}.{person.user_id}@example.org".lower(),
        password=UNUSABLE_PASSWORD_PREFIX,
        date_joined=person.enrolled_at,
    )


def _own_user(name: str, user_id: int) -> User:
    first, last = OWN_USERS[name].split()
    values = {
        "id": user_id,
        "first_name": first,
        "last_name": last,
        "email": f"{name}@example.org",
        "password": UNUSABLE_PASSWORD_PREFIX,
    }
    return User.objects.get_or_create(username=name, defaults=values)[0]


def _enrolment(course: Course, person: PackageLearner, *, only_mode: bool) -> Enrolment:
    mode = person.mode
    if only_mode:
        # Of a course with one mode, as the sample is, a quarter pays: there has to be something to filter by.
        mode = "verified" if stable_number(person.user_id, "mode") % 4 == 0 else mode or "audit"
    cohort = COHORTS[stable_number(person.user_id, "cohort") % len(COHORTS)]
    return Enrolment(course=course, user_id=person.user_id, created=person.enrolled_at, mode=mode, cohort=cohort)
