"""Single learners: the table of any length, and what is known of one; by keyboard, by link, and when they are gone."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.beside import beside
from tests.browser.canned import CannedCourse, Row, learners, serving

OpenPage = Callable[..., Page]


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def course_of(rows: dict[str, Row]) -> CannedCourse:
    others = beside((name, row.state) for name, row in rows.items())
    return CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others)


def focused_learner(page: Page) -> str | None:
    found = page.evaluate("document.activeElement.closest('tr')?.dataset.learner ?? null")
    return None if found is None else str(found)


def test_a_table_of_thousands_makes_the_rows_one_sees_and_every_column_sorts(open_page: OpenPage) -> None:
    rows = {name: row for name, row in learners(5_000).items() if row.state == "active" and row.leave is not None}
    course = course_of(rows)
    with serving(course, poll_ms=2_000) as site:
        page = open_page(site.url)
        table, lines = hook(page, "table"), page.locator("tr[data-learner]:visible")
        expect(table).to_have_attribute("aria-rowcount", str(len(rows) + 1))
        assert lines.count() < 30
        hook(page, "sort-certify").click()
        best = max(rows, key=lambda name: (rows[name].certify or 0, -list(rows).index(name)))
        expect(lines.first).to_contain_text("100 %" if rows[best].certify == 1000 else "9")
        expect(page.locator("th", has=hook(page, "sort-certify"))).to_have_attribute("aria-sort", "descending")
        hook(page, "sort-learner").click()
        expect(lines.first).to_have_attribute("data-learner", min(rows))
        assert course.beside is not None
        people = course.beside.people
        hook(page, "sort-leaveChange").click()
        most = max(people[name].week[2] or 0 for name in rows)
        first = lines.first.get_attribute("data-learner")
        assert first is not None and people[first].week[2] == most
        expect(lines.first).to_contain_text("more likely to leave than seven days ago")
        hook(page, "sort-lastActive").click()
        expect(lines.first).to_contain_text("today")
        hook(page, "sort-written").click()
        hook(page, "sort-written").click()
        expect(lines.first).to_contain_text("19 days ago")
        # By keyboard to the last of them, although it has not been made yet.
        hook(page, "sort-learner").click()
        lines.first.locator(".engage-open").focus()
        page.keyboard.press("ArrowDown")
        assert focused_learner(page) == sorted(rows)[1]
        page.keyboard.press("End")
        assert focused_learner(page) == max(rows)
        page.keyboard.press("PageUp")
        page.keyboard.press("Home")
        assert focused_learner(page) == min(rows)
        assert lines.count() < 30


def test_an_update_takes_the_keyboard_along_with_its_learner(open_page: OpenPage) -> None:
    rows = {f"l000000{i}": Row("active", 500, 500, 900 - 100 * i) for i in range(6)}
    course = course_of(rows)
    with serving(course) as site:
        page = open_page(site.url)
        page.locator("tr[data-learner=l0000002] .engage-open").focus()
        course.put({"l0000002": Row("active", 500, 500, 1)})
        expect(page.locator("tr[data-learner]:visible").last).to_have_attribute("data-learner", "l0000002")
        assert focused_learner(page) == "l0000002"


def test_a_pseudonym_is_copied(open_page: OpenPage) -> None:
    with serving(course_of({"l0000001": Row("active", 1, 2, 3)})) as site:
        page = open_page(site.url)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy l0000001").click()
        expect(page.get_by_text("l0000001 is copied.")).to_be_attached()
        assert page.evaluate("navigator.clipboard.readText()") == "l0000001"


def test_a_learner_who_is_deleted_vanishes_from_an_open_page_and_from_the_view_of_one(open_page: OpenPage) -> None:
    rows = {name: row for name, row in learners(60).items() if row.state == "active" and row.leave is not None}
    course = course_of(rows)
    assert course.beside is not None
    gone, *_, stays = sorted(rows)
    count = len(rows)
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text(str(count))
        hook(page, "sort-learner").click()
        page.locator(f"tr[data-learner='{gone}'] .engage-open").click()
        expect(hook(page, "learner-facts")).to_contain_text("last active")
        del course.beside.people[gone]
        course.remove([gone])
        expect(hook(page, "learner-says")).to_contain_text("No learner of this course run")
        expect(hook(page, "learner-facts")).to_be_empty()
        page.keyboard.press("Escape")
        expect(hook(page, "selected-count")).to_have_text(str(count - 1))
        expect(page.locator(f"tr[data-learner='{gone}']")).to_have_count(0)
        course.put({stays: Row("left", None, None, None)})  # and it goes on by changes alone
        expect(hook(page, "selected-count")).to_have_text(str(count - 2))
    statuses = [status for query, status in course.requests if status != 304]
    assert statuses.count(410) == 1


def test_one_learner_opens_by_keyboard_has_a_link_and_closes_with_escape(open_page: OpenPage) -> None:
    rows = {name: row for name, row in learners(60).items() if row.state == "active" and row.leave is not None}
    course = course_of(rows)
    with serving(course) as site:
        page = open_page(site.url)
        hook(page, "sort-learner").click()
        name = sorted(rows)[1]
        page.locator("tr[data-learner] .engage-open:visible").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(hook(page, "learner-title")).to_be_focused()
        expect(hook(page, "learner-title")).to_have_text(f"Learner {name}")
        assert page.url.endswith(f"#learner={name}")
        expect(hook(page, "learner-weeks").locator(".engage-line")).to_have_count(2)
        expect(hook(page, "learner-activity").locator(".engage-week")).to_have_count(10)
        expect(hook(page, "learner-tasks").locator("tbody tr")).to_have_count(4)
        expect(hook(page, "learner")).to_contain_text("Handed in 2 of 3 tasks that were due")
        expect(hook(page, "learner-facts")).to_contain_text(re.compile("last active (today|yesterday|[0-9]+ days ago)"))
        expect(hook(page, "chart-certify")).to_be_hidden()
        hook(page, "learner-pick").click()
        expect(hook(page, "learner-pick")).to_have_text("Add to the selection")
        page.keyboard.press("Escape")
        expect(hook(page, "learner")).to_be_hidden()
        expect(hook(page, "sum")).to_have_text(f"{len(rows)} − 1 =")
        assert focused_learner(page) == name
        assert "#learner" not in page.url
        page.go_back()
        expect(hook(page, "learner-title")).to_have_text(f"Learner {name}")
        # The link alone leads there, in another tab.
        other = open_page(f"{site.url}#learner={name}")
        expect(hook(other, "learner-title")).to_have_text(f"Learner {name}")
        expect(hook(other, "learner-certify")).to_be_visible()
        hook(other, "learner-back").click()
        expect(hook(other, "chart-certify")).to_be_visible()


def test_a_learner_who_left_or_cannot_be_loaded_is_said_to_be_so(open_page: OpenPage) -> None:
    course = course_of({"l0000001": Row("active", 1, 2, 3)})
    assert course.beside is not None
    with serving(course) as site:
        page = open_page(f"{site.url}#learner=zzzzzzzz")
        expect(hook(page, "learner-says")).to_contain_text("They may have left.")
        hook(page, "learner-back").click()
        course.beside.broken = {"learners"}
        page.get_by_role("button", name="Open l0000001").click()
        expect(hook(page, "learner-says")).to_contain_text("refused this (status 500)")
        course.beside.broken = set()
        hook(page, "learner-retry").click()
        expect(hook(page, "learner-certify")).to_be_visible()
        # Who loses the right to see learners does not keep this one on the screen.
        course.status = 403
        expect(hook(page, "learner")).to_be_hidden()
        expect(hook(page, "message")).to_contain_text("For the course team only")


def test_predictions_that_cannot_be_are_shown_as_missing(open_page: OpenPage) -> None:
    rows = {
        "l0000001": Row("active", 2000, -5, None),
        "l0000002": Row("active", 500, 500, 500),
    }
    with serving(course_of(rows)) as site:
        page = open_page(site.url)
        expect(page.locator("tr[data-learner=l0000001]")).to_contain_text("–")
        expect(hook(page, "without-certify")).to_have_text("1 learner without a prediction is not shown")
        hook(page, "from-certify").fill("0")
        expect(hook(page, "selected-count")).to_have_text("1")


def test_the_level_is_a_column_that_sorts_by_what_is_expected(open_page: OpenPage) -> None:
    rows = {
        f"l000000{i}": Row("active", 500, 500, 500, level, expected)
        for i, (level, expected) in enumerate([(0, 12), (3, 262), (4, 371), (3, 301), (None, None)])
    }
    course = course_of(rows)
    assert course.beside is not None
    course.beside.level = 3
    with serving(course) as site:
        page = open_page(site.url)
        head, lines = hook(page, "sort-expectedLevel"), page.locator("tr[data-learner]:visible")
        expect(head).to_have_text("Active days next week")
        head.click()
        shown = ["5–7 days", "3–4 days", "3–4 days", "no days", "–"]
        expect(page.locator("tr[data-learner]:visible .engage-col-level")).to_have_text(shown)
        expect(lines).to_have_count(5)
        assert [line.get_attribute("data-learner") for line in lines.all()][:3] == ["l0000002", "l0000003", "l0000001"]
        expect(page.locator("th", has=head)).to_have_attribute("aria-sort", "descending")
        page.get_by_role("button", name="Open l0000001").click()
        expect(hook(page, "learner-level")).to_have_text("3–4 days")
        expect(hook(page, "learner")).to_contain_text("Expected active days in the next seven")
        expect(hook(page, "learner")).to_contain_text("active on 9 of the last 14 days")


def test_without_a_level_there_is_no_column_and_no_figure_of_it(open_page: OpenPage) -> None:
    course = course_of({"l0000001": Row("active", 500, 500, 500), "l0000002": Row("active", 400, 500, 500)})
    with serving(course) as site:
        page = open_page(site.url)
        expect(page.locator("tr[data-learner]:visible")).to_have_count(2)
        expect(hook(page, "sort-expectedLevel")).to_be_hidden()
        expect(page.locator(".engage-col-level:visible")).to_have_count(0)
        course.put({"l0000002": Row("active", 400, 500, 500, 1, 90)})  # a model with the part came
        expect(hook(page, "sort-expectedLevel")).to_be_visible()
        course.put({"l0000002": Row("active", 400, 500, 500)})
        expect(hook(page, "sort-expectedLevel")).to_be_hidden()
        page.get_by_role("button", name="Open l0000001").click()
        expect(hook(page, "learner-certify")).to_be_visible()
        expect(hook(page, "learner-level")).to_have_count(0)
