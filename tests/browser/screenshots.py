"""Pictures of the page for README and docs: `python -m tests.browser.screenshots FOLDER` writes STATE-WIDTH.png."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.canned import CannedCourse, Row, learners, serving
from tests.browser.conftest import CHROMIUM_ARGUMENTS, brush, chromium_path

WIDTHS = (1280, 400)


def states() -> Iterator[tuple[str, CannedCourse]]:
    """Every state of the page that a server can bring about."""
    three = dict([(name, row) for name, row in learners(30).items() if row.state == "active"][:3])
    for count, rows in (("3", three), ("400", learners(400)), ("100000", learners(100_000))):
        yield f"learners-{count}", CannedCourse(rows=rows)
    yield "checked", CannedCourse(rows=learners(400), calibrated=True)
    yield "consumer-late", CannedCourse(rows=learners(400), silent_seconds=15)
    yield "consumer-down", CannedCourse(rows=learners(400), silent_seconds=900)
    yield "no-learners", CannedCourse()
    yield (
        "no-events",
        CannedCourse(rows=dict.fromkeys(learners(20), Row("never_started", None, None, None)), as_of=None),
    )
    yield "no-model", CannedCourse(rows=learners(400), model=None)
    yield "not-permitted", CannedCourse(status=403)
    yield "server-error", CannedCourse(status=500)


def settle(page: Page, state: str) -> None:
    """Waits until the page shows what it has, with a range brushed where there is something to choose from."""
    if state.startswith("learners-"):
        brush(page, "certify", 60, 80)
        expect(page.get_by_test_id("range-certify")).to_have_text("60–80 %")
    else:
        expect(
            page.get_by_test_id("message").or_(page.get_by_test_id("table")).locator("visible=true").first
        ).to_be_visible()
    page.mouse.move(0, 0)


def main(folder: Path) -> None:
    """Takes them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        for state, course in states():
            with serving(course) as site:
                for width in WIDTHS:
                    # Without motion, a picture shows where things are, not where they are going.
                    context = chromium.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
                    page = context.new_page()
                    page.goto(site.url)
                    settle(page, state)
                    page.screenshot(path=folder / f"{state}-{width}.png", full_page=True)
                    context.close()
        chromium.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
