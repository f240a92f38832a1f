"""Writing to learners on the real site: server, database, worker and outbox, and what the tests do with them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from playwright.sync_api import Locator, Page, expect

from engage_backend.cli.demo import WORKER
from engage_backend.demo.supervisor import listen
from tests.browser.conftest import brush
from tests.demo.conftest import COURSE, PREPARE, ROOT, Site, environment, write_package
from tests.services import PATIENCE

OpenPage = Callable[..., Page]
HIGH = 12  # learners with a chance of a certificate of 90 %; one of them wants no messages
# Twenty learners, twelve of whom are likely to earn a certificate.
PEOPLE = f"""
from django.contrib.auth.models import User
from engage_backend.demo.clock import set_clock
from engage_backend.engagement.live.roster import sync_run
from engage_backend.models import CourseRun, Learner, Prediction
from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Course, Enrolment, OptOut
now = get_platform().now().replace(hour=12)  # at night what people send waits
set_clock(now, speed=1)
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
            assert requests.get(f"{address}/static/engage_demo/demo.css", timeout=PATIENCE).ok
            yield Site(address, home)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(30)


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def course_page(site: Site, open_page: OpenPage, **more: int) -> Page:
    """The course's page with the likely ones selected."""
    page = open_page(f"{site.address}/course/", **more)
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


def minute_later(site: Site) -> None:
    """The minute in which a message can be taken back is over, and the clock has looked."""
    site.python(f"{TICK}{MINUTE}tick()")
