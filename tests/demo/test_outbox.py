"""Messages on the standalone site: written and confirmed over HTTP, sent by a worker process, seen in the outbox."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from engage_backend.cli.demo import WORKER
from tests.demo.conftest import COURSE, ROOT, Site, environment
from tests.demo.test_site import Visitor

COMMUNICATIONS = f"/engage/api/v1/courses/{COURSE}/communications"
ENROLLED = 3  # the two of the package, and "you"
ROSTER = (
    "from engage_backend.engagement.live.roster import sync_run\nfrom engage_backend.platform.api import get_platform\n"
)
MINUTE = (
    "from datetime import UTC, datetime\nfrom engage_backend.models import Sending\n"
    "Sending.objects.update(undo_until=datetime.now(UTC))\n"
)
TICK = "from engage_backend.messaging.clock import tick\ntick()\n"


@pytest.fixture
def worker(running: Site) -> Iterator[subprocess.Popen[bytes]]:
    """The demo's worker process, on the running site."""
    with (running.home / "logs" / "messages.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *WORKER], cwd=ROOT, env=environment(running.home), stdout=log, stderr=log
        )
        yield process
        process.terminate()
        process.wait(30)


def count(visitor: Visitor) -> int:
    found = re.search(r"data-outbox>(\d+)<", visitor.get("/outbox/").text)
    assert found is not None
    return int(found[1])


def test_write_preview_send_and_the_outbox_holds_exactly_those_however_often_one_presses(
    running: Site, worker: subprocess.Popen[bytes], until: Callable[..., None]
) -> None:
    running.python(f"{ROSTER}sync_run(get_platform(), {COURSE!r})")
    visitor = Visitor(running)
    assert count(visitor) == 0
    draft = {"subject": "Hello [:firstname:]", "body": "Dear **[:fullname:]**"}
    everyone = {"version": 1, "everyone": True, "states": ["active", "never_started", "gone", "finished"]}
    made = visitor.post(COMMUNICATIONS, json={**draft, "criteria": everyone}).json()
    one = f"{COMMUNICATIONS}/{made['id']}"
    preview = visitor.post(f"{one}/preview", json={"pseudonym": made["pseudonyms"][0]}).json()
    assert preview["audience"] == {"selected": ENROLLED, "to_write": ENROLLED, "left_out": {}}
    assert preview["refused"] == ""
    press = {"key": "the-first-press", "count": ENROLLED, "quiet": "send"}  # it is midnight there
    for _ in range(2):
        assert visitor.post(f"{one}/send", json=press).status_code == 202
    running.python(TICK)
    assert count(visitor) == 0, "it can still be undone"
    running.python(MINUTE + TICK)
    until(lambda: visitor.get(one).json()["state"] == "done")
    assert visitor.get(one).json()["counts"]["sent"] == count(visitor) == ENROLLED
    assert visitor.post(f"{one}/send", json=press).status_code == 202
    assert visitor.post(f"{one}/send", json={"key": "another-press"}).status_code == 409
    running.python(MINUTE + TICK)
    assert count(visitor) == ENROLLED
    page = visitor.get("/outbox/").text
    assert "you@example.org" in page
    assert "Hello Yael" in page
    name = re.search(r'href="/outbox/([^"]+)"', page)
    assert name is not None
    assert "<strong>" in visitor.get(f"/outbox/{name[1]}").text
    assert worker.poll() is None


def test_a_test_mail_reaches_its_author_through_the_worker(
    running: Site, worker: subprocess.Popen[bytes], until: Callable[..., None]
) -> None:
    running.python(f"{ROSTER}sync_run(get_platform(), {COURSE!r})")
    visitor = Visitor(running)
    before = count(visitor)
    made = visitor.post(COMMUNICATIONS, json={"subject": "Trial", "body": "Text"}).json()
    assert visitor.post(f"{COMMUNICATIONS}/{made['id']}/test", json={}).status_code == 202
    until(lambda: count(visitor) == before + 1)
    assert "instructor@example.org" in visitor.get("/outbox/").text


@pytest.mark.parametrize("who", ["learner", "stranger"])
def test_only_course_staff_see_what_was_sent(running: Site, who: str) -> None:
    visitor = Visitor(running)
    visitor.be(who)
    assert visitor.get("/outbox/").status_code == 404


@pytest.mark.parametrize("name", ["x", "..%2Fsecret_key", "%2e%2e/secret_key"])
def test_the_outbox_shows_mails_and_no_other_file(running: Site, name: str) -> None:
    assert Visitor(running).get(f"/outbox/{name}").status_code == 404
