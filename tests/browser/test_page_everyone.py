"""For everyone and everywhere: accessibility, languages, narrow and enlarged pages, greyscale, frames."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.beside import beside
from tests.browser.canned import CannedCourse, CannedSite, Row, answer_composer, learners, serving

OpenPage = Callable[..., Page]
AXE = Path(__file__).resolve().parents[2] / "static/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`));
}"""
# Everything a person reads or hears, but what comes from the course: names, tasks and groups.
SAID = """() => {
  const texts = [];
  const root = document.querySelector(".engage-communicator");
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) texts.push(node.textContent);
    else for (const name of ["aria-label", "title", "placeholder"]) texts.push(node.getAttribute(name) ?? "");
  }
  return texts.join(" ");
}"""

BROKEN = """heads => heads.flatMap(({ firstChild: text }) => [...text.data.matchAll(/[^ ]+/g)].filter(({ 0: word, index }) => {
  const range = document.createRange();
  range.setStart(text, index);
  range.setEnd(text, index + word.length);
  return range.getClientRects().length > 1;
}).map(([word]) => word))"""


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


@pytest.fixture(scope="module")
def site() -> Iterator[CannedSite]:
    rows = learners(400)
    others = beside((name, row.state) for name, row in rows.items())
    with serving(CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others), poll_ms=2_000) as site:
        yield site


def select_some(page: Page) -> None:
    """A selection with a range, a filter, a pick, and all parts of the page in sight."""
    hook(page, "filters").evaluate("details => { details.open = true; }")
    hook(page, "filter-task").select_option(index=3)
    hook(page, "from-certify").fill("30")
    hook(page, "tick").first.uncheck()
    expect(hook(page, "why").locator("li:visible").first).to_be_visible()


def wrong(page: Page) -> list[str]:
    """What axe-core finds."""
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(page.evaluate(FOUND, RULES))


