"""Choosing whom one means: groups, filters, single learners, the sum and the words above it; against canned answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.beside import DAY, MINUTE, Beside, Person, beside, block_of
from tests.browser.canned import CannedCourse, CannedSite, Row, learners, serving

OpenPage = Callable[..., Page]
HEARD = """
const place = document.querySelector("[data-testid=composer]");
place.addEventListener("engage:selection", ({ detail }) => { window.heard = detail; });
"""


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def ten() -> CannedCourse:
    """Ten active learners, a certificate 5, 15 ... 95 % likely, and one who is gone, with all that is beside."""
    rows = {f"l000000{i}": Row("active", 100 * i + 50, 500, 950 - 100 * i) for i in range(10)}
    people = {
        name: Person(
            mode=i % 2,
            cohort=i % 3,
            last_active=MINUTE - i * DAY - 5,
            written=MINUTE - 2 * DAY if i == 4 else None,
            week=(10 * i, None, -10 * i),
            handed_in=frozenset([block_of("TMA 3")] if i < 3 else []),
        )
        for i, name in enumerate(rows)
    }
    rows["g0000000"] = Row("gone", 10, 20, None)
    people["g0000000"] = Person(mode=0, cohort=0, last_active=MINUTE - 40 * DAY)
    group = {"version": 1, "states": ["active"], "ranges": {"certify": [0, 200]}, "cohorts": ["North"]}
    presets = [{"name": "Needs a hand", "criteria": group, "count": 1, "week_ago": 4, "description": "Of the North"}]
    return CannedCourse(
        rows=rows,
        versions=dict.fromkeys(rows, 1),
        beside=Beside(people, presets, names={"ada@example.org": "l0000005"}),
    )


@pytest.fixture
def course() -> CannedCourse:
    return ten()


@pytest.fixture
def site(course: CannedCourse) -> Iterator[CannedSite]:
    with serving(course) as site:
        yield site


def test_each_filter_changes_the_count_and_the_words_say_who_is_meant(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page(site.url)
    count, summary = hook(page, "selected-count"), hook(page, "summary")
    expect(summary).to_have_text("All active learners")
    for field, value, selected, words in (
        ("filter-cohort", "=North", "4", "cohort North"),
        ("filter-mode", "=audit", "5", "enrolment mode audit"),
        ("filter-task", block_of("TMA 3"), "7", "“TMA 3” not handed in"),
        ("filter-written", "true", "1", "a message in the last 7 days"),
    ):
        hook(page, field).select_option(value)
        expect(count).to_have_text(selected)
        expect(summary).to_contain_text(words)
        expect(hook(page, "filters-on")).to_have_text("1 filter is on")
        hook(page, "filters-clear").click()
        expect(count).to_have_text("10")
    hook(page, "filter-days-from").fill("7")
    expect(count).to_have_text("3")
    expect(summary).to_contain_text("7 days or more of silence")
    hook(page, "filter-days-to").fill("8")
    expect(count).to_have_text("2")
    hook(page, "filter-task").select_option(block_of("TMA 3"))
    expect(hook(page, "filter-task-note")).to_have_text("3 of 11 learners have handed it in.")
    hook(page, "filter-handed-in").select_option("true")
    expect(count).to_have_text("0")
    expect(hook(page, "table-empty")).to_be_visible()
    hook(page, "reset-all").click()
    expect(count).to_have_text("10")


def test_a_group_is_one_press_away_with_its_count_and_change_and_all_learners_too(
    site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    preset = hook(page, "preset")
    expect(preset).to_contain_text("Needs a hand")
    expect(preset).to_contain_text("−3 since last week")
    preset.click()
    expect(preset).to_have_attribute("aria-pressed", "true")
    expect(hook(page, "range-certify")).to_have_text("0–20 %")
    expect(hook(page, "selected-count")).to_have_text("1")
    expect(hook(page, "summary")).to_have_text("Active learners with a 0–20 % chance of a certificate and cohort North")
    hook(page, "from-certify").fill("10")
    expect(preset).to_have_attribute("aria-pressed", "false")
    hook(page, "all-learners").click()
    expect(hook(page, "selected-count")).to_have_text("11")
    expect(hook(page, "chip-gone")).to_have_attribute("aria-pressed", "true")
    expect(hook(page, "range-certify")).to_have_text("everyone")
    hook(page, "from-certify").fill("90")
    expect(hook(page, "selected-count")).to_have_text("1")
    expect(hook(page, "all-learners")).to_have_attribute("aria-pressed", "false")


def test_learners_picked_by_hand_stay_out_or_in_through_updates_and_the_composer_hears_who_is_meant(
    course: CannedCourse, site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    expect(hook(page, "selected-count")).to_have_text("10")
    page.evaluate(HEARD)
    hook(page, "from-certify").fill("60")
    row = page.locator("tr[data-learner=l0000007]")
    row.get_by_role("checkbox").uncheck()
    expect(hook(page, "sum")).to_have_text("4 − 1 =")
    hook(page, "find").fill("ADA@example.org")
    hook(page, "find").press("Enter")
    expect(hook(page, "found")).to_contain_text("l0000005")
    hook(page, "found-pick").click()
    expect(hook(page, "sum")).to_have_text("4 − 1 + 1 =")
    expect(hook(page, "selected-count")).to_have_text("4")
    expect(hook(page, "share")).to_have_text("40 %")
    assert course.beside is not None
    assert course.beside.looked_up == ["l0000005"]
    assert "ada" not in page.content().lower(), "a name stays no longer than it has to"
    # Through live updates: one more matches, and the one taken out changes.
    course.put({"l0000001": Row("active", 900, 500, 5), "l0000007": Row("active", 990, 500, 5)})
    expect(hook(page, "sum")).to_have_text("5 − 1 + 1 =")
    expect(row.get_by_role("checkbox")).not_to_be_checked()
    page.wait_for_function("() => window.heard.count === 5")
    heard = page.evaluate("() => window.heard")
    assert sorted(heard["pseudonyms"]) == ["l0000001", "l0000005", "l0000006", "l0000008", "l0000009"]
    assert heard["criteria"] == {
        "version": 1,
        "states": ["active"],
        "ranges": {"certify": [600, 1000]},
        "include": ["l0000005"],
        "exclude": ["l0000007"],
    }
    assert heard["courseUrl"].startswith("/engage/api/v1/courses/course-v1:OUx+BBB+2013B/")


def test_a_group_is_saved_loaded_refused_and_deleted_with_the_keyboard_alone(
    course: CannedCourse, site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    hook(page, "filter-cohort").select_option("=South")
    hook(page, "save-group").press("Enter")
    expect(hook(page, "save-name")).to_be_focused()
    page.keyboard.type("The South")
    page.keyboard.press("Enter")
    expect(hook(page, "save-news")).to_have_text("Saved as “The South”.")
    expect(hook(page, "save-group")).to_be_focused()
    expect(hook(page, "segment")).to_contain_text("The South")
    assert course.beside is not None
    assert json.dumps(course.beside.segments[0]["criteria"]["cohorts"]) == '["South"]'
    hook(page, "save-group").press("Enter")
    page.keyboard.type("The South")
    page.keyboard.press("Enter")
    expect(hook(page, "selection").get_by_role("alert")).to_have_text("There is a group of this name already.")
    page.keyboard.press("Escape")
    hook(page, "reset-all").press("Enter")
    expect(hook(page, "selected-count")).to_have_text("10")
    hook(page, "segment").press("Enter")
    expect(hook(page, "selected-count")).to_have_text("3")
    hook(page, "segment-delete").press("Enter")
    expect(hook(page, "segment-delete-sure")).to_be_focused()
    page.keyboard.press("Escape")
    expect(hook(page, "segment-delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(hook(page, "segment")).to_have_count(0)
    expect(hook(page, "groups-news")).to_have_text("“The South” is deleted.")
    assert course.beside.segments == []


def test_the_handles_and_fields_of_a_chart_are_reached_in_order_and_moved_by_keys(
    site: CannedSite, open_page: OpenPage
) -> None:
    page = open_page(site.url)
    handle = hook(page, "handle-from-certify")
    expect(handle).to_have_attribute("aria-valuetext", "0 %")
    handle.focus()
    for _ in range(6):
        page.keyboard.press("PageUp")
    page.keyboard.press("ArrowLeft")
    expect(hook(page, "range-certify")).to_have_text("59–100 %")
    expect(hook(page, "selected-count")).to_have_text("4")
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.dataset.testid"))
    assert order == ["handle-to-certify", "from-certify", "to-certify", "reset-certify"]
    page.keyboard.press("Enter")
    expect(hook(page, "range-certify")).to_have_text("everyone")


def test_what_the_selected_share_is_said_beside_how_usual_it_is(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page(site.url)
    hook(page, "from-certify").fill("50")
    why = hook(page, "why")
    expect(why).to_contain_text("100 % have been silent for 3 days or more")
    expect(why).to_contain_text("70 % of all shown")
    expect(why).to_contain_text("100 % have not handed in “TMA 3”")


def test_what_cannot_be_loaded_is_said_and_tried_again_and_the_charts_stand_without_it(
    course: CannedCourse, site: CannedSite, open_page: OpenPage
) -> None:
    assert course.beside is not None
    course.beside.broken = {"facets", "presets"}
    page = open_page(site.url)
    expect(hook(page, "trouble")).to_contain_text("could not be loaded")
    expect(hook(page, "selected-count")).to_have_text("10")
    course.beside.broken = set()
    hook(page, "trouble-retry").click()
    expect(hook(page, "trouble")).to_be_hidden()
    expect(hook(page, "preset")).to_be_visible()


def test_two_tabs_each_follow_the_course_and_share_the_saved_groups(
    course: CannedCourse, site: CannedSite, open_page: OpenPage
) -> None:
    first, second = open_page(site.url), open_page(site.url)
    hook(first, "from-certify").fill("90")
    expect(hook(first, "selected-count")).to_have_text("1")
    expect(hook(second, "selected-count")).to_have_text("10")
    course.put({"l0000000": Row("left", None, None, None)})
    expect(hook(first, "total-count")).to_have_text("of 9 learners")
    expect(hook(second, "selected-count")).to_have_text("9")


def test_a_clock_that_is_wrong_by_an_hour_changes_nothing_that_is_said(site: CannedSite, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    page.clock.install(time="2035-01-01T01:00:00Z")
    page.goto(site.url)
    expect(hook(page, "pill")).to_contain_text("Live · as of Apr 11, 2013, 09:00 UTC")
    expect(page.locator("tr[data-learner=l0000004]")).to_contain_text("4 days ago")


def test_a_group_that_selects_nobody_says_how_far_the_figures_go_and_what_to_do(
    course: CannedCourse, site: CannedSite, open_page: OpenPage
) -> None:
    highest = max(row.certify or 0 for row in course.rows.values() if row.state == "active")
    assert highest < 990
    page = open_page(site.url)
    expect(hook(page, "nobody")).to_be_hidden()
    hook(page, "from-certify").fill("99")
    expect(hook(page, "selected-count")).to_have_text("0")
    expect(hook(page, "nobody")).to_have_text(
        f"Nobody matches now: “Earns a certificate” is {round(highest / 10)} % at most."
        " Widen that range, or choose another group."
    )
    hook(page, "reset-all").click()
    expect(hook(page, "nobody")).to_be_hidden()
    hook(page, "filters").evaluate("details => { details.open = true; }")
    hook(page, "filter-days-from").fill("3000")
    expect(hook(page, "nobody")).to_contain_text("Widen a range, take a filter away, or choose another group.")


def test_looking_back_adds_up_the_tenths_of_the_range_that_is_brushed(open_page: OpenPage) -> None:
    rows = learners(100)
    others = beside((name, row.state) for name, row in rows.items())
    with serving(CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), beside=others)) as site:
        page = open_page(site.url)
        said = hook(page, "hindsight-certify")
        about = "Of the {} learners to whom we gave a {} % chance of a certificate at week 4, {} % earned one."
        expect(said).to_have_text(about.format(100, "70–100", 78))
        hook(page, "to-certify").fill("30")
        expect(said).to_have_text(about.format(180, "0–30", 12))
        hook(page, "from-certify").fill("25")  # the whole tenths that it touches
        hook(page, "to-certify").fill("52")
        expect(said).to_have_text(about.format(180, "20–60", 36))
        hook(page, "reset-certify").click()
        expect(said).to_have_text(about.format(100, "70–100", 78))
        expect(hook(page, "hindsight-leave")).to_have_text(
            re.compile(r"^Of the \d+ learners most likely to leave at week \d+, 79 % left\.$")
        )
        expect(hook(page, "hindsight")).to_contain_text("rank 1–")
