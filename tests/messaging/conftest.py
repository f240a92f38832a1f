"""A course with learners who have addresses, a real mail server, and a worker that the test calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.messaging.mail_server import Server

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def smtp(settings: Any) -> Iterator[Server]:
    """A real mail server, and the site's settings for it."""
    with Server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.DEFAULT_FROM_EMAIL = "courses@site.example"
        settings.ENGAGE = {
            "PLATFORM": "standalone",
            "ROOT_URL": "https://courses.example",
            "MAILS_PER_SECOND": None,
            "RETRY_SECONDS": 1,
            "QUIET_HOURS": [0, 0],  # none: many tests go by the world's clock, at any hour
            "REPLY_TO": ["help@team.example"],
        }
        yield server


@dataclass
class Mailing:
    """What a test does with a course: enrol, write, confirm, let time pass, be the worker."""

    site: Any
    client: Client
    smtp: Server
    learners: list[Any] = field(default_factory=list)
    keys: int = 0

    @property
    def url(self) -> str:
        return f"/engage/api/v1/courses/{self.site.run.course_key}/communications"

    def enrol(self, count: int, **user: Any) -> list[Any]:
        """New learners, learner1, learner2, ..., each with an address."""
        from django.contrib.auth.models import User

        from engage_backend.platform.standalone.models import Enrolment

        begin = len(self.learners) + 1
        made = []
        for number in range(begin, begin + count):
            name = {"first_name": f"First{number}", "last_name": f"Last{number}", **user}
            person = User.objects.create(username=f"learner{number}", email=f"l{number}@people.example", **name)
            Enrolment.objects.create(course=self.site.course, user=person, created=JANUARY)
            made.append(self.site.learner(person.pk, shown=(500, 500, 500)))
        self.learners += made
        return made

    def post(self, path: str = "", data: Any = None, *, status: int = 200, **extra: Any) -> Any:
        """POST to the API; the JSON of the answer, which has to have this status."""
        return self._answer(
            self.client.post(self.url + path, json.dumps(data or {}), "application/json", **extra), status
        )

    def patch(self, path: str, data: Any, *, status: int = 200) -> Any:
        return self._answer(self.client.patch(self.url + path, json.dumps(data), "application/json"), status)

    def get(self, path: str = "", *, status: int = 200) -> Any:
        return self._answer(self.client.get(self.url + path), status)

    @staticmethod
    def _answer(response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        return json.loads(response.content) if response.content else None

    def write(self, **given: Any) -> Any:
        """A draft to all learners; the API's answer."""
        words = {"subject": "Hello [:firstname:]", "body": "Dear [:fullname:],\n\n**welcome**."}
        names = {"pseudonyms": [learner.pseudonym for learner in self.learners]}
        return self.post(data={**words, **names, **given}, status=201)

    def send(self, communication: Any, *, status: int = 202, **given: Any) -> Any:
        """Confirm, with a key of its own."""
        self.keys += 1
        return self.post(f"/{communication['id']}/send", {"key": f"press-{self.keys:04}", **given}, status=status)

    def minute(self) -> None:
        """The time to undo is over."""
        from engage_backend.models import Sending

        Sending.objects.update(undo_until=datetime.now(UTC) - timedelta(seconds=1))

    def retry(self) -> None:
        """What was put off is due, and the provider has rested."""
        from engage_backend.models import Delivery, Outlet

        now = datetime.now(UTC)
        Delivery.objects.filter(state="queued").exclude(due_at=None).update(due_at=now)
        Outlet.objects.update(resting_until=None)

    def work(self) -> int:
        """The clock looks, and a worker does what it was told of; how many batches."""
        from engage_backend.messaging.clock import tick
        from engage_backend.models import Delivery
        from engage_backend.tasks import deliver

        tick()
        batches = list(
            Delivery.objects.filter(state="queued")
            .exclude(batch="")
            .values_list("batch", flat=True)
            .distinct()
            .order_by()
        )
        for batch in batches:
            deliver(batch)
        return len(batches)

    def states(self) -> dict[str, int]:
        """How many deliveries are in which state; those that there are."""
        from django.db.models import Count

        from engage_backend.models import Delivery

        return dict(Delivery.objects.values_list("state").annotate(count=Count("pk")).order_by("state"))


@pytest.fixture
def mailing(site: Any, staff_client: Client, smtp: Server) -> Mailing:
    """A course with five learners and a mail server; a member of the course team is logged in."""
    made = Mailing(site, staff_client, smtp)
    made.enrol(5)
    return made


@pytest.fixture
def course(mailing: Mailing, settings: Any) -> Any:
    """A course for automation (`tests.messaging.automatic.Course`)."""
    from tests.messaging.automatic import Course

    settings.ENGAGE = {**settings.ENGAGE, "QUIET_HOURS": [21, 8]}
    return Course.of(mailing)
