"""Writing to learners on the real site: server, database, worker, outbox, and a person with a browser in front of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from engage_backend.cli.demo import WORKER
from engage_backend.demo.supervisor import listen
from tests.browser.conftest import brush
from tests.browser.test_page_everyone import AXE, wrong
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


def test_past_messages_are_viewed_edited_as_a_version_loaded_exported_imported_and_asked_to_go_on(
    site: Site, open_page: OpenPage
) -> None:
    page = course_page(site, open_page)
    write(page, "Once more", "Hello [:firstname:]")
    hook(page, "review").click()
    hook(page, "when-later").check()
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    site.python(f"{TICK}{MINUTE}tick()")
    expect(hook(page, "standing")).to_have_text(re.compile("Goes out at Jan 14, 2026, 09:00 UTC"), timeout=15_000)
    hook(page, "stop").click()
    expect(hook(page, "standing")).to_have_text(f"Stopped: 0 sent, {HIGH - 1} not sent.")

    hook(page, "edit").click()
    hook(page, "compose-body").fill("Hello again [:firstname:]")
    expect(hook(page, "save")).to_have_text("Save changes")
    hook(page, "save").click()
    expect(hook(page, "compose-status")).to_have_text("Saved as version 2. It has not been sent.")
    hook(page, "compose-close").click()
    hook(page, "reset-all").click()
    past = hook(page, "past").locator("option").filter(has_text="Once more")
    hook(page, "past").select_option(value=past.get_attribute("value"))
    hook(page, "past-open").click()
    expect(hook(page, "message-title")).to_be_focused()
    hook(page, "load-criteria").click()
    expect(hook(page, "selected-count")).to_have_text(str(HIGH))

    hook(page, "automation-ask").click()
    expect(hook(page, "automation-state")).to_contain_text("Once a day you get a mail")
    hook(page, "automation-send").click()
    expect(hook(page, "automation")).to_contain_text("Nobody looks before it goes out.")
    hook(page, "automation-send-sure").click()
    expect(hook(page, "automation-state")).to_contain_text("written to by themselves")
    expect(hook(page, "past").locator("optgroup").first).to_have_attribute("label", "Active")
    hook(page, "automation-off").click()
    expect(hook(page, "automation-state")).to_have_text("Nothing happens by itself.")

    with page.expect_download() as download:
        hook(page, "export").click()
    hook(page, "import-file").set_input_files(download.value.path())
    expect(hook(page, "composer-news")).to_have_text(re.compile("drafts are imported"))
    hook(page, "import-file").set_input_files({"name": "x.json", "mimeType": "application/json", "buffer": b"[1]"})
    expect(hook(page, "composer-problem")).to_contain_text("communications")


@pytest.mark.skipif(not AXE.is_file(), reason="run `npm ci` in static/ first")
def test_the_composer_serves_the_keyboard_alone_narrow_and_mirrored_pages_and_axe_finds_nothing(
    site: Site, open_page: OpenPage
) -> None:
    page = course_page(site, open_page, width=320)
    page.evaluate("document.documentElement.dir = 'rtl'")
    hook(page, "write").focus()
    page.keyboard.press("Enter")
    expect(hook(page, "compose-title")).to_be_focused()
    page.keyboard.press("Tab")
    for _ in range(3):  # what to begin with, name, address
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(hook(page, "compose-subject")).to_be_focused()
    page.keyboard.type("At risk")
    page.keyboard.press("Tab")
    page.keyboard.type("Hello")
    hook(page, "preview-open").press("Enter")
    expect(hook(page, "preview-body")).to_have_text("Hello")
    expect(hook(page, "warnings")).to_be_visible()
    assert wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    hook(page, "review").press("Enter")
    expect(hook(page, "confirm-title")).to_be_focused()
    assert wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.keyboard.press("Tab")
    hook(page, "confirm-back").press("Enter")
    expect(hook(page, "compose-title")).to_be_focused()
    page.context.set_offline(True)
    hook(page, "compose-body").fill("Hello there")
    hook(page, "save").press("Enter")
    expect(hook(page, "composer-problem")).to_contain_text("did not answer")
    expect(hook(page, "compose-status")).to_have_text("Not saved yet.")
    page.context.set_offline(False)
    hook(page, "save").press("Enter")
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")
    hook(page, "delete-draft").press("Enter")
    hook(page, "delete-draft").press("Enter")
    expect(hook(page, "composer-news")).to_have_text("The draft is deleted.")
