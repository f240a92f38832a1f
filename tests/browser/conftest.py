"""Headless Chromium for the browser tests, and pages that fail a test when something goes wrong inside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

from tests.demo.conftest import Site
from tests.services import PATIENCE

HERE = Path(__file__).parent
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


expect.set_options(timeout=PATIENCE * 1000)


def chromium_path() -> str | None:
    """Where Chromium is on this machine, if anywhere."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def brush_box(page: Page, target: str) -> FloatRect:
    """Where a chart takes the hand, scrolled into sight."""
    overlay = page.get_by_test_id(f"brush-{target}").locator(".overlay")
    overlay.scroll_into_view_if_needed()
    box = overlay.bounding_box()
    assert box is not None
    return box


def brush(page: Page, target: str, low: float, high: float) -> None:
    """Drags over the chart of a target (certify, complete, leave) from `low` to `high` per cent, as a hand does."""
    # Before the figures are there the charts are shapes only, and take no hand.
    expect(page.locator(".engage-communicator[data-engage-page=charts]").first).to_be_visible()
    box = brush_box(page, target)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * low / 100, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * high / 100, y, steps=4)
    page.mouse.up()


def heights(page: Page, target: str, which: str = "selected") -> list[int]:
    """Learners by bin of 5 %, as the bars of a chart show them: those selected, or `all`."""
    bars = page.get_by_test_id(f"chart-{target}").locator(f".engage-bars-{which} rect")
    return [int(count or 0) for count in bars.evaluate_all("bars => bars.map(bar => bar.dataset.count)")]


def brush_place(page: Page, target: str) -> tuple[str | None, str | None]:
    """Where the brush of a chart lies: left edge and width in pixels, or None and None."""
    selection = page.get_by_test_id(f"brush-{target}").locator(".selection")
    return selection.get_attribute("x"), selection.get_attribute("width")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked `browser` and runs in one worker: two Chromiums at once make slow machines lie."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. One for each module and no longer: while Playwright runs, Django takes the thread for async."""
    executable = chromium_path()
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def writing_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The standalone site with its mail worker. One for all modules that write: it takes half a minute to start."""
    from tests.browser.composing import course_site

    with course_site(tmp_path_factory.mktemp("composer")) as site:
        yield site


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(url, width=1280, height=900, has_touch=False)`: a page of its own context.

    At the end of the test, no script may have failed in it and its Content-Security-Policy may have refused nothing.
    """
    contexts = []
    wrong: list[str] = []

    def open_(url: str, *, width: int = 1280, height: int = 900, has_touch: bool = False) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=has_touch)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None,
        )
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
