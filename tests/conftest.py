"""What many tests stand on: a course run with people of every role, learners and predictions, in a real database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

import pytest

COURSE = "course-v1:TestX+T101+2024"
NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


@dataclass
class Site:
    """A course run on the standalone platform, and what Engage holds about it."""

    course: Any  # platform.standalone.models.Course
    run: Any  # models.CourseRun
    users: dict[str, Any]  # "staff", "learner", "stranger", "other_staff", "global_staff"

    @property
    def url(self) -> str:
        return f"/engage/api/v1/courses/{self.run.course_key}/predictions"

    def learner(self, user_id: int, *, state: str = "active", shown: tuple[Any, ...] | None = None) -> Any:
        """A learner; with `shown` also a prediction, written as a consumer does: under a raised version."""
        from engage_backend.models import Learner

        made, _ = Learner.objects.update_or_create(
            course_run=self.run, user_id=user_id, defaults={"state": state, "enrolled_at": NOW}
        )
        if shown is not None:
            self.predict(made, shown)
        return made

    def predict(self, learner: Any, shown: tuple[Any, ...]) -> None:
        """Write (certify, complete, leave) in per mille, and perhaps level and expected level, under the run's next version."""
        from engage_backend.models import Prediction

        self.run.version += 1
        self.run.as_of = NOW
        self.run.save()
        names = ("certify", "complete", "leave", "level", "expected_level")
        values = dict(zip(names, (*shown, None, None)[:5], strict=True))
        Prediction.objects.update_or_create(
            learner=learner,
            defaults={"course_run": self.run, "as_of": NOW, "version": self.run.version, **values},
        )


# What the worker has, or a model with an LSTM, and the environment of a web process has not.
NOT_IN_A_WEB_PROCESS = ("safetensors", "torch")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Skip, and say so, a module that needs what the environment of a web process lacks."""
    report = yield
    for name in NOT_IN_A_WEB_PROCESS if report.failed else ():
        if find_spec(name) is None and f"No module named '{name}'" in str(report.longrepr):
            report.outcome, report.longrepr = (
                "skipped",
                (str(collector.path), 0, f"needs {name}, which is not installed"),
            )
    return report


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test has a database of its own; what this process has read from an older one's registry is not true of it."""
    from engage_backend.engagement.live.clicks import forget

    forget()


@pytest.fixture
def site(db: None) -> Site:
    """A course run without learners; its people by role. Names and addresses are marked, so that a leak is seen."""
    from django.contrib.auth.models import User

    from engage_backend.models import CourseRun
    from engage_backend.platform.protocol import CourseSchedule
    from engage_backend.platform.standalone.models import Course, CourseStaff, Enrolment

    def course(key: str) -> Course:
        schedule = CourseSchedule(course=key, display_name="Testing", start=1_704_067_200_000_000, end=None)
        return Course.objects.create(key=key, schedule=schedule.to_json())

    ours, other = course(COURSE), course("course-v1:TestX+Other+2024")
    users = {
        role: User.objects.create_user(
            username=f"marked-username-{role}",
            email=f"marked-{role}@address.example",
            first_name="MarkedFirst",
            last_name="MarkedLast",
            is_staff=role == "global_staff",
            id=918_273_000 + number,
        )
        for number, role in enumerate(("staff", "learner", "stranger", "other_staff", "global_staff"))
    }
    CourseStaff.objects.create(course=ours, user=users["staff"])
    CourseStaff.objects.create(course=other, user=users["other_staff"])
    Enrolment.objects.create(course=ours, user=users["learner"], created=datetime(2024, 1, 1, tzinfo=UTC))
    run = CourseRun.objects.create(
        course_key=COURSE, start=datetime(2024, 1, 1, tzinfo=UTC), model="engage-base/3f2a9c", as_of=NOW
    )
    return Site(ours, run, users)


@pytest.fixture
def staff_client(site: Site, client: Any) -> Any:
    """A browser in which a member of the course team is logged in."""
    client.force_login(site.users["staff"])
    return client


@pytest.fixture
def learner_client(site: Site) -> Any:
    """A browser in which a learner of the course is logged in."""
    from django.test import Client

    client = Client()
    client.force_login(site.users["learner"])
    return client


@pytest.fixture
def stranger_client(site: Site) -> Any:
    """A browser in which somebody is logged in who is not in the course."""
    from django.test import Client

    client = Client()
    client.force_login(site.users["stranger"])
    return client
