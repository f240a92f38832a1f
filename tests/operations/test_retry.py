"""What the database fails is done again, whole, and nothing of the failed attempt is left."""

from __future__ import annotations

import json
import sqlite3

import pytest
from django.db import IntegrityError, OperationalError

from engage_backend.engagement.live.retry import PAUSES, repeated
from tests.operations.sites import DiskSite

_LOCKED = """
import json, sqlite3, sys
import django
django.setup()
from pathlib import Path
from django.conf import settings
from django.db import OperationalError, connection
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.engine import Engine
from engage_backend.models import Checkpoint, HistoryChunk, Kind
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import clicks
from tests.engagement.live.test_commands import line

connection.settings_dict["OPTIONS"]["timeout"] = 0.01
log = Path(settings.TRACKING_LOG)
log.write_bytes(b"".join(map(line, clicks(1, 50))))
pauses = []
other = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)

def pause(seconds):
    pauses.append(seconds)
    if len(pauses) == int(sys.argv[1]):
        other.execute("ROLLBACK")

source = LogfileSource(log)
consumer = Consumer(source, Engine(get_platform()), max_wait=0, pause=pause)
other.execute("BEGIN IMMEDIATE")
try:
    consumer.step()
    failed = ""
except OperationalError as error:
    failed = str(error)
    other.execute("ROLLBACK")
marks = list(Checkpoint.objects.values_list("events", flat=True))
events = sum(HistoryChunk.objects.values_list("events", flat=True))
print(json.dumps([failed, len(pauses), marks, events, Kind.objects.count()]))
"""


@pytest.mark.parametrize("pauses", [1, 3])
def test_a_consumer_repeats_a_batch_that_found_the_database_locked(disk_site: DiskSite, pauses: int) -> None:
    disk_site.set_up(learners=2)
    failed, paused, marks, events, kinds = json.loads(disk_site.python(_LOCKED, str(pauses)))
    assert (failed, paused, marks, events) == ("", pauses, [50], 50)
    assert kinds > 0


def test_a_database_that_stays_locked_ends_the_consumer_with_nothing_half_done(disk_site: DiskSite) -> None:
    disk_site.set_up(learners=2)
    failed, paused, marks, events, kinds = json.loads(disk_site.python(_LOCKED, "-1"))
    assert failed == "database is locked"
    assert (paused, marks, events, kinds) == (len(PAUSES), [], 0, 0)


@pytest.mark.django_db(transaction=True)
def test_only_what_may_pass_is_repeated() -> None:
    paused: list[float] = []
    forgotten: list[bool] = []

    def broken() -> None:
        raise IntegrityError("never mended by waiting")

    with pytest.raises(IntegrityError):
        repeated(broken, undone=lambda: forgotten.append(True), pause=paused.append)
    assert (paused, forgotten) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_pauses_grow_and_differ_from_process_to_process() -> None:
    paused: list[float] = []

    def locked() -> None:
        with sqlite3.connect(":memory:") as nowhere:
            try:
                nowhere.execute("SELECT * FROM missing")
            except sqlite3.OperationalError as error:
                raise OperationalError(*error.args) from error

    with pytest.raises(OperationalError):
        repeated(locked, undone=lambda: None, pause=paused.append)
    assert [round(seconds / usual, 3) for seconds, usual in zip(paused, PAUSES, strict=True)] != [1.0] * len(PAUSES)
    assert all(0.5 * usual <= seconds <= 1.5 * usual for seconds, usual in zip(paused, PAUSES, strict=True))
