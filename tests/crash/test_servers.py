"""What the engine promises holds on real database servers: other upserts, other locks, other letters, READ COMMITTED."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.crash.sites import End, ServerSite, disturbed, events, write_log
from tests.operations.sites import ROOT, DiskSite
from tests.services import PATIENCE, DatabaseServer

_TABLES = """
import django, json
django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import connection

def ours():
    made = {model._meta.db_table for model in apps.get_app_config("engage").get_models()}
    return sorted(made & set(connection.introspection.table_names()))

call_command("migrate", verbosity=0)
up = ours()
call_command("migrate", "engage", "zero", verbosity=0)
down = ours()
call_command("migrate", verbosity=0)
print(json.dumps([up, down, ours()]))
"""

# A page that shows the course: it polls with the cursor it was given, and keeps the rows that it was told of.
_PAGE = """
import json, sys
from pathlib import Path
import django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from tests.engagement.clicks import COURSE
client = Client(HTTP_HOST="localhost")
client.force_login(User.objects.create_user(id=999_999, username="staff", is_superuser=True, is_staff=True))
address = f"/engage/api/v1/courses/{COURSE}/predictions"
columns = ("state", "certify", "complete", "leave")

def rows(answer):
    return dict(zip(answer["learners"], zip(*(answer[name] for name in columns)), strict=True))

shown, cursor, polls, is_last = {}, None, 0, False
while not is_last:
    is_last = Path(sys.argv[1]).exists()
    reply = client.get(address, {"since": cursor} if cursor else {})
    if reply.status_code != 200:
        continue
    answer = reply.json()
    shown |= rows(answer)
    cursor, polls = answer["cursor"], polls + bool(answer["learners"])
whole = rows(client.get(address).json())
print(json.dumps([polls, len(whole), shown == whole]))
"""

# People who change their minds while consumers write, and in the end do not want to be predicted.
_OBJECT = """
import json, sys
from datetime import timedelta
from pathlib import Path
import django
django.setup()
from engage_backend.engagement.live.retry import repeated
from engage_backend.governance.me import say
from engage_backend.governance.objections import UNDO, erase
from engage_backend.models import HistoryChunk
from engage_backend.platform.api import get_platform
users, rounds, is_last = json.loads(sys.argv[2]), 0, False
while not is_last:
    is_last, rounds = Path(sys.argv[1]).exists(), rounds + 1
    for objects in (True, False, True):
        for user in users:
            say(get_platform(), user, "", objects=objects, everywhere=True)
    later = get_platform().now() + UNDO + timedelta(minutes=1)  # as the clock does it, a day after
    repeated(lambda: erase(later), undone=lambda: None)
print(json.dumps([rounds, HistoryChunk.objects.filter(learner__user_id__in=users).count()]))
"""


# A consumer whose learners another connection holds for longer than a lock is waited for.
_HELD = """
import json
import django
django.setup()
from pathlib import Path
from django.conf import settings
from django.db import connection
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.retry import limit_waiting
from engage_backend.models import Checkpoint, HistoryChunk
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import clicks
from tests.engagement.live.test_commands import line

limit_waiting()
log = Path(settings.TRACKING_LOG)
log.write_bytes(b"".join(map(line, clicks(1, 50))))
pauses, other, is_postgres = [], connection.copy(), connection.vendor == "postgresql"

def pause(seconds):
    pauses.append(seconds)
    other.rollback()

engine = Engine(get_platform())
engine.tick()
other.set_autocommit(False)
other.cursor().execute("SELECT id FROM engage_learner FOR UPDATE")
consumer = Consumer(LogfileSource(log), engine, max_wait=0, pause=pause)
with connection.cursor() as cursor:
    cursor.execute("SET lock_timeout = '200ms'" if is_postgres else "SET innodb_lock_wait_timeout = 1")
consumer.step()
other.close()
limits = []
if is_postgres:
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "statement_timeout"):
            cursor.execute(f"SHOW {name}")
            limits += cursor.fetchone()
