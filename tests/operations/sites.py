"""A standalone site on disk, for tests that start processes on it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.services import PATIENCE

ROOT = Path(__file__).resolve().parents[2]

_SET_UP = """
import os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from engage_backend.engagement.folder import save_model
from engage_backend.platform.protocol import CourseSchedule, GradedBlock
from engage_backend.platform.standalone.models import Clock, Course, CourseStaff, Enrolment
from tests.engagement.clicks import BLOCKS, COURSE, DAY, START, small_model
call_command("migrate", verbosity=0)
graded = tuple(GradedBlock(block, 0.15, START + (10 + 5 * n) * DAY) for n, block in enumerate(BLOCKS))
key = sys.argv[2] if len(sys.argv) > 2 else COURSE
course = Course.objects.create(
    key=key, schedule=CourseSchedule(key, "Testing", START, START + 100 * DAY, graded=graded).to_json()
)
begun = datetime.fromtimestamp(START / 1e6, UTC)
learners = int(sys.argv[1])
User.objects.bulk_create(User(id=n, username=f"learner{n}") for n in range(1, learners + 1))
Enrolment.objects.bulk_create(Enrolment(course=course, user_id=n, created=begun) for n in range(1, learners + 1))
when = begun + timedelta(days=41)
Clock.objects.create(site_time=when, real_time=when, speed=0)
save_model(small_model(), {"name": "test"}, Path(settings.ENGAGE["MODEL"]))
"""


@dataclass
class DiskSite:
    """One course with learners 1, 2, 3 ..., a model, a stopped clock at day 41, in a folder of its own."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        ours = {"ENGAGE_HOME": str(self.home), "DJANGO_SETTINGS_MODULE": "engage_backend.demo.settings"}
        return {**os.environ, **ours, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def set_up(self, learners: int, course: str = "") -> None:
        """Make the course."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.python(_SET_UP, str(learners), *([course] if course else []))

    def follow_the_world(self) -> None:
        """Let the site have the world's time: what is simulated ends now, and nothing later than the clock is believed."""
        clock = "from engage_backend.platform.standalone.models import Clock; Clock.objects.all().delete()"
        self.python(f"import django; django.setup(); {clock}")

    def python(self, code: str, *arguments: str, seconds: float = PATIENCE) -> str:
        """Run code on the site in a process of its own; what it printed."""
        words = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `engage WORDS`, which runs until it ends or the test does."""
        return self._begin("-m", "engage_backend.cli", *words)

    def start_python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start code on the site in a process of its own, which runs until it ends or the test does."""
        return self._begin("-c", code, *arguments)

    def _begin(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run `engage WORDS` to its end: status, output, errors."""
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    def end(self) -> None:
        """End what the test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
