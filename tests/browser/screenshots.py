"""Pictures of the page for README and docs: `python -m tests.browser.screenshots FOLDER [STATE ...]` writes STATE-WIDTH.png.

The state `composer` is all pictures of writing to learners."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.beside import beside
from tests.browser.canned import CannedCourse, Row, learners, serving
from tests.browser.composing import HIGH, course_site, minute_later
from tests.browser.conftest import CHROMIUM_ARGUMENTS, brush, chromium_path
from tests.browser.small_png import small
from tests.demo.conftest import COURSE
from tests.services import PATIENCE

WIDTHS = (1280, 400)


def course_of(rows: dict[str, Row], **more: object) -> CannedCourse:
    """A course of these learners, with what stands beside the predictions."""
    others = beside((name, row.state) for name, row in rows.items())
    return CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others, **more)  # type: ignore[arg-type]


def shown(page: Page) -> None:
    """Waits until the page shows what it has: a message, or the figures."""
    expect(
        page.get_by_test_id("message").or_(page.get_by_test_id("table")).locator("visible=true").first
    ).to_be_visible()


def selected(page: Page) -> None:
    """With a range brushed, a filter, and somebody taken out by hand."""
    brush(page, "certify", 30, 80)
    expect(page.get_by_test_id("range-certify")).to_have_text("30–80 %")
    if page.get_by_test_id("filter-task").locator("option").count() > 3:
        page.get_by_test_id("filters").evaluate("details => { details.open = true; }")
        page.get_by_test_id("filter-written").select_option("false")
        page.get_by_test_id("filters").evaluate("details => { details.open = window.innerWidth > 700; }")
    page.get_by_test_id("tick").first.uncheck()
    expect(page.get_by_test_id("sum")).to_contain_text("− 1")


def one_learner(page: Page) -> None:
    """With a learner opened."""
    page.locator(".engage-open:visible").nth(1).click()
    expect(page.get_by_test_id("learner-certify")).to_be_visible()


def nobody(page: Page) -> None:
    """With a range that nobody is in."""
    page.get_by_test_id("from-certify").fill("99")
    expect(page.get_by_test_id("nobody")).to_be_visible()


def offline(page: Page) -> None:
    """After the connection went away."""
    shown(page)
    page.context.set_offline(True)
    expect(page.get_by_test_id("pill")).to_have_text("Offline")


def loading(page: Page) -> None:
    """Before the first answer."""
    expect(page.locator(".engage-skeleton")).to_be_visible()


@dataclass(frozen=True)
class State:
    """A picture: its name, the course behind it, what a person did, and what is added to the address."""

    name: str
    course: Callable[[], CannedCourse]
    settle: Callable[[Page], None] = shown
    query: str = ""


def three() -> dict[str, Row]:
    """Three active learners."""
    return dict([(name, row) for name, row in learners(30).items() if row.state == "active"][:3])


STATES = (
    State("learners-3", lambda: course_of(three()), selected),
    State("learners-400", lambda: course_of(learners(400)), selected),
    State("learners-100000", lambda: course_of(learners(100_000)), selected),
    State("learner", lambda: course_of(learners(400)), one_learner),
    State("german", lambda: course_of(learners(400)), selected, "?lang=de"),
    State("mirrored", lambda: course_of(learners(400)), selected, "?lang=rtl"),
    State("checked", lambda: course_of(learners(400), calibrated=True)),
    State("nobody", lambda: course_of(learners(400)), nobody),
    State("consumer-late", lambda: course_of(learners(400), silent_seconds=15)),
    State("consumer-down", lambda: course_of(learners(400), silent_seconds=900)),
    State("loading", lambda: course_of(learners(400), delay_seconds=3.0), loading),
    State("no-learners", CannedCourse),
    State(
        "no-events", lambda: course_of(dict.fromkeys(learners(20), Row("never_started", None, None, None)), as_of=None)
    ),
    State("no-model", lambda: course_of(learners(400), model=None)),
    State("not-permitted", lambda: CannedCourse(status=403)),
    State("server-error", lambda: CannedCourse(status=500)),
    State("offline", lambda: course_of(learners(400)), offline),
)


def written(page: Page) -> Iterator[str]:
    """Writes a message from the first word to its going out, and stops at each picture, whose name it gives."""
    page.get_by_test_id("from-certify").fill("80")
    expect(page.get_by_test_id("write")).to_have_text(f"Write to these {HIGH} learners")
    page.get_by_test_id("write").click()
    page.get_by_test_id("compose-subject").fill("Something more for the last weeks")
    body = "Hello [:firstname:],\n\nyou may like **two more problems**: [here](https://example.org/more)."
    page.get_by_test_id("compose-body").fill(f"{body}\n\nWithout them some fail.")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("warnings")).to_be_visible()
    yield "writing"
    page.get_by_test_id("compose-body").fill(body)
    page.get_by_test_id("preview-open").click()
    expect(page.get_by_test_id("preview-body")).to_contain_text("two more problems")
    expect(page.get_by_test_id("warnings")).to_be_hidden()
    expect(page.get_by_test_id("compose-status")).to_have_text("Saved as a draft.")
    yield "preview"
    page.get_by_test_id("review").click()
    expect(page.get_by_test_id("confirm-title")).to_be_focused()
    page.get_by_test_id("when-later").check()
    yield "confirming"
    page.get_by_test_id("when-now").check()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("undo")).to_be_visible()
    yield "confirmed"


def letters(blank: Page, chromium: Browser, folder: Path) -> None:
    """Pictures of the page at its own address, of the composer, and of the demo's outbox, on the real site."""
    with tempfile.TemporaryDirectory() as home, course_site(Path(home)) as site:
        for width in WIDTHS:
            context = chromium.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
            page = context.new_page()
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(f"{site.address}/")
            page.goto(f"{site.address}/engage/courses/{COURSE}/")
            expect(page.get_by_test_id("write")).to_be_visible()
            (folder / f"whole-page-{width}.png").write_bytes(small(blank, page.screenshot()))
            page.goto(f"{site.address}/course/")
            expect(page.locator(".engage-communicator[data-engage-page=charts]")).to_be_visible()
            expect(page.get_by_test_id("write")).to_be_visible()
            for name in written(page):
                picture = page.get_by_test_id("composer").screenshot()
                (folder / f"{name}-{width}.png").write_bytes(small(blank, picture))
            minute_later(site)
            expect(page.get_by_test_id("standing")).to_have_text(f"Finished: {HIGH - 1} sent.")
            page.get_by_test_id("automation-ask").click()
            expect(page.get_by_test_id("running")).to_be_visible()
            picture = page.get_by_test_id("composer").screenshot()
            (folder / f"sent-{width}.png").write_bytes(small(blank, picture))
            page.goto(f"{site.address}/outbox/")
            page.locator("summary").first.click()
            (folder / f"outbox-{width}.png").write_bytes(small(blank, page.screenshot()))
            context.close()


def pictures(wanted: Collection[str]) -> Iterator[State]:
    """The states named, or all."""
    return (state for state in STATES if not wanted or state.name in wanted)


def main(folder: Path, wanted: Collection[str]) -> None:
    """Takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        blank = chromium.new_page()
        for state in pictures(wanted):
            with serving(state.course(), poll_ms=1_000, heading=False) as site:
                for width in WIDTHS:
                    # Without motion, a picture shows where things are, not where they are going.
                    context = chromium.new_context(viewport={"width": width, "height": 600}, reduced_motion="reduce")
                    page = context.new_page()
                    page.goto(site.url + state.query)
                    state.settle(page)
                    page.evaluate("window.scrollTo(0, 0)")
                    page.mouse.move(0, 0)
                    page.evaluate("document.activeElement.blur()")
                    page.wait_for_timeout(300)
                    picture = page.screenshot(full_page=True)
                    context.close()
                    (folder / f"{state.name}-{width}.png").write_bytes(small(blank, picture))
        if not wanted or "composer" in wanted:
            letters(blank, chromium, folder)
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