events = sum(HistoryChunk.objects.values_list("events", flat=True))
print(json.dumps([len(pauses), limits, list(Checkpoint.objects.values_list("events", flat=True)), events]))
"""

OF_THE_ENGINE = [
    "tests/engagement/live",
    "tests/operations/test_registry.py",
    "tests/operations/test_staff.py",
    "tests/demo/test_load.py::test_who_is_made_after_a_load_gets_an_id_of_their_own",
    "tests/operations/test_lease.py::test_leases_run_out_by_the_databases_clock_which_goes_on_within_a_transaction",
]
# What is counted and selected in SQL, with a function of our own for each database.
OF_THE_API = [
    "tests/messaging/test_criteria.py::test_the_table_of_cases_holds",
    "tests/messaging/test_drafts.py",
    "tests/messaging/test_at_one_moment.py",
    "tests/api/test_learners.py",
    *(f"tests/api/test_{name}.py" for name in ("facets", "hindsight", "lookup")),
]


@pytest.mark.parametrize("tests", [OF_THE_ENGINE, OF_THE_API], ids=["engine", "api"])
def test_tests_of_what_the_database_does_pass_on_a_server(server: DatabaseServer, tests: list[str]) -> None:
    words = ["-m", "pytest", "-q", "--no-header", "-rs", "--ds=tests.settings_server", "-p", "no:xdist"]
    done = subprocess.run(
        [sys.executable, *words, *tests],
        cwd=ROOT,
        env={**os.environ, **server.environment("engage_of_the_tests")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5_000:]
    # Only for want of a real log, which is not part of the project.
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert [line for line in skipped if "beside this checkout" not in line] == []


def test_migrations_go_up_and_down(server_site: Callable[[str], ServerSite]) -> None:
    up, down, again = json.loads(server_site("migrated").python(_TABLES))
    assert "engage_historychunk" in up
    assert down == []
    assert again == up


def test_a_lock_that_was_not_had_in_time_is_tried_for_again_and_no_connection_waits_without_end(
    server_site: Callable[[str], ServerSite], server: DatabaseServer
) -> None:
    site = server_site("held")
    site.set_up(2)
    pauses, limits, marks, events = json.loads(site.python(_HELD))
    assert (pauses, marks, events) == (1, [50], 50)
    assert all(limit in ("50s", "5min") for limit in limits)
    assert len(limits) == (2 if server.kind == "postgresql" else 0)


def consume_all(site: DiskSite, logs: Sequence[Path], *, max_batch: int) -> None:
    """A consumer for each log, all at the same time, to their ends."""
    consumers = [site.start("consume", str(log), "--once", "--max-batch", str(max_batch)) for log in logs]
    for consumer in consumers:
        _, errors = consumer.communicate(timeout=PATIENCE)
        assert consumer.returncode == 0, errors


def test_two_consumers_on_the_same_learners_lose_nothing_and_a_page_skips_nothing(
    server_site: Callable[[str], ServerSite], disk_site: DiskSite, tmp_path: Path
) -> None:
    learners = 700  # more than fit into one part of a transaction
    found = events(learners, 12)
    disk_site.set_up(learners)
    status, _, errors = disk_site.run("consume", str(write_log(tmp_path / "whole.log", found)), "--once")
    assert status == 0, errors
    site = server_site("concurrent")
    site.set_up(learners)
    given = disturbed(found, seed=1)
    dice = random.Random(2)
    halves: list[list] = [[], []]
    for event in given:
        halves[dice.random() < 0.5].append(event)
    logs = [write_log(tmp_path / f"{number}.log", half) for number, half in enumerate(halves)]
    done = tmp_path / "done"
    page = site.start_python(_PAGE, str(done))
    consume_all(site, logs, max_batch=1_500)
    done.touch()
    told, errors = page.communicate(timeout=PATIENCE)
    assert page.returncode == 0, errors
    polls, rows, is_whole = json.loads(told)
    end = End.of(site)
    assert end.same(End.of(disk_site))
    assert sum(end.read.values()) == len(given)
    assert (rows, is_whole) == (learners, True)
    assert polls > 1


def test_who_objects_while_consumers_write_is_erased_and_nobody_waits_for_ever(
    server_site: Callable[[str], ServerSite], disk_site: DiskSite, tmp_path: Path
) -> None:
    learners = 300
    found = events(learners, 12)
    disk_site.set_up(learners)
    status, _, errors = disk_site.run("consume", str(write_log(tmp_path / "whole.log", found)), "--once")
    assert status == 0, errors
    calm = End.of(disk_site)
    objecting = sorted(calm.predictions, key=int)[::10]
    site = server_site("objecting")
    site.set_up(learners)
    done = tmp_path / "done"
    people = site.start_python(_OBJECT, str(done), json.dumps([int(user) for user in objecting]))
    logs = [write_log(tmp_path / f"{number}.log", disturbed(found, seed=number)) for number in range(2)]
    consume_all(site, logs, max_batch=500)
    done.touch()
    said, errors = people.communicate(timeout=PATIENCE)
    assert people.returncode == 0, errors
    rounds, left = json.loads(said)
    assert rounds > 1
    assert left == 0
    end = End.of(site)
    for user, figures in calm.predictions.items():
        if user in objecting:
            assert set(end.predictions.get(user, [None])) == {None}
        else:
            assert all(abs(a - b) <= 1 for a, b in zip(figures, end.predictions[user], strict=True) if a is not None)
