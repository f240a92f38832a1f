"""Writing to learners on the real site: server, database, worker, outbox, and a person with a browser in front of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from engage_backend.cli.demo import WORKER
from engage_backend.demo.supervisor import listen
from tests.browser.conftest import brush
from tests.demo.conftest import COURSE, PREPARE, ROOT, Site, environment, write_package

OpenPage = Callable[..., Page]
HIGH = 12  # learners with a chance of a certificate of 90 %; one of them wants no messages
# Twenty learners, twelve of whom are likely to earn a certificate.
PEOPLE = f"""
from django.contrib.auth.models import User
from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import CourseRun, Learner, Prediction
from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Course, Enrolment, OptOut
now = get_platform().now()
course = Course.objects.get()
for n in range(20):
    user = User.objects.create(
        username=f"zebra{{n}}", email=f"zebra{{n}}@secret.example", first_name=f"Zebra{{n}}", last_name="Quagga"
    )
    Enrolment.objects.create(course=course, user=user, created=now)
    if n == 0:
        OptOut.objects.create(course=course, user=user)
run = sync_run(get_platform(), {COURSE!r})
CourseRun.objects.update(model="engage-base/0123456789ab", as_of=now, version=run.version + 1)
Learner.objects.update(state="active", last_active=now)
for n, learner in enumerate(Learner.objects.order_by("-pk")):
    high = n < {HIGH - 1} or learner.user_id == OptOut.objects.get().user_id
    figures = {{"certify": 900 if high else 100, "complete": 500, "leave": 300, "as_of": now, "version": run.version + 1}}
    Prediction.objects.update_or_create(learner=learner, defaults={{"course_run": run, **figures}})
"""
TICK = """
from datetime import UTC, datetime
from engage_backend.messaging.clock import tick
from engage_backend.models import Sending
"""
MINUTE = "Sending.objects.update(undo_until=datetime.now(UTC))\n"


@contextmanager
def course_site(folder: Path) -> Iterator[Site]:
    """The standalone site's web process and its worker, on a small course."""
    home = folder / "home"
    home.mkdir()
    package = str(write_package(folder))
    subprocess.run([sys.executable, "-c", PREPARE + PEOPLE, str(home), package], cwd=ROOT, check=True)
    with listen(0) as listener, (home / "worker.log").open("wb") as log:
        serve = [sys.executable, "-m", "engage_backend.demo.serve", str(listener.fileno())]
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        processes = [
            subprocess.Popen(serve, cwd=ROOT, env=environment(home), pass_fds=[listener.fileno()]),
            subprocess.Popen([sys.executable, *WORKER], cwd=ROOT, env=environment(home), stdout=log, stderr=log),
        ]
        try:
            # The socket listens already: the first answer comes as soon as the process has loaded.
            assert requests.get(f"{address}/static/engage_demo/demo.css", timeout=120).ok
            yield Site(address, home)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with course_site(tmp_path_factory.mktemp("composer")) as site:
        yield site


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Each press asks a real server: a slow machine that does other things may take its time."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def course_page(site: Site, open_page: OpenPage, **more: int) -> Page:
    """The course's page with the likely ones selected."""
    page = open_page(f"{site.address}/course/", **more)
    page.set_default_timeout(30_000)
    brush(page, "certify", 80, 100)
    expect(hook(page, "selected-count")).to_have_text(str(HIGH))
    return page


def write(page: Page, subject: str, body: str) -> None:
    hook(page, "write").click()
    expect(hook(page, "compose-title")).to_be_focused()
    hook(page, "compose-subject").fill(subject)
    hook(page, "compose-body").fill(body)


def outbox(page: Page, site: Site) -> int:
    found = re.search(r"data-outbox>(\d+)<", page.request.get(f"{site.address}/outbox/").text())
    assert found is not None
    return int(found[1])


def test_brush_write_preview_undo_send_and_the_outbox_holds_exactly_those_however_often_one_presses(
    site: Site, open_page: OpenPage
) -> None:
    page = course_page(site, open_page)
    expect(hook(page, "write")).to_have_text(f"Write to these {HIGH} learners")
    write(page, "Next step", "Dear , you are at **risk**.")
    body = hook(page, "compose-body")
    body.evaluate("field => field.setSelectionRange(5, 5)")
    body.focus()
    hook(page, "insert-fullname").click()
    expect(body).to_have_value("Dear [:fullname:], you are at **risk**.")
    hook(page, "compose-reply_to").fill("not an address")
    hook(page, "review").click()
    expect(hook(page, "compose-reply_to")).to_be_focused()
    expect(hook(page, "problem-reply_to")).to_contain_text("one address")
    hook(page, "compose-reply_to").fill("team@example.org")

    hook(page, "preview-open").click()
    expect(hook(page, "preview-body")).to_have_text(re.compile(r"Dear Z··· Q···, you are at risk\."))
    expect(hook(page, "preview-body").locator("strong")).to_have_text("risk")
    first = hook(page, "preview-name").inner_text()
    hook(page, "preview-next").click()
    expect(hook(page, "preview-name")).not_to_have_text(first)
    expect(hook(page, "warnings")).to_contain_text("being told that one is at risk")
    body.fill("Dear [:fullname:],\n\nwell **done**.")
    expect(hook(page, "warnings")).to_be_hidden()  # kept, and read by the server, without a press
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")

    hook(page, "review").click()
    expect(hook(page, "confirm-title")).to_be_focused()
    expect(hook(page, "confirm-title")).to_have_text(f"Send to {HIGH - 1} learners?")
    expect(hook(page, "confirm-numbers")).to_contain_text(f"{HIGH} learners are selected. 1 is left out:")
    expect(hook(page, "confirm-numbers")).to_contain_text("1 × opted out")
    hook(page, "send").click()
    expect(hook(page, "standing")).to_have_text(re.compile(r"Goes out in \d\d seconds"))
    hook(page, "undo").click()
    expect(hook(page, "composer-news")).to_have_text("Taken back. Nothing was sent.")
    expect(hook(page, "compose-subject")).to_have_value("Next step")

    hook(page, "review").click()
    hook(page, "send").dblclick()
    expect(hook(page, "undo")).to_be_visible()
    site.python(f"{TICK}tick()")
    assert outbox(page, site) == 0
    site.python(f"{TICK}{MINUTE}tick()")
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 1} sent.", timeout=30_000)
    expect(hook(page, "counts")).to_have_text(re.compile(rf"sent\s*{HIGH - 1}$"))
    assert outbox(page, site) == HIGH - 1
    hook(page, "resend").click()
    expect(hook(page, "confirm-title")).to_have_text("Nobody is left to write to")
    expect(hook(page, "send")).to_be_hidden()
    site.python(f"{TICK}{MINUTE}tick()")
    assert outbox(page, site) == HIGH - 1
    for secret in ("Zebra", "Quagga", "secret.example"):
        assert secret not in page.content()
