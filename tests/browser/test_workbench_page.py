"""The block in Chromium inside a runtime with jQuery and its own ways: the XBlock SDK's workbench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.services import PATIENCE
from tests.xblock.workbench_process import running_workbench

OpenPage = Callable[..., Page]
SCENARIO = "scenario/engage_communicator"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_workbench(tmp_path_factory.mktemp("workbench")) as address:
        # What it loads at its first page is not what a person waits for in these tests.
        requests.get(f"{address}/{SCENARIO}.0/?student=staff", timeout=PATIENCE)
        yield address


def test_staff_see_the_page_twice_on_one_page_and_are_told_that_there_is_no_course(
    workbench: str, open_page: OpenPage
) -> None:
    page = open_page(f"{workbench}/{SCENARIO}.1/?student=staff")
    expect(page.get_by_test_id("message")).to_have_count(2)
    expect(page.get_by_test_id("message").first).to_contain_text("Not part of a course")


def test_a_learner_sees_that_it_is_for_the_course_team(workbench: str, open_page: OpenPage) -> None:
    page = open_page(f"{workbench}/{SCENARIO}.0/?student=student_1")
    expect(page.locator(".engage-communicator")).to_contain_text("for the course team")
    expect(page.get_by_test_id("message")).to_have_count(0)


def test_studios_form_saves_the_name_and_says_why_when_it_does_not(workbench: str, open_page: OpenPage) -> None:
    page = open_page(f"{workbench}/{SCENARIO}.0/studio_view/?student=staff")
    page.get_by_label("Display name").fill("   ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("Give the page a name.")
    page.get_by_label("Display name").fill("Who needs a hand?")
    with page.expect_response("**/submit/**") as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.status == 200
    page.goto(f"{workbench}/{SCENARIO}.0/?student=staff")
    expect(page.locator(".engage-title")).to_have_text("Who needs a hand?")


def test_an_author_is_shown_a_sample_that_says_it_is_one(workbench: str, open_page: OpenPage) -> None:
    page = open_page(f"{workbench}/{SCENARIO}.0/author_view/?student=staff")
    expect(page.locator(".engage-author-note")).to_contain_text("These are not your learners")
    expect(page.locator(".engage-author-chart")).to_have_count(3)


def test_an_author_takes_a_chart_and_the_automation_away(workbench: str, open_page: OpenPage) -> None:
    page = open_page(f"{workbench}/{SCENARIO}.0/studio_view/?student=staff")
    page.get_by_label("Leaves").uncheck()
    page.get_by_label("Automatic messages").uncheck()
    with page.expect_response("**/submit/**") as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.status == 200
    page.goto(f"{workbench}/{SCENARIO}.0/studio_view/?student=staff")
    expect(page.get_by_label("Leaves")).not_to_be_checked()
    expect(page.get_by_label("Automatic messages")).not_to_be_checked()
    expect(page.get_by_label("Groups that are chosen beforehand")).to_be_checked()
    page.goto(f"{workbench}/{SCENARIO}.0/author_view/?student=staff")
    expect(page.locator(".engage-author-chart figcaption")).to_have_text(["Earns a certificate", "Completes"])


@contextmanager
def without(browser: Browser, missing: str) -> Iterator[Page]:
    """A page for which the server has no such files. Not `open_page`'s: the workbench's own script fails there."""
    with browser.new_context() as context:
        context.route(missing, lambda route: route.fulfill(status=404))
        yield context.new_page()


@pytest.mark.parametrize("missing", ["**/communicator.js*", "**/public/*"])  # the style sheet is there, or is not
@pytest.mark.parametrize("view", ["", "author_view/", "studio_view/"])
def test_where_its_script_does_not_load_the_block_says_so_and_what_to_do(
    workbench: str, open_page: OpenPage, browser: Browser, view: str, missing: str
) -> None:
    address = f"{workbench}/{SCENARIO}.0/{view}?student=staff"
    with without(browser, "**/public/*.js*" if view else missing) as page:
        page.goto(address)
        said = page.get_by_text("the script of this page did not load")
        expect(said).to_be_visible()
        expect(said).to_contain_text("ask the people who run this platform")
    page = open_page(address)
    expect(page.locator(".engage-unloaded")).to_have_count(0)


def test_without_javascript_the_page_says_that_it_needs_it(workbench: str, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{workbench}/{SCENARIO}.0/?student=staff")
        said = page.locator(".engage-communicator noscript p")
        expect(said).to_be_visible()
        expect(said).to_contain_text("JavaScript is switched off")


def test_studios_form_of_the_learners_block_saves_its_name(workbench: str, open_page: OpenPage) -> None:
    address = f"{workbench}/scenario/engage_learner.0"
    page = open_page(f"{address}/studio_view/?student=staff")
    expect(page.get_by_text("Nobody sees anybody else's")).to_be_visible()
    page.get_by_label("Display name").fill("What is said of me")
    with page.expect_response("**/submit/**") as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.status == 200
    page.goto(f"{address}/?student=student_1")
    expect(page.locator(".engage-mine h3")).to_have_text("What is said of me")
