"""The package is there and its tables are not: pages and commands say what to do, and nobody meets a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.models import Checkpoint, CourseRun, Kind, Learner
from tests.conftest import COURSE
from tests.engagement.clicks import clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def renamed(there: str, back: str) -> Iterator[None]:
    """Something has another name meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(there)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(back)


def away(model: Any) -> AbstractContextManager[None]:
    table = model._meta.db_table
    return renamed(f"ALTER TABLE {table} RENAME TO away", f"ALTER TABLE away RENAME TO {table}")


def older(model: Any, column: str) -> AbstractContextManager[None]:
    """The tables are of the release before."""
    rename = f"ALTER TABLE {model._meta.db_table} RENAME COLUMN"
    return renamed(f"{rename} {column} TO away", f"{rename} away TO {column}")


@pytest.fixture
def atomic_requests(settings: Any) -> Iterator[None]:
    """As in an LMS."""
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.usefixtures("atomic_requests")
@pytest.mark.parametrize("path", ["predictions", "facets", "communications", "segments", "me", "access_records"])
def test_the_api_answers_with_a_problem_document_that_says_what_to_do(
    site: Any, staff_client: Any, learner_client: Any, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = learner_client if path == "me" else staff_client
    with away(CourseRun):
        response = client.get(f"/engage/api/v1/courses/{COURSE}/{path}")
    assert (response.status_code, response["Content-Type"]) == (503, "application/problem+json")
    assert response.json()["status"] == 503
    assert "manage.py lms migrate engage" in response.json()["detail"]
    assert "engage_courserun" in caplog.text
    assert client.get(f"/engage/api/v1/courses/{COURSE}/{path}").status_code == 200


def test_columns_of_a_newer_release_are_told_like_missing_tables(site: Any, staff_client: Any) -> None:
    with older(CourseRun, "expected_pass_rate"):
        response = staff_client.get(f"/engage/api/v1/courses/{COURSE}/facets")
    assert (response.status_code, "migrate engage" in response.json()["detail"]) == (503, True)


@pytest.mark.usefixtures("atomic_requests")
def test_the_learners_page_says_it_in_plain_words(site: Any, learner_client: Any) -> None:
    with away(Learner):
        response = learner_client.get(f"/engage/me/{COURSE}")
    assert (response.status_code, response["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert b"manage.py lms migrate engage" in response.content
    assert learner_client.get(f"/engage/me/{COURSE}").status_code == 200


def test_other_trouble_of_the_database_stays_what_it_is(site: Any, staff_client: Any) -> None:
    staff_client.raise_request_exception = False
    with away(User):
        assert staff_client.get(f"/engage/api/v1/courses/{COURSE}/predictions").status_code == 500


@pytest.mark.parametrize("model", [Checkpoint, Kind, Learner])
def test_a_consumer_whose_tables_go_ends_in_one_line(
    live: LiveSite, tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, sorted(clicks(101, 5), key=lambda event: event.time))))
    read, calls = LogfileSource.read, Event()

    def first_then_gone(source: LogfileSource, most: int, wait: float) -> Any:
        if calls.is_set() and model._meta.db_table in connection.introspection.table_names():
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {model._meta.db_table} RENAME TO away")
            with log.open("ab") as file:
                file.write(b"".join(map(line, sorted(clicks(102, 5), key=lambda event: event.time))))
        calls.set()
        return read(source, most, wait)

    monkeypatch.setattr(LogfileSource, "read", first_then_gone)
    try:
        with pytest.raises(CommandError, match="migrate engage") as ended:
            call_command("engage_consume", str(log), "--max-wait", "0")
        assert "\n" not in str(ended.value)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {model._meta.db_table}")


@pytest.mark.parametrize("command", ["engage_consume", "engage_backfill", "engage_status", "engage_tick"])
def test_a_command_without_tables_says_what_to_do(live: LiveSite, tmp_path: Path, command: str) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, clicks(101, 5))))
    words = [str(log)] if command in ("engage_consume", "engage_backfill") else []
    with away(CourseRun), pytest.raises(CommandError, match="migrate engage"):
        call_command(command, *words)
