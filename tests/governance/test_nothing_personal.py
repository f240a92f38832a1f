"""Marked names, addresses and IPs go in at every source, and come out nowhere: log, database, Redis, answers, files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from eventtracking.backends.routing import RoutingBackend

from engage_backend.api.urls import urlpatterns
from engage_backend.clickstream.event import ClickEvent
from engage_backend.governance.retirement import retire
from engage_backend.models import HistoryChunk, Learner
from engage_backend.platform.standalone.models import Course, CourseStaff
from engage_backend.tap.backend import TrackingBackend
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LEARNERS, LiveSite
from tests.governance.people import dump
from tests.services import RedisServer

MARK = "zqmark"
MARKS = (MARK, "203.0.113.77", "2001:db8::77", "Mozilla/5.0 (Zq")
HEAD = b"2025-07-17 10:00:00,000 INFO 25 [tracking] [user 101] [ip 203.0.113.77] logger.py:41 - "


def record(event: ClickEvent, name: str | None = None) -> dict[str, Any]:
    """A record of the log with everything personal that edX puts into one, and more."""
    when = datetime.fromtimestamp(event.time / 1e6, UTC).isoformat()
    person = {"username": f"{MARK}-{event.learner}", "email": f"{MARK}@mail.example", "full_name": f"{MARK} Name"}
    return {
        **person,
        "ip": "203.0.113.77",
        "agent": "Mozilla/5.0 (Zq) Engage",
        "host": f"{MARK}.example",
        "referer": f"https://{MARK}.example/?email={MARK}@mail.example",
        "accept_language": MARK,
        "event_type": name or event.kind,
        "name": name or event.kind,
        "event_source": "server",
        "time": when,
        "session": f"{MARK}-session",
        "page": f"https://{MARK}.example/page?user={MARK}",
        "event": {**person, "answers": {"i4x": MARK}, "body": f"{MARK} wrote this", "id": "v1"},
        "context": {
            **person,
            "user_id": event.learner,
            "course_id": event.course,
            "path": "/event",
            "ip": "2001:db8::77",
            "client_id": MARK,
            "course_user_tags": {MARK: MARK},
        },
    }


def lines(seed: int) -> list[bytes]:
    """Clicks of known learners and of a stranger; broken lines; kinds that nobody has met, with a name in them."""
    events = [*clicks(101, 30, seed), *clicks(102, 30, seed), *clicks(999, 5, seed)]
    whole = [json.dumps(record(event)).encode() for event in events]
    odd = [
        whole[0][: len(whole[0]) // 2],
        HEAD + whole[1],
        HEAD + whole[2][:300],
        json.dumps(record(events[3]) | {"time": f"{MARK} o'clock"}).encode(),
        json.dumps(record(events[4]) | {"context": f"{MARK}"}).encode(),
        f"{MARK} \x00 no JSON".encode(),
    ]
    # Paths and names with a person in them: a kind must never hold what somebody typed.
    odd += [
        json.dumps(record(event, name=name)).encode()
        for event, name in zip(
            events[5:],
            (
                f"/courses/{COURSE}/progress/{MARK}/",
                f"/courses/{COURSE}/discussion/forum/users/{MARK}/followed",
                f"/courses/{COURSE}/wiki/{MARK}/",
                f"/u/{MARK}",
                f"/api/user/v1/accounts/{MARK}?view={MARK}@mail.example",
                f"/api/profile_images/v1/{MARK}/upload",
                f"/api/mobile/v1/users/{MARK}/course_enrollments/",
            ),
            strict=False,
        )
    ]
    return [*whole, *odd]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


def named(live: LiveSite) -> None:
    """The platform knows names and addresses: in its own tables, which are not ours."""
    for number in LEARNERS:
        User.objects.filter(pk=number).update(
            username=f"{MARK}-{number}", email=f"{MARK}{number}@mail.example", first_name=MARK, last_name=f"{MARK}last"
        )


def clean(text: str, where: str) -> None:
    for mark in MARKS:
        at = text.lower().find(mark.lower())
        assert at < 0, f"{where}: ...{text[max(0, at - 80) : at + 80]}..."


def test_what_is_personal_in_a_log_reaches_neither_database_nor_log_nor_page_nor_file(
    live: LiveSite,
    server: RedisServer,
    tmp_path: Path,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named(live)
    settings.ENGAGE = {**settings.ENGAGE, "STREAM": {"URL": server.url}}
    folder = tmp_path / "lms"
    folder.mkdir()
    caplog.set_level(logging.DEBUG, logger="engage_backend")

    log, past = folder / "tracking.log", folder / "tracking.log-2024"
    log.write_bytes(b"\n".join(lines(1)) + b"\n")
    past.write_bytes(b"\n".join(lines(2)) + b"\n")
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    call_command("engage_backfill", str(past))

    tap = TrackingBackend()
    router = RoutingBackend(backends={"engage": tap})
    for event in (*clicks(101, 20, 3), *clicks(999, 3, 3)):
        sent = record(event)
        router.send(
            {"name": sent["name"], "timestamp": sent["time"], "data": sent["event"], "context": sent["context"]}
        )
    router.send({"name": MARK, "timestamp": MARK, "data": {MARK: object()}, "context": {"user_id": 101, "path": MARK}})
    assert tap.close(20.0)
    stream = json.dumps(server.command("XRANGE", "engage:lms:events:0", "-", "+"), default=str)
    call_command("engage_consume", "--source", "redis", "--once", "--max-wait", "0", "--allow-eviction")
    assert HistoryChunk.objects.filter(learner__user_id=101).exists()

    staff = User.objects.create(username="team", is_staff=False)
    CourseStaff.objects.create(course=Course.objects.get(), user=staff)
    answers = list(ask(staff))
    call_command("engage_status")
    call_command("engage_export_learner", "101")
    retire(102)
    call_command("engage_tick")
    call_command("engage_retention")

    told = capsys.readouterr()
    clean(told.out + told.err, "what commands print")
    clean(caplog.text + repr([vars(one) for one in caplog.records]), "log")
    clean(dump(), "database")
    # What a page is addressed by and its session are fields that parsing reads; the rest never leaves the LMS.
    for mark in (
        "203.0.113.77",
        "2001:db8::77",
        "mozilla",
        "@mail.example",
        f"{MARK}-user",
        f"{MARK} name",
        "wrote this",
    ):
        assert mark not in stream.lower()
    for answer in answers:
        clean(answer, "answer")
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {log, past}
    for path in written:
        clean(path.read_bytes().decode("utf-8", "replace"), str(path))


def ask(staff: User) -> Iterator[str]:
    """What every address answers to the course team and to a learner, reading and looking up."""
    pseudonym = Learner.objects.get(user_id=101).pseudonym
    for user in (staff, User.objects.get(pk=101)):
        client = Client()
        client.force_login(user)
        for one in urlpatterns:
            path = str(one.pattern).replace("<path:course_key>", COURSE).replace("<str:pseudonym>", pseudonym)
            response = client.get(f"/engage/api/v1/{path}")
            yield response.content.decode()
        for path in (f"me/{COURSE}", f"api/v1/courses/{COURSE}/me"):
            yield client.get(f"/engage/{path}").content.decode()
        for query in (f"{MARK}-101", f"{MARK}101@mail.example", f"{MARK} {MARK}last"):
            found = client.post(
                f"/engage/api/v1/courses/{COURSE}/lookup", {"query": query}, content_type="application/json"
            )
            yield found.content.decode()


def test_broken_records_are_kept_only_where_the_operator_says_so_and_only_those(
    live: LiveSite, tmp_path: Path, settings: Any
) -> None:
    path = tmp_path / "quarantine.jsonl"
    log = tmp_path / "tracking.log"
    log.write_bytes(b"\n".join(lines(4)) + b"\n")
    settings.ENGAGE = {**settings.ENGAGE, "QUARANTINE": str(path)}
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    assert MARK in path.read_text()  # it says so in the setting's description
    assert path.stat().st_mode & 0o077 == 0
    assert len(path.read_bytes().splitlines()) < 8
