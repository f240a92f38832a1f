"""The Communicator's page in headless Chromium, against a server that speaks the REST contract: by what a person sees."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.canned import CannedCourse, Row, learners, serving
from tests.browser.conftest import brush, brush_box, brush_place, heights

OpenPage = Callable[..., Page]


def course_of(rows: dict[str, Row], **more: object) -> CannedCourse:
    """A course whose learners have been there from its first version on."""
    return CannedCourse(rows=rows, versions=dict.fromkeys(rows, 1), **more)  # type: ignore[arg-type]


def ladder() -> dict[str, Row]:
    """A hundred active learners whose chance of a certificate is 0.5 %, 1.5 % ... 99.5 %; and five others."""
    rows = {f"l{i:07d}": Row("active", 10 * i + 5, 500, 999 - 10 * i) for i in range(100)}
    rows |= {f"n{i:07d}": Row("never_started", None, None, None) for i in range(3)}
    return rows | {f"g{i:07d}": Row("gone", 10, 20, None) for i in range(2)}


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def swipe(page: Page, start: tuple[float, float], way: tuple[float, float]) -> None:
    """One finger, put down, moved in ten steps and lifted, as the browser gets it from the screen."""
    send = page.context.new_cdp_session(page).send
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start[0], "y": start[1]}]})
    for step in range(1, 11):
        point = {"x": start[0] + way[0] * step / 10, "y": start[1] + way[1] * step / 10}
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_brush_selects_in_all_three_charts_and_says_n_of_m(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text("100")
        expect(hook(page, "total-count")).to_have_text("of 100 learners")
        expect(hook(page, "enrolled")).to_have_text("105 enrolled")
        brush(page, "certify", 60, 80)
        expect(hook(page, "selected-count")).to_have_text("20")
        expect(hook(page, "share")).to_have_text("20 %")
        expect(hook(page, "range-certify")).to_have_text("60–80 %")
        expect(hook(page, "from-certify")).to_have_value("60")
        assert heights(page, "certify") == [0] * 12 + [5] * 4 + [0] * 4
        assert heights(page, "certify", "all") == [5] * 20
        assert sum(heights(page, "leave")[4:8]) == 20, "leave is the mirror image: 20 to 40 %"
        assert sum(heights(page, "leave")) == 20
        brush(page, "leave", 20, 30)
        expect(hook(page, "selected-count")).to_have_text("10")
        hook(page, "reset-all").click()
        expect(hook(page, "selected-count")).to_have_text("100")


def test_an_update_moves_bars_and_count_and_leaves_brush_and_page_alone(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        page.evaluate("window.stillTheSamePage = true")
        brush(page, "certify", 60, 80)
        expect(hook(page, "selected-count")).to_have_text("20")
        place = brush_place(page, "certify")
        course.put(
            {
                "l0000000": Row("active", 705, 500, 5),
                "l0000065": Row("active", 5, 500, 5),
                "l0000066": Row("left", None, None, None),
            }
        )
        expect(hook(page, "selected-count")).to_have_text("19")
        expect(hook(page, "total-count")).to_have_text("of 99 learners")
        assert heights(page, "certify")[12:16] == [5, 3, 6, 5]
        assert brush_place(page, "certify") == place
        expect(hook(page, "to-certify")).to_have_value("80")
        assert page.evaluate("window.stillTheSamePage") is True


def test_an_update_in_the_middle_of_a_drag_does_not_break_it(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text("100")
        box = brush_box(page, "certify")
        page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50, steps=3)
        expect(hook(page, "selected-count")).to_have_text("30")
        course.put({"l0000000": Row("active", 405, 500, 5)})
        expect(hook(page, "selected-count")).to_have_text("31")
        page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50, steps=3)
        page.mouse.up()
        expect(hook(page, "selected-count")).to_have_text("20")
        expect(hook(page, "range-certify")).to_have_text("20–40 %")


def test_a_finger_that_scrolls_over_a_chart_scrolls_and_leaves_the_range_alone(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url, width=400, has_touch=True)
        hook(page, "from-certify").fill("60")
        hook(page, "to-certify").fill("80")
        expect(hook(page, "selected-count")).to_have_text("20")
        place = brush_place(page, "certify")
        box = brush_box(page, "certify")
        scrolled = page.evaluate("window.scrollY")
        swipe(page, (box["x"] + box["width"] / 4, box["y"] + box["height"] / 2), (0, -100))
        page.wait_for_function("before => window.scrollY > before + 50", arg=scrolled)
        expect(hook(page, "range-certify")).to_have_text("60–80 %")
        assert brush_place(page, "certify") == place


def test_a_finger_that_moves_sideways_brushes(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url, width=400, has_touch=True)
        expect(hook(page, "selected-count")).to_have_text("100")
        box = brush_box(page, "certify")
        scrolled = page.evaluate("window.scrollY")
        swipe(page, (box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2), (box["width"] * 0.5, 3))
        expect(hook(page, "selected-count")).to_have_text(re.compile("^(4[5-9]|5[01])$"))
        assert page.evaluate("window.scrollY") == scrolled


def test_the_number_fields_do_what_the_brush_does(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        hook(page, "from-certify").fill("90")
        expect(hook(page, "selected-count")).to_have_text("10")
        expect(hook(page, "brush-certify").locator(".selection")).to_be_visible()
        hook(page, "to-certify").fill("95")
        expect(hook(page, "selected-count")).to_have_text("5")
        hook(page, "to-certify").fill("20")
        expect(hook(page, "chart-certify").get_by_role("alert")).to_contain_text("first number")
        expect(hook(page, "selected-count")).to_have_text("5")
        hook(page, "reset-certify").click()
        expect(hook(page, "selected-count")).to_have_text("100")
        expect(hook(page, "from-certify")).to_have_value("")


def test_the_chips_choose_of_whom_the_charts_speak(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        expect(hook(page, "count-never_started")).to_have_text("3")
        hook(page, "chip-never_started").click()
        expect(hook(page, "total-count")).to_have_text("of 103 learners")
        expect(hook(page, "without-certify")).to_have_text("3 learners without a prediction are not shown")
        hook(page, "chip-active").click()
        hook(page, "chip-gone").click()
        expect(hook(page, "total-count")).to_have_text("of 5 learners")
        expect(hook(page, "chip-gone")).to_have_attribute("aria-pressed", "true")


def test_the_table_shows_the_selected_and_lights_up_who_changed(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        lines = hook(page, "table").locator("tbody tr[data-learner]:visible")
        expect(hook(page, "table")).to_have_attribute("aria-rowcount", "101")
        expect(lines.first).to_contain_text("l0000000")
        hook(page, "sort-certify").click()
        expect(lines.first).to_contain_text("l0000099")
        hook(page, "from-certify").fill("98")
        expect(lines).to_have_count(2)
        course.put({"l0000098": Row("active", 999, 500, 5)})
        expect(lines.first).to_have_attribute("data-learner", "l0000098")
        expect(lines.first).to_have_class(re.compile("engage-flash"))
        expect(lines.first).to_contain_text("100 %")
        assert "engage-flash" not in (lines.nth(1).get_attribute("class") or "")


@pytest.mark.parametrize(
    ("course", "message"),
    [
        (course_of({}), "No learners yet"),
        (course_of(ladder(), model=None), "No model"),
        (
            course_of({"a": Row("never_started", None, None, None)}, as_of=None),
            "Predictions start with the first click",
        ),
        (course_of(ladder(), status=403), "For the course team only"),
        (course_of(ladder(), status=401), "You are signed out"),
        (course_of(ladder(), status=404), "This course is not known to Engage"),
        (course_of(ladder(), status=500), "The server does not answer"),
        (course_of(ladder(), garbled=True), "The answer could not be read"),
    ],
    ids=["no learners", "no model", "no events", "403", "401", "404", "500", "cut in half"],
)
def test_where_there_is_nothing_to_draw_the_page_says_why_and_draws_no_bar(
    open_page: OpenPage, course: CannedCourse, message: str
) -> None:
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "message")).to_contain_text(message)
        expect(page.locator(".engage-svg")).to_have_count(3)
        expect(page.locator(".engage-svg:visible")).to_have_count(0)


def test_a_model_that_goes_and_comes_back_leaves_the_brush_where_it_was(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        brush(page, "certify", 60, 80)
        place = brush_place(page, "certify")
        model, course.model = course.model, None
        course.put({})
        expect(hook(page, "message")).to_contain_text("No model")
        expect(hook(page, "chart-certify")).to_be_hidden()
        course.model = model
        course.put({})
        expect(hook(page, "selected-count")).to_have_text("20")
        assert brush_place(page, "certify") == place


def test_a_server_that_goes_turns_the_pill_red_keeps_the_figures_and_recovers(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        brush(page, "certify", 60, 80)
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        site.stop()
        expect(hook(page, "pill")).to_have_text("No new data")
        expect(hook(page, "pill")).to_have_attribute("data-tone", "bad")
        expect(hook(page, "advice")).to_contain_text("goes on trying")
        expect(hook(page, "selected-count")).to_have_text("20")
        hook(
            page, "advice-retry"
        ).click()  # while the server is away: once it is back the page may be faster than a click
        expect(hook(page, "pill")).to_have_attribute("data-tone", "bad")
        site.start()
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        expect(hook(page, "advice")).to_be_hidden()


def test_an_offline_computer_says_so_and_goes_on_by_itself(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url)
        expect(hook(page, "pill")).to_have_attribute("data-tone", "ok")
        page.context.set_offline(True)
        expect(hook(page, "pill")).to_have_text("Offline")
        page.context.set_offline(False)
        expect(hook(page, "pill")).to_contain_text("Live")


@pytest.mark.parametrize(
    ("silent", "tone", "words"),
    [
        (1.0, "ok", "Apr 11, 2013, 09:00 UTC"),
        (15.0, "warn", "Behind by 15 seconds"),
        (900.0, "bad", "No new data"),
        (None, "bad", "No new data"),
    ],
)
def test_the_pill_tells_a_consumer_that_is_late_from_one_that_is_down(
    open_page: OpenPage, silent: float | None, tone: str, words: str
) -> None:
    with serving(course_of(ladder(), silent_seconds=silent)) as site:
        page = open_page(site.url)
        expect(hook(page, "pill")).to_have_attribute("data-tone", tone)
        expect(hook(page, "pill")).to_contain_text(words)
        expect(hook(page, "selected-count")).to_have_text("100")


def test_figures_not_checked_on_this_course_say_so_and_checked_ones_do_not(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "not-calibrated")).to_contain_text("have not been checked on this course")
        course.calibrated = True
        course.put({})
        expect(hook(page, "not-calibrated")).to_be_hidden()


def test_figures_shifted_to_what_an_author_expects_say_to_what(open_page: OpenPage) -> None:
    course = course_of(ladder())
    course.expected_pass_rate = 0.4
    with serving(course) as site:
        notice = hook(open_page(site.url), "not-calibrated")
        expect(notice).to_contain_text("shifted to an expected pass rate of 40 %")
        expect(notice).to_contain_text("not been checked on this course")
        course.expected_pass_rate = None
        course.put({})
        expect(notice).to_contain_text("Read these figures as a ranking")


def test_a_course_restored_from_a_copy_is_taken_anew(open_page: OpenPage) -> None:
    course = course_of(ladder())
    course.put({})
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text("100")
        course.restore({f"l{i:07d}": Row("active", 10, 10, 10) for i in range(7)})
        expect(hook(page, "selected-count")).to_have_text("7")


def test_a_member_of_the_team_who_loses_access_loses_the_learners_too(open_page: OpenPage) -> None:
    course = course_of(ladder())
    with serving(course) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text("100")
        course.status = 403
        expect(hook(page, "message")).to_contain_text("For the course team only")
        expect(hook(page, "count-active")).to_have_text("0")


def test_two_communicators_on_one_page_do_not_know_each_other(open_page: OpenPage) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(f"{site.url}?twice")
        first, second = hook(page, "selected-count").all()
        expect(first).to_have_text("100")
        expect(second).to_have_text("100")
        hook(page, "from-certify").first.fill("90")
        expect(first).to_have_text("10")
        expect(second).to_have_text("100")
        ids = page.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
        assert len(ids) == len(set(ids))


def test_a_hundred_thousand_learners_are_brushed_without_a_node_each(open_page: OpenPage) -> None:
    rows = learners(100_000)
    active = sum(row.state == "active" for row in rows.values())
    inside = sum(
        row.state == "active" and row.certify is not None and 600 <= row.certify <= 800 for row in rows.values()
    )
    with serving(course_of(rows), poll_ms=2000) as site:
        page = open_page(site.url)
        expect(hook(page, "selected-count")).to_have_text(f"{active:,}")
        brush(page, "certify", 60, 80)
        expect(hook(page, "selected-count")).to_have_text(f"{inside:,}")
        assert page.locator(".engage-communicator *").count() < 2500


@pytest.mark.parametrize(("width", "lines"), [(1280, 1), (400, 3)])
def test_charts_stand_side_by_side_on_a_laptop_and_stacked_on_a_phone(
    open_page: OpenPage, width: int, lines: int
) -> None:
    with serving(course_of(ladder())) as site:
        page = open_page(site.url, width=width)
        expect(hook(page, "selected-count")).to_have_text("100")
        tops = page.locator(".engage-chart").evaluate_all(
            "charts => charts.map(chart => chart.getBoundingClientRect().top)"
        )
        assert len(set(tops)) == lines
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("understood", "said"),
    [(0.97, "The model understands 97% of what learners do here."), (0.9999, "99%"), (1.0, "100%"), (0.0, "0%")],
)
def test_the_page_says_how_much_of_the_clicks_the_model_understands(
    open_page: OpenPage, understood: float, said: str
) -> None:
    with serving(course_of(learners(3), understood=understood)) as site:
        expect(open_page(site.url).get_by_test_id("understood")).to_contain_text(said)


def test_where_that_is_not_known_the_page_says_nothing_of_it(open_page: OpenPage) -> None:
    with serving(course_of(learners(3))) as site:
        page = open_page(site.url)
        expect(page.get_by_test_id("not-calibrated")).to_be_visible()
        expect(page.get_by_test_id("understood")).to_be_hidden()


@pytest.mark.parametrize(("drift", "is_told"), [("red", True), ("amber", False), ("green", False), (None, False)])
def test_figures_in_doubt_are_told_only_where_they_are(open_page: OpenPage, drift: str | None, is_told: bool) -> None:
    with serving(course_of(learners(3), drift=drift)) as site:
        page = open_page(site.url)
        expect(page.get_by_test_id("pill")).to_be_visible()
        line = page.get_by_test_id("in-doubt")
        if is_told:
            expect(line).to_contain_text("figures are in doubt")
        else:
            expect(line).to_be_hidden()
