"""From a log to predictions in a database on disk, beside parsing alone on the same lines in the same process."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.simulate import Simulator, history
from tests.crash.conftest import servers
from tests.crash.sites import ServerSite
from tests.databases import SERVERS
from tests.operations.sites import DiskSite

__all__ = ["servers"]
LINES = 400_000
MANIFOLD = 2_000_000
FEWER = 60_000  # where each batch is small
LEARNERS = 20_000
COURSE = "course-v1:EngageX+Load+2026"
BEGIN = 1_767_225_600.0  # 2026-01-01

# A course with its learners, the base model, and a clock that stands behind the last line.
_SET_UP = """
import json, sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
import django
django.setup()
from django.contrib.auth.models import User
from engage_backend.clickstream.parse import parse_lines
from engage_backend.demo.clock import set_clock
from engage_backend.demo.home import Home, migrate
from engage_backend.platform.protocol import CourseSchedule
from engage_backend.platform.standalone.models import Course, Enrolment
home = Home(Path(sys.argv[1]))
migrate(home)
events = []
with Path(sys.argv[2]).open("rb") as log:
    while lines := [line.rstrip() for line in islice(log, 100_000)]:
        events += [event[:3] for event in parse_lines(lines)[0]]
first, last = min(time for _, _, time in events), max(time for _, _, time in events)
if len(sys.argv) > 3:
    from engage_backend.demo.load import load_package
    from engage_backend.engagement.package import read_package
    load_package(read_package(Path(sys.argv[3])))
else:
    schedule = CourseSchedule(events[0][0], "Load", first, last + 30 * 86_400_000_000)
    ids = sorted({learner for _, learner, _ in events})
    course = Course.objects.create(key=schedule.course, schedule=schedule.to_json())
    User.objects.bulk_create((User(id=n, username=f"learner{n}") for n in ids), batch_size=2_000)
    begun = datetime.fromtimestamp(first / 1e6, UTC)
    Enrolment.objects.bulk_create((Enrolment(course=course, user_id=n, created=begun) for n in ids), batch_size=2_000)
