"""Five minutes at 1,000 lines a second: from a line written to a prediction that can be read, and the consumer's memory."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import servers
from tests.crash.sites import ServerSite
from tests.databases import SERVERS
from tests.operations.sites import ROOT, DiskSite
from tests.services import PATIENCE, until

__all__ = ["servers"]
SECONDS = float(os.environ.get("ENGAGE_SOAK_SECONDS", "300"))
RATE = 1_000  # lines a second
LEARNERS = 10_000
PROBES = 100  # learners who click once in ten seconds, each of whose clicks is timed
PAUSE = 0.1  # seconds between two timed clicks
COURSE = "course-v1:EngageX+Load+2026"

# The site's clock is the world's; the base model.
_SET_UP = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from engage_backend.demo.home import Home, migrate
from engage_backend.platform.protocol import CourseSchedule
from engage_backend.platform.standalone.models import Course, Enrolment
migrate(Home(Path(sys.argv[1])))
start = int((time.time() - 30 * 86_400) * 1e6)
course = Course.objects.create(
    key=sys.argv[2], schedule=CourseSchedule(sys.argv[2], "Load", start, start + 90 * 86_400_000_000).to_json()
)
ids = range(1, int(sys.argv[3]) + 1)
User.objects.bulk_create((User(id=n, username=f"learner{n}") for n in ids), batch_size=2_000)
begun = datetime.fromtimestamp(start / 1e6, UTC)
Enrolment.objects.bulk_create((Enrolment(course=course, user_id=n, created=begun) for n in ids), batch_size=2_000)
"""

_ROWS = """
import django, json
django.setup()
from django.db.models import Sum
from engage_backend.models import Checkpoint, CourseRun, HistoryChunk, Learner, Prediction
print(json.dumps({
    "read": Checkpoint.objects.aggregate(n=Sum("events"))["n"],
    "rejected": Checkpoint.objects.values_list("rejected", flat=True)[0],
    "events": HistoryChunk.objects.aggregate(n=Sum("events"))["n"],
    "chunks": HistoryChunk.objects.count(),
    "came": Learner.objects.exclude(last_active=None).count(),
    "predicted": Prediction.objects.exclude(certify=None).count(),
    "version": CourseRun.objects.get().version,
}))
"""

Ask = Callable[[], list[tuple[int, Any]]]


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DiskSite]:
    """On SQLite, or on a database server."""
    if request.param in SERVERS:
        made: DiskSite = ServerSite.make(request.getfixturevalue("servers")(request.param), tmp_path / "soak")
    else:
        made = DiskSite(tmp_path / "home")
        made.home.mkdir()
    yield made
    made.end()


@contextlib.contextmanager
def asking(site: DiskSite) -> Iterator[Ask]:
    """Asks the database, as a page's request does it, when the probes were last seen: (user id, time as text)."""
    query = f"SELECT user_id, last_active FROM engage_learner WHERE user_id > {LEARNERS} AND last_active IS NOT NULL"
    if isinstance(site, ServerSite):
        assert site.server is not None
        with closing(site.server.connect(site.name)) as link, closing(link.cursor()) as cursor:

            def ask() -> list[tuple[int, Any]]:
                cursor.execute(query)
                return list(cursor.fetchall())

            yield ask
        return
    with closing(sqlite3.connect(site.home / "db.sqlite3", timeout=30, isolation_level=None)) as file:
        yield lambda: file.execute(query).fetchall()


def probe(learner: int, now: float) -> bytes:
    """A click of one whose every click is timed."""
    record = {
        "username": f"learner{learner}",
        "event_type": "play_video",
        "name": "play_video",
        "event_source": "browser",
        "time": datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds"),
        "session": "f" * 32,
        "page": None,
        "context": {"user_id": learner, "course_id": COURSE, "path": "/event"},
        "event": "{}",
    }
    return json.dumps(record).encode() + b"\n"


