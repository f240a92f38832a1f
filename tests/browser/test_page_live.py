"""Live: what comes is drawn, what is broken is said and got over, and a tab that nobody sees asks seldom."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.canned import COURSE_URL, CannedCourse, Row, serving
from tests.browser.conftest import brush, brush_place
from tests.browser.test_page_parts import course_of, hook, ladder

OpenPage = Callable[..., Page]
SEEN = """(state) => {
  Object.defineProperty(document, "visibilityState", { get: () => state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_before_the_first_answer_the_page_shows_its_shape_and_says_that_it_is_busy(open_page: OpenPage) -> None:
    held: list[Route] = []
    with serving(course_of(ladder())) as site:
        page = open_page("about:blank")
        page.route("**/predictions", lambda route: held.append(route))
        page.goto(site.url)
        expect(page.locator(".engage-communicator.engage-skeleton")).to_be_visible()
        expect(page.locator(".engage-board")).to_have_attribute("aria-busy", "true")
        expect(hook(page, "pill")).to_have_text("Loading")
        held[0].continue_()
        expect(hook(page, "selected-count")).to_have_text("100")
        expect(page.locator(".engage-skeleton")).to_have_count(0)
        expect(page.locator(".engage-board")).to_have_attribute("aria-busy", "false")


def test_an_answer_cut_in_half_is_said_the_figures_stay_and_the_next_whole_one_is_taken_anew(
    open_page: OpenPage,
) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        brush(page, "certify", 60, 80)
        expect(hook(page, "selected-count")).to_have_text("20")
        place = brush_place(page, "certify")
        course.garbled = True
        expect(hook(page, "pill")).to_have_attribute("data-tone", "bad")
        expect(hook(page, "advice")).to_contain_text("arrived damaged")
        expect(hook(page, "selected-count")).to_have_text("20")
        course.put({"l0000070": Row("active", 10, 10, 10)})
        course.garbled = False
        expect(hook(page, "selected-count")).to_have_text("19")
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        assert brush_place(page, "certify") == place
        assert ("", 200) in course.requests[1:], "after half an answer all is asked for anew"


def test_while_the_source_of_the_clicks_is_away_the_page_does_not_say_live(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        course.unreachable_since = "2025-03-01T10:32:00Z"
        expect(hook(page, "pill")).to_have_attribute("data-tone", "bad")
        expect(hook(page, "pill")).to_contain_text("No new clicks since")
        expect(hook(page, "advice")).to_contain_text("not been reachable since")
        expect(hook(page, "selected-count")).to_have_text("100")  # what is known stays to be seen
        course.unreachable_since = None
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        expect(hook(page, "advice")).to_be_hidden()


def test_while_nothing_changes_the_server_says_so_and_sends_nothing(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        with page.expect_response(lambda response: response.status == 304) as unchanged:
            expect(hook(page, "selected-count")).to_have_text("100")
        assert f"{COURSE_URL}predictions?since=1" in unchanged.value.url.replace("%3A", ":").replace("%2B", "+")


def test_a_tab_that_nobody_sees_asks_seldom_and_at_once_when_it_is_seen_again(open_page: OpenPage) -> None:
    course: CannedCourse = course_of(ladder())
    with serving(course) as site:
        page = open_page("about:blank")
        page.clock.install()
        page.goto(site.url)
        expect(hook(page, "selected-count")).to_have_text("100")
        page.evaluate(SEEN, "hidden")
        asked = len(course.requests)
        for _ in range(10):  # twenty seconds of the page's clock, with time for an answer in each step
            page.clock.fast_forward(2_000)
            page.evaluate("() => fetch('/start.js').then(({ status }) => status)")
        assert len(course.requests) - asked <= 2  # what was under way, and the one that was due
        course.put({"l0000000": Row("left", None, None, None)})
        page.evaluate(SEEN, "visible")
        expect(hook(page, "selected-count")).to_have_text("99")
