"""The Communicator as a whole page, on the standalone site: it starts by itself under its policy, works and fits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.composing import HIGH
from tests.browser.test_my_page import AXE, wrong
from tests.demo.conftest import COURSE, Site

OpenPage = Callable[..., Page]
ADDRESS = f"/engage/courses/{COURSE}/"


def opened(page: Page, site: Site) -> Page:
    """Goes from the demo's course page to the whole page, and waits for its figures."""
    page.goto(f"{site.address}/")
    page.get_by_role("link", name="a page of its own").click()
    page.wait_for_url(f"**{ADDRESS}")
    expect(page.locator(".engage-communicator[data-engage-page=charts]")).to_be_visible()
    return page


def test_it_starts_without_a_runtime_and_what_it_sends_is_taken(open_page: OpenPage, writing_site: Site) -> None:
    page = opened(open_page("about:blank"), writing_site)
    expect(page).to_have_title("Communicator · Testing")
    page.get_by_test_id("from-certify").fill("80")
    expect(page.get_by_test_id("write")).to_have_text(f"Write to these {HIGH} learners")
    page.get_by_test_id("write").click()
    page.get_by_test_id("compose-subject").fill("From the whole page")
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_test_id("save").click()
    assert answer.value.status in (200, 201)
    page.get_by_role("link", name="Back to the course").click()
    page.wait_for_url("**/course/")


def test_who_is_no_staff_reads_why(open_page: OpenPage, writing_site: Site) -> None:
    page = open_page(writing_site.address)
    learner = page.get_by_role("group", name="Look as").get_by_role("button", name="Learner")
    learner.click()
    expect(learner).to_have_attribute("aria-pressed", "true")
    response = page.goto(f"{writing_site.address}{ADDRESS}")
    assert response is not None and response.status == 403
    expect(page.get_by_text("This is for the course team of this course run.")).to_be_visible()
    expect(page.locator(".engage-communicator")).to_have_count(0)


@pytest.mark.skipif(not AXE.is_file(), reason="run `npm ci` in static/ first")
@pytest.mark.parametrize("width", [320, 400, 1280])
def test_it_fits_and_axe_finds_nothing(browser: Browser, writing_site: Site, width: int) -> None:
    # The page's own policy lets no script in, axe's neither.
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = opened(context.new_page(), writing_site)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert wrong(page) == []
    assert page.evaluate("getComputedStyle(document.querySelector('header nav')).display") == "flex", "it has its style"
    context.close()
