"""How the page bears 100,000 learners in Chromium: first paint, brush moves, and a heap that stays flat."""

from __future__ import annotations

import random
from collections.abc import Iterator
from statistics import median, quantiles

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

from tests.browser.beside import beside
from tests.browser.canned import CannedCourse, Row, learners, serving
from tests.browser.conftest import CHROMIUM_ARGUMENTS, brush_box, chromium_path

LEARNERS = 100_000
MOVES = 1_000
UPDATES = 500
PUBLISHED = "the published page claims 5 ms for 1,000 records"
# When the first bar has its height, and the frame with it has been made.
WATCH = """
new MutationObserver((records, observer) => {
  if (!document.querySelector(".engage-bars-all rect[data-count]")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.paintedAt = performance.now(); }));
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-count"]});
"""
ARRIVED = (
    """() => performance.getEntriesByType("resource").find((entry) => /predictions$/.test(entry.name)).responseEnd"""
)
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium that may be asked to collect its garbage."""
    executable = chromium_path()
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


def metrics(session: CDPSession) -> dict[str, float]:
    """Chromium's own figures of the page, in seconds and bytes."""
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}


def worked(session: CDPSession) -> float:
    """Milliseconds of script, style and layout so far."""
    now = metrics(session)
    return 1000 * sum(now[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


def heap(session: CDPSession) -> float:
    """Megabytes in use, after garbage was collected."""
    session.send("HeapProfiler.collectGarbage")
    return metrics(session)["JSHeapUsedSize"] / 1e6


def large(count: int) -> CannedCourse:
    """A course of so many learners, with what stands beside the predictions."""
    rows = learners(count)
    others = beside((name, row.state) for name, row in rows.items())
    return CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others)


def opened(chromium: Browser, url: str) -> tuple[Page, CDPSession, float]:
    """The page with its figures drawn, and what stands beside them arrived; milliseconds that its thread worked until the
    first paint of the charts, from the first byte of the page on."""
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    session = page.context.new_cdp_session(page)
    # Processor time of the page's thread, so that what else runs on the machine does not count.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(WATCH)
    page.goto(url)
    expect(page.locator(".engage-communicator[data-engage-page=charts]")).to_be_visible()
    page.wait_for_function("() => window.paintedAt !== undefined")
    busy = 1000 * metrics(session)["TaskDuration"]
    expect(page.get_by_test_id("filter-cohort").locator("option")).to_have_count(5)
    return page, session, busy


def sweep(page: Page, session: CDPSession, moves: int, *, every: int = 1) -> list[float]:
    """Milliseconds of script, style and layout for each of so many moves of a brush's right handle over half a chart.

    With `every`, a frame is waited for after so many moves only, and the others are not measured.
    """
    box = brush_box(page, "certify")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.2, y)
    page.mouse.down()
    took = []
    for move in range(moves):
        share = 0.3 + 0.5 * abs((move % 100) / 50 - 1)
        before = worked(session)
        page.mouse.move(box["x"] + box["width"] * share, y)
        if move % every == 0:
            page.evaluate(FRAMES)  # what the move asked for is drawn in the next frame
            took.append(worked(session) - before)
    page.mouse.up()
    return took


@pytest.mark.bench
@pytest.mark.parametrize("count", [1_000, LEARNERS])
def test_first_paint_and_brush_moves(chromium: Browser, count: int) -> None:
    with serving(large(count), poll_ms=60_000) as site:
        page, session, busy = opened(chromium, site.url)
        painted = page.evaluate("() => window.paintedAt") - page.evaluate(ARRIVED)
        took = sweep(page, session, 200)
        page.context.close()
    print(
        f"\n{count} learners: first paint {painted:.0f} ms after the data arrived (promised: at most 1,500), {busy:.0f} ms of"
        f" work since the page began; a brush move"
        f" {median(took):.1f} ms median (promised: at most 16), {quantiles(took, n=20)[-1]:.1f} ms p95 (promised: at most 33);"
        f" {PUBLISHED}"
    )


@pytest.mark.bench
def test_the_heap_is_flat_after_1000_brush_moves_and_500_updates(chromium: Browser) -> None:
    random_ = random.Random(5)
    course = large(LEARNERS)
    names = list(course.rows)
    with serving(course, poll_ms=20) as site:
        page, session, _ = opened(chromium, site.url)
        sweep(page, session, 50)
        before = heap(session)
        sweep(page, session, MOVES, every=10)
        brushed = heap(session)
        for _ in range(UPDATES):
            asked = len(course.requests)
            course.put({name: Row("active", *random_.choices(range(1001), k=3)) for name in random_.sample(names, 100)})
            while len(course.requests) == asked:
                page.wait_for_timeout(5)
        page.wait_for_timeout(200)
        updated = heap(session)
        page.context.close()
    print(
        f"\nheap {before:.1f} MB, after {MOVES} brush moves {brushed:.1f} MB ({brushed / before:.2f} times; promised: 1.1),"
        f" after {UPDATES} updates {updated:.1f} MB ({updated / before:.2f} times; promised: 1.15)"
    )