def seen(value: Any) -> str:
    """A moment as each database tells it, to the microsecond."""
    text = value if isinstance(value, str) else value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return text if "." in text else f"{text}.000000"


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.bench
@pytest.mark.parametrize("site", ["sqlite", *SERVERS], indirect=True)
def test_a_thousand_lines_a_second_are_shown_within_a_second(site: DiskSite, request: pytest.FixtureRequest) -> None:
    log = site.home / "tracking.log"
    log.touch()
    site.python(_SET_UP, str(site.home), COURSE, str(LEARNERS + PROBES))
    said = site.home / "consumer.log"  # a line a batch: a pipe that nobody reads would be full after a minute
    with said.open("wb") as errors:
        words = [sys.executable, "-m", "engage_backend.cli", "consume", str(log)]
        consumer = subprocess.Popen(words, cwd=ROOT, env=site.environment, stderr=errors, text=True)
    site.started.append(consumer)
    took: list[float] = []
    slowest: dict[int, float] = {}  # quarter of a minute -> the longest of it
    waiting: dict[int, tuple[str, float]] = {}  # probe -> the moment it clicked, as text and by the clock
    memory: dict[float, float] = {}
    with asking(site) as ask, log.open("ab", buffering=0) as out:
        out.write(probe(LEARNERS + PROBES, time.time()))
        until(ask)  # it runs
        words = ["--learners", str(LEARNERS), "--rate", str(RATE), "--seconds", str(SECONDS), "--out", str(log)]
        load = site.start("simulate", *words, "--course", COURSE)
        began, turn = time.monotonic(), 0
        while (passed := time.monotonic() - began) < SECONDS:
            if passed >= turn * PAUSE:
                learner = LEARNERS + 1 + turn % PROBES
                turn += 1
                if learner not in waiting:
                    now = time.time()
                    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
                    waiting[learner] = moment, time.monotonic()
                    out.write(probe(learner, now))
            for learner, last in ask() if waiting else ():
                if learner in waiting and seen(last) == waiting[learner][0]:
                    took.append(time.monotonic() - waiting.pop(learner)[1])
                    quarter = int(passed // 15)
                    slowest[quarter] = max(slowest.get(quarter, 0.0), took[-1])
            memory.setdefault(passed // 15 * 15, megabytes(consumer.pid))
            time.sleep(0.004)
        memory[passed] = megabytes(consumer.pid)
        load.communicate(timeout=PATIENCE)
        until(lambda: not [1 for who, last in ask() if who in waiting and seen(last) != waiting[who][0]])
    consumer.terminate()
    assert consumer.wait(timeout=PATIENCE) == 0, said.read_text(encoding="utf-8")[-3_000:]
    rows = json.loads(site.python(_ROWS))
    cuts = statistics.quantiles(took, n=100)
    early = memory[min(60.0, max(moment for moment in memory if moment <= SECONDS / 2))]
    print(
        f"\n{request.node.callspec.id}: {SECONDS:.0f} s at {RATE:,} lines a second, {rows['read']:,} events read"
        f" ({rows['read'] / SECONDS:,.0f} a second), {rows['came']:,} of {LEARNERS:,} learners came,"
        f" {rows['predicted']:,} predictions, {rows['chunks']:,} chunks with {rows['events']:,} events;"
        f" {len(took):,} timed from the line to the figure: p50 {cuts[49] * 1000:.0f} ms,"
        f" p99 {cuts[98] * 1000:.0f} ms (promised: at most 1,000), most {max(took) * 1000:.0f} ms, by quarters of a minute"
        f" {', '.join(f'{most * 1000:.0f}' for most in slowest.values())};"
        f" memory {early:.0f} MB after a minute, {memory[passed]:.0f} MB at the end (promised: at most"
        f" {early * 1.2 + 20:.0f})"
        f" ({', '.join(f'{size:.0f}' for size in memory.values())}); {os.cpu_count()} processors,"
        f" load {os.getloadavg()[0]:.1f}"
    )
    assert rows["read"] > 0.5 * RATE * SECONDS
    assert len(took) > 0.9 * turn
