"""A small package, and a running site with its course."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from engage_backend.demo.supervisor import listen
from tests import services
from tests.services import PATIENCE

ROOT = Path(__file__).parents[2]
COURSE = "course-v1:TestX+T101+2026"
BLOCK = "block-v1:TestX+T101+2026+type@{}+block@{}"
START = datetime(2026, 1, 5, tzinfo=UTC)
TABLES = {
    "auth_user": [
        "id\tusername\temail\tis_staff",
        "101\tanna\tanna@real.example\t0",
        "102\tyou\tben@real.example\t0",
        "103\tteacher\tt@real.example\t1",
    ],
    "auth_userprofile": ["user_id\tname", "101\tAnna Real", "102\tBen Real", "103\tTeacher Real"],
    "student_courseenrollment": [
        "user_id\tcourse_id\tcreated\tis_active\tmode",
        f"101\t{COURSE}\t2026-01-01 00:00:00\t1\taudit",
        f"102\t{COURSE}\t2026-01-07 00:00:00\t0\taudit",
        f"103\t{COURSE}\t2026-01-01 00:00:00\t1\taudit",
    ],
    "certificates_generatedcertificate": ["user_id\tstatus\tgrade", "101\tdownloadable\t0.9"],
}


def line(user_id: int, when: datetime, path: str = "info") -> bytes:
    """A line of tracking log: somebody opened a page of the course."""
    event_type = f"/courses/{COURSE}/{path}"
    record = {
        "username": f"user{user_id}", "event_type": event_type, "event_source": "server", "name": event_type,
        "time": when.isoformat(), "event": '{"GET": {}, "POST": {}}', "page": None, "session": "s", "agent": "",
        "host": "", "ip": "", "context": {"user_id": user_id, "course_id": COURSE, "path": event_type},
    }  # fmt: skip
    return json.dumps(record).encode()


def package_lines() -> list[bytes]:
    """Forty lines, one every six hours from the day before the course's start on."""
    return [line(101 + n % 2, START + timedelta(hours=6 * n - 24), f"wiki/{n}/") for n in range(40)]


def write_package(parent: Path) -> Path:
    """Write a research data package with two learners, one of the course team, and those lines; its folder."""
    folder = parent / "TestX-T101-2026"
    folder.mkdir()
    for name, rows in TABLES.items():
        (folder / f"{folder.name}-{name}-prod-analytics.sql").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / f"{folder.name}-prod-events.log").write_bytes(b"\n".join(package_lines()) + b"\n")
    task = BLOCK.format("problem", "task1")
    structure = {
        BLOCK.format("course", "course"): {
            "category": "course",
            "children": [task],
            "metadata": {"display_name": "Testing", "start": START.isoformat(), "end": "2026-04-01T00:00:00Z"},
        },
        task: {
            "category": "problem",
            "children": [],
            "metadata": {"graded": True, "weight": 1.0, "due": "2026-01-20T00:00:00Z"},
        },
    }
    (folder / f"{folder.name}-course_structure-prod-analytics.json").write_text(json.dumps(structure), encoding="utf-8")
    return folder


@pytest.fixture
def lines() -> list[bytes]:
    """The lines of the package."""
    return package_lines()


@pytest.fixture
def package_folder(tmp_path: Path) -> Path:
    """A research data package of its own for one test."""
    return write_package(tmp_path)


@dataclass
class Site:
    """A site's web process, without a consumer: what it writes stays where it was written."""

    address: str
    home: Path
    seen: int = 0  # bytes of the log that were there before

    @property
    def log(self) -> list[bytes]:
        """The lines that the tracking log has got since the test began."""
        return (self.home / "tracking.log").read_bytes()[self.seen :].splitlines()

    def python(self, code: str) -> str:
        """Run some Python in a process of its own, with the site's Django loaded; what it printed."""
        return subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=ROOT, env=environment(self.home), check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip


PREPARE = """
from datetime import timedelta
from pathlib import Path
import sys
from engage_backend.demo.home import migrate, start_django
from engage_backend.platform.moments import from_microseconds
home = start_django(Path(sys.argv[1]))
migrate(home)
from engage_backend.demo.clock import set_clock
from engage_backend.demo.load import load_package
from engage_backend.engagement.package import read_package
package = read_package(Path(sys.argv[2]))
load_package(package)
set_clock(from_microseconds(package.schedule.start) + timedelta(days=8), speed=1)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with the small course, eight days after its start. One for a module: it takes seconds to start."""
    folder = tmp_path_factory.mktemp("site")
    home = folder / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-c", PREPARE, str(home), str(write_package(folder))], cwd=ROOT, check=True)
    with listen(0) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "engage_backend.demo.serve", str(listener.fileno())],
            cwd=ROOT,
            env=environment(home),
            pass_fds=[listener.fileno()],
        )
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        # The socket listens already: the first answer comes as soon as the process has loaded.
        assert requests.get(f"{address}/static/engage_demo/demo.css", timeout=PATIENCE).ok
        yield Site(address, home)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def running(server: Site) -> Site:
    """The running site, as it was left by whoever was there before."""
    return replace(server, seen=(server.home / "tracking.log").stat().st_size)


@pytest.fixture
def until() -> Callable[..., None]:
    """`until(condition)`: wait for a condition; the test fails when it does not come."""
    return services.until


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ENGAGE_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "engage_backend.demo.settings",
        "PYTHONPATH": str(ROOT),
        "ENGAGE_ADDRESS": "http://127.0.0.1:8000/",
    }
