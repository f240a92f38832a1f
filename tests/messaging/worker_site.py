"""A site on disk with real Celery workers on a real Redis, that are killed; and what it holds in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

from tests.messaging.mail_server import Server
from tests.operations.sites import ROOT, DiskSite
from tests.services import DatabaseServer, RedisServer

_SET_UP = """
import sys, django
django.setup()
from datetime import UTC, datetime
from django.contrib.auth.models import User
from django.core.management import call_command
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.drafts import Author, Draft, create
from engage_backend.messaging.wording import Wording
from engage_backend.models import CourseRun, Learner
from engage_backend.platform.protocol import CourseSchedule
from engage_backend.platform.standalone.models import Course, Enrolment
call_command("migrate", verbosity=0)
key, begun, count = "course-v1:TestX+Mail+2024", datetime(2024, 1, 1, tzinfo=UTC), int(sys.argv[1])
course = Course.objects.create(key=key, schedule=CourseSchedule(key, "Testing", 1704067200000000, None).to_json())
run = CourseRun.objects.create(course_key=key, start=begun, display_name="Testing", model="m/1")
ids = range(1, count + 1)
User.objects.bulk_create((User(id=n, username=f"u{n}", email=f"l{n}@people.example", first_name=f"First{n}") for n in ids),
    batch_size=2000)
Enrolment.objects.bulk_create((Enrolment(course=course, user_id=n, created=begun) for n in ids), batch_size=2000)
Learner.objects.bulk_create((Learner(course_run=run, user_id=n, enrolled_at=begun, state="active") for n in ids),
    batch_size=2000)
names = tuple(Learner.objects.order_by("pk").values_list("pseudonym", flat=True))
words = Wording(subject="Hello [:firstname:]", body="Dear [:fullname:],\\n\\n" + "the course *goes on*. " * 20)
create(run, Author(999, '', ()), Draft(words, Criteria(everyone=True), names))
"""
_CONFIRM = """
import sys, django
django.setup()
from datetime import UTC, datetime
from engage_backend.messaging.drafts import holding
from engage_backend.messaging.sending import confirm
from engage_backend.models import Communication, Sending
with holding("course-v1:TestX+Mail+2024", Communication.objects.get().pk) as held:
    confirm(held, author_id=999, key="the-one-press")
Sending.objects.update(undo_until=datetime.now(UTC))
"""
_PRESS = """
import os, sys, django
django.setup()
from django.db import connection
from engage_backend.messaging.drafts import holding
from engage_backend.messaging.sending import Refused, confirm
from engage_backend.models import Communication
keys, children = sys.argv[1:], []
read, write = os.pipe()
connection.close()
for key in keys:
    pid = os.fork()
    if pid == 0:
        os.close(write)
        os.read(read, 1)  # all begin when the other end is closed
        try:
            with holding("course-v1:TestX+Mail+2024", Communication.objects.get().pk) as held:
                made = confirm(held, author_id=999, key=key)
            said = f"sending {made.pk}"
        except Refused as refused:
            said = f"refused {str(refused)[:300]}"
        os.write(1, f"{said}\\n".encode())  # whole lines: the parts that print writes may mix with those of the others
        os._exit(0)
    children.append(pid)
os.close(write)
print([os.waitpid(pid, 0)[1] for pid in children], file=sys.stderr)
"""
_CLOCK = """
import django, select
django.setup()
from engage_backend.messaging.clock import tick
print("ticking", flush=True)
while True:
    tick()
    select.select([], [], [], 0.2)
"""
_END = """
import django, json
django.setup()
from engage_backend.api.communications import detail
from engage_backend.messaging.drafts import newest, sendings_of
from engage_backend.models import Communication, Delivery, Sending
rows = Delivery.objects.values_list("learner__user_id", "state", "reason")
one = Communication.objects.get()
print(json.dumps({
    "states": {f"l{user}@people.example": state for user, state, _ in rows},
    "reasons": sorted({reason for _, _, reason in rows}),
    "sendings": list(Sending.objects.values_list("state", flat=True)),
    "listed": len(detail(newest(one.pk), sendings_of(one), 0)["in_doubt"]),
}))
"""
_LEFT = """
import django
django.setup()
from engage_backend.models import Delivery
print(Delivery.objects.filter(state__in=["queued", "claimed"]).count())
"""


@dataclass(frozen=True)
class End:
    """What the site says when all is over."""

    states: dict[str, str]  # address -> state
    reasons: list[str]
    sendings: list[str]
    listed: int  # in doubt, as the API lists them

    def those(self, state: str) -> set[str]:
        return {address for address, found in self.states.items() if found == state}


@dataclass
class WorkerSite(DiskSite):
    """Workers, a clock, and a communication to everyone, on SQLite or a database server."""

    redis: RedisServer | None = None
    smtp: Server | None = None
    server: DatabaseServer | None = None
    worker_seconds: int = 3

    @property
    def environment(self) -> dict[str, str]:
        assert self.redis is not None
        assert self.smtp is not None
        ours = {
            "DJANGO_SETTINGS_MODULE": "tests.messaging.worker_settings",
            "ENGAGE_TEST_BROKER": self.redis.url,
            "ENGAGE_TEST_SMTP_PORT": str(self.smtp.port),
            "ENGAGE_TEST_WORKER_SECONDS": str(self.worker_seconds),
        }
        if self.server is not None:
            ours |= self.server.environment("engage_mail")
        return {**super().environment, **ours}

    def set_up(self, learners: int, course: str = "") -> None:
        """The course, its learners and a draft to all of them."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.server is not None:
            self.server.make_database("engage_mail")
        self.python(_SET_UP, str(learners))

    def confirm(self) -> None:
        """Press the button; the minute to undo is over."""
        self.python(_CONFIRM)

    def press(self, *keys: str) -> list[str]:
        """Press it once for each key, all at the same moment, each in a process of its own; what they were answered."""
        return sorted(self.python(_PRESS, *keys).splitlines())

    def clock(self) -> subprocess.Popen[str]:
        """A process that looks what is due, five times a second."""
        return self._process(["-c", _CLOCK], "clock")

    def worker(self, *, processes: int = 2) -> subprocess.Popen[str]:
        """A Celery worker with so many processes."""
        words = ["-m", "celery", "-A", "engage_backend.demo.celery_app", "worker", "--queues", "engage", "--loglevel"]
        words += [
            "INFO",
            "--concurrency",
            str(processes),
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
        return self._process(words, "worker")

    def kill(self, process: subprocess.Popen[str]) -> None:
        """SIGKILL to the worker and to all its processes."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def left(self) -> int:
        """How many deliveries are not decided yet."""
        return int(self.python(_LEFT))

    def outcome(self) -> End:
        return End(**json.loads(self.python(_END)))

    def _process(self, words: list[str], name: str) -> subprocess.Popen[str]:
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env={**self.environment, "C_FORCE_ROOT": "1"},
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)
