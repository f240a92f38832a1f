"""A course run of the stand-in platform, with people of every role. Import it only where the stand-ins are installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.djangoapps.student.models import CourseAccessRole, CourseEnrollment, UserProfile
from django.contrib.auth.models import User
from lms.djangoapps.courseware.masquerade import MASQUERADE_SETTINGS_KEY, CourseMasquerade
from opaque_keys.edx.keys import CourseKey
from openedx.core.djangoapps.content.block_structure import api as block_structures
from openedx.core.djangoapps.content.block_structure.block_structure import BlockStructureBlockData
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.course_groups.models import CohortMembership, CourseUserGroup
from xmodule.modulestore import django as modulestore

KEY = CourseKey.from_string("course-v1:TestX+T101+2024")
OTHER = CourseKey.from_string("course-v1:TestX+Other+2024")
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 6, 1, tzinfo=UTC)
ENROLLED = datetime(2023, 12, 1, tzinfo=UTC)
OPENS, DUE = datetime(2024, 1, 8, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
# role -> (row in the table of roles: role and course key, None for the organisation's; whether enrolled)
PEOPLE: dict[str, tuple[tuple[str, Any] | None, bool]] = {
    "learner": (None, True),
    "beta_tester": (("beta_testers", KEY), True),
    "data_researcher": (("data_researcher", KEY), True),
    "staff": (("staff", KEY), True),
    "instructor": (("instructor", KEY), True),
    "limited_staff": (("limited_staff", KEY), True),
    "org_staff": (("staff", None), True),
    "staff_elsewhere": (("staff", OTHER), True),
    "global_staff": (None, True),
    "stranger": (None, False),
    "has_left": (None, False),
}


@dataclass
class Run:
    """The course run `KEY`, and the users by role."""

    key: Any = KEY
    users: dict[str, Any] = field(default_factory=dict)

    def block(self, name: str, kind: str = "problem") -> Any:
        return self.key.make_usage_key(kind, name)


def overview(key: Any, **given: Any) -> CourseOverview:
    """A published course run."""
    return CourseOverview.objects.create(
        **{"id": key, "org": key.org, "display_name": "Testing", "start": START, "end": END, **given}
    )


def enrol(user: Any, key: Any = KEY, *, created: datetime | None = ENROLLED, **given: Any) -> CourseEnrollment:
    """An enrolment; the platform sets `created` itself, so it is written a second time."""
    made = CourseEnrollment.objects.create(user=user, course_id=key, **given)
    CourseEnrollment.objects.filter(pk=made.pk).update(created=created)
    return made


def make_run() -> Run:
    """Everyone in PEOPLE, marked so that a leak is seen; and a graded course of homework and an exam."""
    run = Run()
    overview(KEY, lowest_passing_grade="0.60")
    overview(OTHER)
    for number, (role, (row, is_enrolled)) in enumerate(PEOPLE.items()):
        user = User.objects.create_user(
            f"marked-username-{role}", f"marked-{role}@address.example", id=918_273_000 + number
        )
        user.is_staff = role == "global_staff"
        user.password = "not disabled"  # one that cannot be used disables an account
        user.save()
        UserProfile.objects.create(user=user, name=f"Marked Name {role}")
        if row is not None:
            CourseAccessRole.objects.create(user=user, role=row[0], org=KEY.org, course_id=row[1] or "")
        if is_enrolled or role == "has_left":
            enrol(user, is_active=is_enrolled, mode="verified" if role == "learner" else "audit")
        run.users[role] = user
    group = CourseUserGroup.objects.create(name="Reds", course_id=KEY)
    CohortMembership.objects.create(course_user_group=group, user=run.users["learner"], course_id=KEY)
    publish(run)
    return run


def publish(run: Run) -> None:
    """A structure as the transformers collect it: two homeworks (the second with one problem taken out), one exam for
    staff only, one that counts, an ungraded subsection, and a policy that foresees four homeworks."""
    root = run.block("course", "course")
    made = BlockStructureBlockData(root)

    def container(parent: Any, kind: str, name: str, **fields: Any) -> Any:
        transformed = {"grades": {"explicit_graded": None}, "visibility": {"merged_visible_to_staff_only": False}}
        if fields.pop("staff_only", False):
            transformed["visibility"] = {"merged_visible_to_staff_only": True}
        return made.add(parent, run.block(name, kind), transformed, **{"graded": False, "has_score": False, **fields})

    def problem(parent: Any, name: str, most: float | None, *, counts: bool | None = None, **fields: Any) -> None:
        collected = {
            "grades": {"explicit_graded": counts, "max_score": most},
            "start_date": {"merged_start_date": OPENS},
        }
        made.add(parent, run.block(name), collected, **{"graded": True, "has_score": True, "weight": None, **fields})

    chapter = container(root, "chapter", "week1")
    for number in (1, 2):
        homework = container(chapter, "sequential", f"hw{number}", graded=True, format="Homework", due=DUE)
        unit = container(homework, "vertical", f"hw{number}unit", graded=True)
        problem(unit, f"hw{number}a", 1.0, due=DUE)
        problem(unit, f"hw{number}b", 2.0, weight=3.0, due=None)
        problem(unit, f"hw{number}out", 5.0, counts=False)
        problem(unit, f"hw{number}nothing", None)
        made.add(unit, run.block(f"hw{number}video", "video"), {"grades": {"explicit_graded": None}}, graded=True)
    exam = container(chapter, "sequential", "exam", graded=True, format="Exam")
    problem(container(exam, "vertical", "examunit", graded=True), "exam1", 10.0)
    hidden = container(chapter, "sequential", "hidden", graded=True, format="Exam", staff_only=True)
    problem(container(hidden, "vertical", "hiddenunit", graded=True), "hidden1", 10.0)
    practice = container(chapter, "sequential", "practice")
    problem(container(practice, "vertical", "practiceunit"), "practice1", 10.0, graded=False)
    block_structures.COLLECTED[KEY] = made
    modulestore.COURSES[KEY] = modulestore.Course(
        [
            {"type": "Homework", "min_count": 4, "drop_count": 1, "short_label": "HW", "weight": 0.4},
            {"type": "Exam", "min_count": 1, "drop_count": 0, "short_label": "Ex", "weight": 0.6},
        ]
    )


def masquerade(client: Any, *, role: str = "student", as_user: str | None = None) -> None:
    """What the view `handle_ajax` of masquerade.py leaves in the session."""
    session = client.session
    session[MASQUERADE_SETTINGS_KEY] = {KEY: CourseMasquerade(KEY, role, as_user)}
    session.save()


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)
