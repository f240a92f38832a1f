"""`leave` on the page: a rank, with a fact beside it, and a percentage only where the server offers one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.beside import beside
from tests.browser.canned import CannedCourse, Row, serving
from tests.browser.composing import OpenPage, hook
from tests.browser.conftest import brush

FACT = {"day": "2013-03-28", "active": 300, "not_back": 67}
NAMES = [f"{number:08d}" for number in range(100)]


def course(**more: object) -> CannedCourse:
    """A hundred learners: the one of number n has a figure of 9 * n per mille, so that number 99 is first."""
    rows = {name: Row("active", 500, 500, 9 * number) for number, name in enumerate(NAMES)}
    others = beside((name, row.state) for name, row in rows.items())
    return CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others, **more)  # type: ignore[arg-type]


def row_of(page: Page, number: int) -> object:
    return page.locator(f"tr[data-learner='{NAMES[number]}']")


def test_table_and_chart_speak_of_ranks_and_say_the_fact_beside_them(open_page: OpenPage) -> None:
    with serving(course(leave_fact=FACT)) as site:
        page = open_page(site.url)
        chart = hook(page, "chart-leave")
        expect(hook(page, "leave-fact")).to_have_text(
            "Of 300 learners active in the two weeks to Mar 28, 67 had not been back two weeks later."
        )
        expect(hook(page, "leave-share")).to_be_hidden()
        expect(chart.locator(".engage-axis-x")).to_contain_text("least likely")
        expect(chart.locator(".engage-axis-x")).to_contain_text("most likely")
        said = chart.inner_text() + (chart.locator("svg").get_attribute("aria-label") or "")
        assert not re.search(r"%|\bper cent\b|probability", said)
        first = page.locator("tr[data-learner]:visible").first
        expect(first).to_have_attribute("data-learner", NAMES[99])  # the most likely to leave come first
        expect(first.locator(".engage-number").nth(2).locator(".engage-meter-text")).to_have_text("1")
        expect(first.locator(".engage-number").nth(2)).not_to_contain_text("%")
        expect(first.locator(".engage-number").nth(0)).to_contain_text("50 %")


def test_a_range_is_said_and_typed_as_ranks_and_kept_in_per_mille(open_page: OpenPage) -> None:
    with serving(course()) as site:
        page = open_page(site.url)
        brush(page, "leave", 80, 100)  # 800 per mille and more: numbers 89 to 99
        expect(hook(page, "range-leave")).to_have_text("the 11 most likely of 100")
        expect(hook(page, "from-leave")).to_have_value("1")
        expect(hook(page, "to-leave")).to_have_value("11")
        expect(hook(page, "summary")).to_have_text("Active learners with a place among the 11 most likely to leave")
        expect(hook(page, "selected-count")).to_have_text("11")
        hook(page, "to-leave").fill("20")
        expect(hook(page, "selected-count")).to_have_text("20")
        expect(hook(page, "range-leave")).to_have_text("the 20 most likely of 100")
        hook(page, "from-leave").fill("11")
        expect(hook(page, "range-leave")).to_have_text("rank 11 to 20 of 100")
        expect(hook(page, "summary")).to_have_text("Active learners with rank 11 to 20 by likelihood to leave")
        handle = hook(page, "handle-from-leave")
        expect(handle).to_have_attribute("aria-valuetext", "19 of 100 are more likely")
        hook(page, "to-leave").fill("5")
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
            "The first number has to be the smaller one."
        )
        # A figure that moves moves the ranks: the group is of figures, as it was.
        hook(page, "to-leave").fill("20")
        site.course.put({NAMES[0]: Row("active", 500, 500, 1000)})
        expect(hook(page, "range-leave")).to_have_text("rank 12 to 21 of 100")
        expect(hook(page, "selected-count")).to_have_text("10")


def test_one_learner_has_a_rank_and_no_line_of_percentages(open_page: OpenPage) -> None:
    with serving(course()) as site:
        page = open_page(site.url)
        row_of(page, 99).locator(".engage-open").click()  # type: ignore[attr-defined]
        expect(hook(page, "learner-title")).to_be_visible()
        expect(hook(page, "learner-leave")).to_contain_text("of 100, most likely first")
        expect(hook(page, "learner-leave")).not_to_contain_text("%")
        expect(hook(page, "learner-weeks")).not_to_contain_text("Leaves")


def test_a_percentage_stands_beside_the_rank_once_the_server_offers_one(open_page: OpenPage) -> None:
    with serving(course(leave_correction={"slope": 1.0, "intercept": -1.0986})) as site:  # odds of a third
        page = open_page(site.url)
        first = page.locator("tr[data-learner]:visible").first
        expect(first.locator(".engage-number").nth(2)).to_contain_text("1 · 73 %")  # of 891 per mille
        expect(hook(page, "leave-share")).to_contain_text("corrected by what earlier learners of this course did")
        expect(hook(page, "leave-fact")).to_be_hidden()
        site.course.leave_correction = None
        site.course.leave_fact = FACT
        expect(hook(page, "leave-fact")).to_be_visible()
        expect(first.locator(".engage-number").nth(2)).not_to_contain_text("%")


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_of_it_is_cut_off(open_page: OpenPage, width: int) -> None:
    with serving(course(leave_fact=FACT, leave_correction={"slope": 1.0, "intercept": -1.0986})) as site:
        page = open_page(site.url)
        page.set_viewport_size({"width": width, "height": 900})
        expect(hook(page, "leave-fact")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        labels = hook(page, "chart-leave").locator(".engage-axis-x text")
        boxes = [labels.nth(at).bounding_box() for at in range(2)]
        svg = hook(page, "chart-leave").locator("svg").bounding_box()
        assert svg is not None and all(box is not None for box in boxes)
        left, right = boxes[0], boxes[1]
        assert left is not None and right is not None
        assert svg["x"] <= left["x"] and left["x"] + left["width"] < right["x"]
        assert right["x"] + right["width"] <= svg["x"] + svg["width"] + 1