@pytest.mark.skipif(not AXE.is_file(), reason="run `npm ci` in static/ first")
def test_axe_finds_nothing_on_the_page_on_a_learner_and_on_a_message(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page(site.url)
    select_some(page)
    hook(page, "save-group").click()
    assert wrong(page) == []
    page.locator(".engage-open:visible").first.click()
    expect(hook(page, "learner-certify")).to_be_visible()
    assert wrong(page) == []
    narrow = open_page(f"{site.url}?lang=rtl", width=320)
    select_some(narrow)
    assert wrong(narrow) == []
    for course in (CannedCourse(), CannedCourse(rows={"a": Row("active", 1, 1, 1)}, silent_seconds=900)):
        with serving(course) as other:
            page = open_page(other.url)
            expect(hook(page, "message").or_(hook(page, "advice")).locator("visible=true").first).to_be_visible()
            assert wrong(page) == []


def test_german_and_a_mirrored_language_reach_every_word(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page(f"{site.url}?lang=de")
    select_some(page)
    expect(hook(page, "pill")).to_have_text("Live · Stand 11. Apr. 2013, 09:00 UTC")
    expect(hook(page, "total-count")).to_have_text("von 246 Lernenden")
    page = open_page(f"{site.url}?lang=rtl")
    select_some(page)
    page.locator(".engage-open:visible").first.click()
    expect(hook(page, "learner-certify")).to_be_visible()
    said = page.evaluate(SAID)
    for known in (
        "Communicator|Completes without a certificate|About to leave|North, TMA 3 missing|TMA [1-4]|North|South|West",
        "audit|verified|Active; complete [^%]*%; certify [^%]*%(?:; the 3 most likely to leave of 40)?",
        "Handed in 2 of 3 tasks that were due|Was last here 6 days ago|How is it going\\?",
        r"UTC|\b[a-z2-7]{8}\b",  # pseudonyms
    ):
        said = re.sub(known, " ", said)
    assert re.findall("[A-Za-z]{2,}", said) == []


@pytest.mark.parametrize("width", [320, 400])
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_word_in_the_head_of_the_table_is_broken(
    site: CannedSite, open_page: OpenPage, width: int, language: str
) -> None:
    page = open_page(f"{site.url}?lang={language}", width=width)
    expect(hook(page, "selected-count")).to_have_text("246")
    assert page.locator(".engage-table thead .engage-sort:visible").evaluate_all(BROKEN) == []


@pytest.mark.parametrize(("width", "zoom"), [(320, 1), (640, 2)], ids=["320 px", "200 %"])
def test_narrow_and_enlarged_nothing_is_cut_off_and_nothing_needs_scrolling_sideways(
    site: CannedSite, open_page: OpenPage, width: int, zoom: int
) -> None:
    page = open_page(site.url, width=width // zoom, height=900 // zoom)
    select_some(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width // zoom
    edges = page.locator(".engage-communicator button:visible, .engage-communicator input:visible").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect()).map(({ left, right }) => [left, right])"
    )
    assert min(left for left, _ in edges) >= 0
    assert max(right for _, right in edges) <= width // zoom
    page.locator(".engage-open:visible").first.click()
    expect(hook(page, "learner-certify")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width // zoom


def test_colours_are_never_alone_and_selected_bars_stand_out_in_greyscale(
    site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    expect(hook(page, "selected-count")).to_have_text("246")
    fills = {
        name: page.locator(selector).first.evaluate("node => getComputedStyle(node).fill")
        for name, selector in {
            "all": ".engage-bars-all rect",
            **{t: f".engage-chart-{t} .engage-bars-selected rect" for t in ("certify", "complete", "leave")},
        }.items()
    }
    for target in ("certify", "complete", "leave"):
        assert contrast(luminance(fills["all"]), luminance(fills[target])) > 3
    page.locator(".engage-open:visible").first.click()
    lines = hook(page, "learner-weeks").locator(".engage-line path")
    expect(lines).to_have_count(2)
    dashes = lines.evaluate_all("nodes => nodes.map(node => getComputedStyle(node).strokeDasharray)")
    assert len(set(dashes)) == 2
    kinds = page.locator(".engage-legend .engage-key").evaluate_all(
        "nodes => nodes.map(node => getComputedStyle(node).backgroundColor)"
    )
    lights = sorted(luminance(kind) for kind in kinds)
    assert min(contrast(a, b) for a, b in combinations(lights, 2)) > 1.3


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it, of `rgb(r, g, b)`."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Contrast as WCAG defines it."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_who_wants_less_motion_gets_none(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.emulate_media(reduced_motion="reduce")
    page.goto(site.url)
    expect(hook(page, "selected-count")).to_have_text("246")
    for selector in (".engage-bars-all rect", ".engage-meter-fill"):
        duration = page.locator(selector).first.evaluate("node => getComputedStyle(node).transitionDuration")
        assert duration == "0s"


def test_in_the_frame_of_the_lms_it_says_its_height_and_keeps_the_selection_in_sight(
    site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(f"{site.url}framed", width=1100, height=700)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_test_id("selected-count")).to_have_text("246")
    page.wait_for_function("() => document.querySelector('iframe').clientHeight > 1200")
    page.frames[1].wait_for_function("() => document.documentElement.scrollHeight - window.innerHeight <= 1")
    page.evaluate("window.scrollTo(0, 900)")
    page.wait_for_function(
        """() => {
          const frame = document.querySelector("iframe");
          const bar = frame.contentDocument.querySelector(".engage-selection").getBoundingClientRect();
          const top = frame.getBoundingClientRect().top + bar.top;
          return top > -30 && top < 60;
        }"""
    )


def test_the_page_of_the_course_and_the_block_leave_each_others_styles_alone(
    site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    expect(hook(page, "selected-count")).to_have_text("246")
    heading = "node => { const { font, color, margin } = getComputedStyle(node); return [font, color, margin]; }"
    before = page.locator("h1").evaluate(heading)
    page.locator("link[rel=stylesheet]").evaluate("link => { link.disabled = true; }")
    assert page.locator("h1").evaluate(heading) == before
    page.locator("link[rel=stylesheet]").evaluate("link => { link.disabled = false; }")
    expect(page.locator(".engage-group").first).to_have_css("display", "grid")  # the sheet is loaded once more
    # An LMS's own rules for bare elements, as courseware has them.
    look = "node => ['fontSize', 'color', 'padding', 'display'].map(name => getComputedStyle(node)[name])"
    parts = [
        ".engage-group",
        ".engage-chip",
        ".engage-field",
        ".engage-part-title",
        "ul.engage-group-list",
        ".engage-open",
    ]
    ours = [page.locator(part).first.evaluate(look) for part in parts]
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`.xblock button, .xblock input { padding: 30px; font-size: 30px; color: red; }
            .xblock h4 { font-size: 40px; color: red; padding: 9px } .xblock ul { padding: 40px; display: block }`);
          document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
        }"""
    )
    assert [page.locator(part).first.evaluate(look) for part in parts] == ours


@pytest.mark.parametrize("language", ["en", "de", "rtl"])
@pytest.mark.parametrize("width", [320, 400])
def test_on_a_narrow_page_the_bar_takes_little_and_the_rest_of_it_is_below(
    site: CannedSite, open_page: OpenPage, width: int, language: str
) -> None:
    page = open_page("about:blank", width=width, height=800)
    answer_composer(page)
    page.goto(f"{site.url}?lang={language}")
    hook(page, "from-certify").fill("30")
    expect(hook(page, "tick").first).to_be_checked()
    hook(page, "tick").first.click()
    expect(hook(page, "sum")).to_contain_text("− 1")
    expect(hook(page, "write")).to_be_visible()
    hook(page, "table").scroll_into_view_if_needed()
    bar = hook(page, "selection").bounding_box()
    assert bar is not None and bar["height"] <= 80
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("summary", "reset-all", "save-group", "enrolled", "share"):
        expect(hook(page, name)).to_be_visible()
    hook(page, "save-group").focus()
    page.set_viewport_size({"width": 1280, "height": 800})  # as a phone is turned: nothing is lost, the focus neither
    expect(hook(page, "selection").get_by_test_id("save-group")).to_be_focused()


@pytest.mark.parametrize("rows_scrolled", [0, 3_000])
@pytest.mark.parametrize("width", [320, 400])
def test_the_bar_does_not_cover_the_head_of_the_table_however_far_one_has_scrolled(
    site: CannedSite, open_page: OpenPage, width: int, rows_scrolled: int
) -> None:
    page = open_page(site.url, width=width, height=640)
    hook(page, "from-certify").fill("30")
    expect(hook(page, "tick").first).to_be_checked()
    hook(page, "table-frame").evaluate("(frame, top) => { frame.scrollTop = top; }", rows_scrolled)
    is_clear = """() => {
      const place = (name) => document.querySelector(name).getBoundingClientRect();
      return place(".engage-selection").bottom <= place(".engage-table thead th").top;
    }"""
    top = "frame => frame.getBoundingClientRect().top"
    for above in (100, 20, -1, -200):  # pixels from the window's upper edge to the table's
        page.evaluate("by => window.scrollBy(0, by)", hook(page, "table-frame").evaluate(top) - above)
        page.wait_for_function(is_clear)
        sort = hook(page, "sort-certify")
        assert sort.evaluate(
            """(button) => {
              const { left, top, width, height } = button.getBoundingClientRect();
              return document.elementFromPoint(left + width / 2, top + height / 2) === button;
            }"""
        )
