"""What a roster of 100,000 costs a consumer while nothing changes in it, and how long a record waits for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.operations.sites import DiskSite

LEARNERS = int(os.environ.get("ENGAGE_BENCH_LEARNERS", "100000"))

# whole: all steps of a comparison. turn: what a consumer does every five minutes, within the hour. change: one learner's mode.
# waits: one click a step while the roster is compared, from before it is read to when the next can be.
_MEASURE = """
import json, sys, time
import django
django.setup()
from datetime import UTC, datetime, timedelta
from pathlib import Path
from django.conf import settings
from django.db.models import F
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.roster import sync_everyone, sync_run
from engage_backend.models import CourseRun, ReadAgain
from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Clock, Enrolment
from tests.engagement.clicks import clicks
from tests.engagement.live.test_commands import line
platform = get_platform()
log = Path(settings.TRACKING_LOG)
log.touch()
engine = Engine(platform)
engine.tick()
consumer = Consumer(LogfileSource(log), engine, max_wait=0)
run = CourseRun.objects.get()
def cost(work):
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)
def turn():
    engine._rosters._courses_read = float("-inf")
    engine.tick(seconds=0.2)
def change():
    Enrolment.objects.filter(user_id=7).update(mode=str(time.time()))
    ReadAgain.objects.create(course_key=run.course_key, user_id=7, due=datetime.now(UTC))
    engine._rosters._changes_read = float("-inf")
    engine.tick(seconds=0.2)
found = {"whole": cost(lambda: sync_run(platform, run.course_key)), "turn": cost(turn), "change": cost(change)}
steps = []
began = time.perf_counter()
for _ in sync_everyone(platform, run):
    steps.append(time.perf_counter() - began)
    began = time.perf_counter()
found |= {"steps": len(steps), "step": sorted(steps)[len(steps) // 2], "longest_step": max(steps)}
def waits(compare):
    if compare:
        Clock.objects.update(site_time=F("site_time") + timedelta(hours=2))
        engine._rosters._courses_read = float("-inf")
    took = []
    for event in clicks(1, 1000, seed=compare):
        with log.open("ab") as out:
            out.write(line(event))
        began = time.perf_counter()
        assert consumer.step().events == 1
        took.append(time.perf_counter() - began)
        if len(took) > 30 and (compare and engine._rosters._going is None or not compare and len(took) > 60):
            break
    took.sort()
    return {"clicks": len(took), "p50": took[len(took) // 2], "longest": took[-1]}
consumer.step()
consumer.step()
found |= {"without": waits(0), "with": waits(1)}
print(json.dumps(found))
"""


@pytest.mark.bench
def test_a_roster_costs_what_changed_in_it(tmp_path: Path) -> None:
    site = DiskSite(tmp_path / "site")
    site.set_up(LEARNERS)
    found = json.loads(site.python(_MEASURE, seconds=1_800).splitlines()[-1])
    print(
        f"\n{LEARNERS:,} learners, nothing changed: {found['turn'] * 1e3:.1f} ms of processor every five minutes, once an hour"
        f" {found['whole']:.2f} s in {found['steps']} steps of {found['step'] * 1e3:.1f} ms (longest"
        f" {found['longest_step'] * 1e3:.0f}); a turn costs 1/{found['whole'] / found['turn']:.0f} of it, one change"
        f" {found['change'] * 1e3:.1f} ms; a click's step"
        f" {found['without']['p50'] * 1e3:.0f} ms at p50, {found['without']['longest'] * 1e3:.0f} at most; while the roster is"
        f" compared {found['with']['p50'] * 1e3:.0f} and {found['with']['longest'] * 1e3:.0f} ({found['with']['clicks']}"
        f" clicks); load {os.getloadavg()[0]:.1f}"
    )
    assert found["turn"] < found["whole"] / 10
