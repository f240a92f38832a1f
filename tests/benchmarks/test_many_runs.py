"""A consumer of a thousand course runs and a million learners: what it costs while nothing happens, and how fast it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.operations.sites import DiskSite

RUNS = int(os.environ.get("ENGAGE_BENCH_RUNS", "1000"))
LEARNERS = int(os.environ.get("ENGAGE_BENCH_LEARNERS", "1000"))  # of each run
IDLE_SECONDS = 20.0
CLICKS = 200

# One run as it is after its daily pass, with its roster, history and figures, and as many copies of it as are asked for. The
# platform knows the first run alone: reading rosters is another measurement.
_SET_UP = """
import sys
import django
django.setup()
from datetime import date, timedelta
from django.contrib.auth.models import User
from engage_backend.engagement.live.engine import Engine
from engage_backend.models import CourseRun, Learner, LearnerState, Prediction
from engage_backend.platform.api import get_platform
runs, learners = int(sys.argv[1]), int(sys.argv[2])
Engine(get_platform()).tick()
first = CourseRun.objects.get()
people = list(Learner.objects.filter(course_run=first))
names = [field.attname for field in CourseRun._meta.concrete_fields if field.attname not in ("id", "course_key")]
for number in range(1, runs):
    run = CourseRun.objects.create(course_key=f"course-v1:Many+R{number}+2024", **{n: getattr(first, n) for n in names})
    made = Learner.objects.bulk_create([Learner(course_run=run, user_id=one.user_id, enrolled_at=one.enrolled_at)
        for one in people], batch_size=2000)
    Prediction.objects.bulk_create([Prediction(learner=one, course_run=run, as_of=run.as_of, version=1) for one in made],
        batch_size=2000)
"""

# Idle: processor time of steps that find nothing. Busy: one click a step, from before it is read to after it is stored.
_MEASURE = """
import json, sys, time
import django
django.setup()
from pathlib import Path
from django.conf import settings
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.management.chores import chores
from engage_backend.models import CourseRun, Learner
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import clicks
from tests.engagement.live.test_commands import line
log = Path(settings.TRACKING_LOG)
log.touch()
consumer = Consumer(LogfileSource(log), Engine(get_platform()), chores=chores())
for _ in range(5):
    consumer.step()
began, cpu, steps = time.monotonic(), time.process_time(), 0
while time.monotonic() - began < float(sys.argv[1]):
    consumer.step()
    steps += 1
idle = (time.process_time() - cpu) / (time.monotonic() - began)
took = []
for event in clicks(1, int(sys.argv[2])):
    with log.open("ab") as out:
        out.write(line(event))
    began = time.perf_counter()
    assert consumer.step().events == 1
    took.append(time.perf_counter() - began)
took.sort()
print(json.dumps({"idle": idle, "steps": steps, "p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)],
    "runs": CourseRun.objects.count(), "learners": Learner.objects.count()}))
"""


def measured(home: Path, runs: int) -> dict[str, Any]:
    site = DiskSite(home)
    site.set_up(LEARNERS)
    try:
        site.python(_SET_UP, str(runs), str(LEARNERS), seconds=3_600)
        told = site.python(_MEASURE, str(IDLE_SECONDS), str(CLICKS), seconds=600)
    finally:
        site.end()
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


@pytest.mark.bench
def test_many_runs_cost_what_one_does(tmp_path: Path) -> None:
    one, many = measured(tmp_path / "one", 1), measured(tmp_path / "many", RUNS)
    for found in (one, many):
        print(
            f"\n{found['runs']:,} runs, {found['learners']:,} learners: idle {found['idle']:.2%} of a core"
            f" ({found['steps'] / IDLE_SECONDS:.1f} steps a second); one click p50 {1e3 * found['p50']:.1f} ms,"
            f" p99 {1e3 * found['p99']:.1f} ms; load {os.getloadavg()[0]:.1f}"
        )
    assert many["learners"] == RUNS * LEARNERS