set_clock(datetime.fromtimestamp(last / 1e6 + 1, UTC), speed=0)
"""

# A burst of the usual size, or the whole; the time of loading the model and of the first pass is not counted.
_MEASURE = """
import json, os, resource, sys, time
from io import StringIO
from itertools import islice
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
from django.db.models import Sum
from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.sources.base import MAX_BATCH
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.status import status
from engage_backend.models import Learner
from engage_backend.platform.api import get_platform
how, path = sys.argv[1], Path(sys.argv[2])
engine = Engine(get_platform())
engine.tick()
source = LogfileSource(path)
consumer = Consumer(source, engine, max_batch=1_000 if how == "1,000" else MAX_BATCH, max_wait=0)
def processor():
    return sum(one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
began, cpu = time.perf_counter(), processor()
if how == "backfill":
    call_command("engage_backfill", str(path), stdout=StringIO())
else:
    while consumer.step().records:
        pass
took, cpu = time.perf_counter() - began, processor() - cpu
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of the consumer, before parsing alone holds its lines
with path.open("rb") as log:
    lines = [line.rstrip() for line in islice(log, 200_000)]
began, alone = time.perf_counter(), processor()
events = sum(len(parse_lines(lines[at : at + 5_000])[0]) for at in range(0, len(lines), 5_000))
parsed, alone = time.perf_counter() - began, processor() - alone
found = status()
print(json.dumps({
    "parsed": events / parsed, "alone": events / alone,
    "wall": found["history"]["events"] / took, "cpu": found["history"]["events"] / cpu,
    "taken": found["history"]["events"], "bytes": found["history"]["bytes_per_event"],
    "state": found["states"]["bytes_per_learner"], "learners": Learner.objects.exclude(last_active=None).count(),
    "load": os.getloadavg()[0], "megabytes": megabytes,
}))
"""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 20,000 made-up learners with twenty events each: the least that one of them can share with the next."""
    log = tmp_path_factory.mktemp("simulated") / "tracking.log.1"
    simulator = Simulator(learners=LEARNERS, rate=3_000, course=COURSE)
    with log.open("wb") as out:
        for click in history(simulator, lines=LINES, begin=BEGIN, end=BEGIN + 60 * 86_400):
            out.writelines(line + b"\n" for _, line in click)
    return log


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The first lines of a research package from the folder ENGAGE_RUNS, and the package."""
    logs = sorted(Path(os.environ.get("ENGAGE_RUNS", "/tmp/runs")).glob("*BBB-2013B/*events.log.gz"))
    if not logs:
        pytest.skip("no research packages in ENGAGE_RUNS")
    log = tmp_path_factory.mktemp("run") / "tracking.log.1"
    with gzip.open(logs[0]) as lines, log.open("wb") as out:
        out.writelines(islice(lines, LINES))
    return log, logs[0].parent


@pytest.fixture(scope="module")
def manifold(run: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first lines of a real run, each written by fourteen learners in place of one: some 20,000 real histories."""
    log = tmp_path_factory.mktemp("manifold") / "tracking.log.1"
    learner = re.compile(rb'("user_id": ?)"?(\d+)"?')
    ids: dict[bytes, int] = {}  # small ones: the platform's own column holds no more than an INT
    with run[0].open("rb") as lines, log.open("wb") as out:
        for line in islice(lines, MANIFOLD // 14):
            if found := learner.search(line):
                one = 14 * ids.setdefault(found[2], len(ids))
                out.writelines(learner.sub(rb"\g<1>%d" % (one + times), line) for times in range(1, 15))
    return log


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DiskSite]:
    """On SQLite, or where a test asks for it on a database server."""
    kind = getattr(request, "param", "sqlite")
    if kind in SERVERS:
        made: DiskSite = ServerSite.make(request.getfixturevalue("servers")(kind), tmp_path / "live")
    else:
        made = DiskSite(tmp_path / "home")
        made.home.mkdir()
    yield made
    made.end()


def measured(site: DiskSite, how: str, whole: Path, *package: str) -> dict[str, Any]:
    log = site.home / "tracking.log.1"
    with whole.open("rb") as lines, log.open("wb") as out:
        out.writelines(islice(lines, FEWER if how == "1,000" else None))
    site.python(_SET_UP, str(site.home), str(log), *package, seconds=600)
    found: dict[str, Any] = json.loads(site.python(_MEASURE, how, str(log), seconds=600).splitlines()[-1])
    print(
        f"\n{how}, {found['learners']:,} learners, {found['taken']:,} different events: {found['wall']:,.0f} events/s"
        f" ({found['cpu']:,.0f} a second of processor); parsing alone {found['parsed']:,.0f}/s"
        f" ({found['alone']:,.0f}): {found['wall'] / found['parsed']:.2f} of it ({found['cpu'] / found['alone']:.2f});"
        f" history {found['bytes']} B an event (at most 8), state {found['state']} B a learner (at most 3,000),"
        f" that is {10_000 * (found['state'] + found['bytes'] * found['taken'] / found['learners']) / 1e6:,.0f} MB"
        f" for 10,000 such learners; {found['megabytes']:,.0f} MB of memory at most; load {found['load']:.1f}"
    )
    return found


@pytest.mark.bench
@pytest.mark.parametrize("how", ["backfill", "consumer", "1,000"])
def test_a_real_run_to_predictions(site: DiskSite, run: tuple[Path, Path], how: str) -> None:
    log, package = run
    found = measured(site, how, log, str(package))
    assert found["bytes"] <= 8
    assert found["state"] <= 3_000


@pytest.mark.bench
@pytest.mark.parametrize("site", ["sqlite", *SERVERS], indirect=True)
def test_twenty_thousand_real_histories_to_predictions(site: DiskSite, manifold: Path) -> None:
    found = measured(site, "backfill", manifold)
    assert found["learners"] > 20_000
    assert found["taken"] > 0.9 * MANIFOLD


@pytest.mark.bench
@pytest.mark.parametrize("how", ["backfill", "1,000"])
def test_twenty_thousand_made_up_learners_to_predictions(site: DiskSite, simulated: Path, how: str) -> None:
    found = measured(site, how, simulated)
    assert found["taken"] > 0.6 * (FEWER if how == "1,000" else LINES)
    assert found["state"] <= 3_000
