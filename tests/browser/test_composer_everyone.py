"""Writing for everyone and in bad weather: keyboard alone, narrow, enlarged, mirrored; offline, and a server that fails."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from engage_backend.messaging.cautions import warnings
from engage_backend.messaging.wording import Wording
from tests.browser.canned import PUBLIC
from tests.browser.composing import HIGH, OpenPage, course_page, hook, minute_later, outbox, write
from tests.browser.test_page_everyone import AXE, wrong
from tests.demo.conftest import Site

FOCUSED = "document.activeElement?.dataset.testid ?? ''"
# What the test writes, and the page quotes; and who writes.
WRITTEN = {"Due", "soon", "At", "risk", "You", "will", "probably", "fail", "Ines", "Structor"}
# What the server says in the reader's language, which on this site is English: tests/messaging/test_languages.py.
SAID_BY_SERVER = {
    "opted out",
    "Fill in the gap at “Due soon:” before you send.",
    *(one.reason for one in warnings(Wording(subject="At risk", body="You will probably fail."))),
}
MOST_KEYS = 90  # presses of Tab from the first thing on the page to the last one that a test looks for
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT_OFF = """() => [...document.querySelectorAll(".engage-composer :is(button, input, select, textarea, p, dd)")]
  .filter((node) => node.checkVisibility() && !node.closest(".engage-unseen"))
  .filter((node) => { const { left, right } = node.getBoundingClientRect(); return left < 0 || right > innerWidth; })
  .map((node) => node.outerHTML.slice(0, 120))"""
SAID = """() => {
  const walk = document.createTreeWalker(document.querySelector(".engage-composer"), NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) {
    const { parentElement: around } = walk.currentNode;
    if (around.checkVisibility() && !around.closest("select, code, .engage-letter")) texts.push(walk.currentNode.textContent);
  }
  return texts.join(" ");
}"""


def press_until(page: Page, name: str, *, key: str = "Tab") -> None:
    """Press a key until the focus is on the element of that name."""
    for _ in range(MOST_KEYS):
        if page.evaluate(FOCUSED) == name:
            return
        page.keyboard.press(key)
    pytest.fail(f"{name} is not reached with {key}; the focus is on {page.evaluate(FOCUSED)!r}")


def press(page: Page, name: str, *, lands: str, key: str = "Tab") -> None:
    """Go to a button with a key, press it, and see where the focus is then."""
    press_until(page, name, key=key)
    page.keyboard.press("Enter")
    expect(hook(page, lands)).to_be_focused()


def test_with_the_keyboard_alone_one_brushes_writes_confirms_takes_back_and_sends(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = open_page(f"{writing_site.address}/course/")
    expect(page.locator(".engage-communicator[data-engage-page=charts]")).to_be_visible()
    expect(hook(page, "write")).to_be_visible()
    held = outbox(page, writing_site)
    press_until(page, "handle-from-certify")
    for _ in range(8):
        page.keyboard.press("PageUp")
    expect(hook(page, "selected-count")).to_have_text(str(HIGH))
    expect(hook(page, "write")).to_have_text(f"Write to these {HIGH} learners")
    press(page, "write", key="Shift+Tab", lands="compose-title")
    press_until(page, "compose-subject")
    page.keyboard.type("Only keys")
    press_until(page, "compose-body")
    page.keyboard.type("Hello ")
    press_until(page, "insert-firstname")
    page.keyboard.press("Enter")
    expect(hook(page, "compose-body")).to_be_focused()
    expect(hook(page, "compose-body")).to_have_value("Hello [:firstname:]")
    press_until(page, "preview-open")
    page.keyboard.press("Enter")
    expect(hook(page, "preview-body")).to_have_text("Hello Z···")
    press(page, "review", key="Shift+Tab", lands="confirm-title")
    press(page, "send", lands="message-title")
    press(page, "undo", lands="compose-title")
    expect(hook(page, "composer-news")).to_have_text("Taken back. Nothing was sent.")
    press(page, "review", lands="confirm-title")
    press(page, "send", lands="message-title")
    minute_later(writing_site)
    expect(hook(page, "standing")).to_have_text(f"Finished: {HIGH - 1} sent.")
    assert outbox(page, writing_site) == held + HIGH - 1


@pytest.mark.skipif(not AXE.is_file(), reason="run `npm ci` in static/ first")
@pytest.mark.parametrize(
    ("width", "height", "mirrored"), [(1280, 900, False), (320, 640, True)], ids=["wide", "320 px, or 1280 at 400 %"]
)
def test_form_preview_confirmation_and_standing_fit_are_translated_and_axe_finds_nothing(
    writing_site: Site, open_page: OpenPage, width: int, height: int, mirrored: bool
) -> None:
    page = open_page("about:blank", width=width, height=height)
    if mirrored:
        page.add_init_script(path=PUBLIC / "js" / "translations" / "rtl" / "text.js")
        page.add_init_script("addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; })")
    page.goto(f"{writing_site.address}/course/")
    expect(page.locator(".engage-communicator[data-engage-page=charts]")).to_be_visible()
    hook(page, "from-certify").fill("80")
    expect(hook(page, "selected-count")).to_have_text(str(HIGH))

    def fits() -> None:
        assert page.evaluate(SIDEWAYS) <= 0
        assert page.evaluate(CUT_OFF) == []
        assert wrong(page) == []
        if mirrored:
            said = re.sub(r"\b[a-z2-7]{8}\b|UTC|https?\S*|\S+@\S+", " ", page.evaluate(SAID))
            for text in SAID_BY_SERVER:
                said = said.replace(text, " ")
            assert set(re.findall("[A-Za-z]{2,}", said)) <= WRITTEN

    write(page, "At risk", "You will probably fail.")
    hook(page, "preview-open").click()
    expect(hook(page, "preview-body")).to_have_text("You will probably fail.")
    expect(hook(page, "warnings")).to_be_visible()
    hook(page, "compose-subject").fill("Due soon:")
    hook(page, "review").click()
    expect(hook(page, "problem-subject")).not_to_be_empty()
    fits()
    hook(page, "compose-subject").fill("At risk")
    hook(page, "review").click()
    expect(hook(page, "confirm-title")).to_be_focused()
    hook(page, "when-later").check()
    fits()
    hook(page, "send").click()
    expect(hook(page, "undo")).to_be_visible()
    fits()
    hook(page, "undo").click()
    expect(hook(page, "compose-title")).to_be_focused()
    hook(page, "delete-draft").click()
    hook(page, "delete-draft").click()
    expect(hook(page, "composer-news")).not_to_be_empty()


def test_at_200_per_cent_nothing_of_the_form_is_cut_off(writing_site: Site, open_page: OpenPage) -> None:
    page = course_page(writing_site, open_page, width=640, height=450)  # 1280 x 900 px, enlarged to 200 %
    hook(page, "write").click()
    expect(hook(page, "compose-title")).to_be_focused()
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CUT_OFF) == []


def test_what_one_writes_offline_or_while_the_server_fails_stays_and_is_kept_when_it_answers(
    writing_site: Site, open_page: OpenPage
) -> None:
    page = course_page(writing_site, open_page)
    write(page, "In bad weather", "One")
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")
    page.context.set_offline(True)
    hook(page, "compose-body").fill("One, two")
    expect(hook(page, "composer-problem")).to_contain_text("did not answer")
    expect(hook(page, "compose-status")).to_have_text("Not saved yet.")
    hook(page, "review").click()
    expect(hook(page, "composer-problem")).to_contain_text("did not answer")
    expect(hook(page, "compose-body")).to_have_value("One, two")
    page.context.set_offline(False)
    # Nobody has to press anything: the draft is kept as soon as there is a server again.
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")
    expect(hook(page, "composer-problem")).to_be_empty()

    def fail(route: Route) -> None:
        route.fulfill(status=500, content_type="application/json", body='{"title": "Internal Server Error"}')

    page.route("**/communications/*", fail)
    hook(page, "compose-body").fill("One, two, three")
    hook(page, "save").click()
    expect(hook(page, "composer-problem")).to_have_text("The server refused this (status 500).")
    expect(hook(page, "compose-body")).to_have_value("One, two, three")
    page.unroute("**/communications/*")
    hook(page, "save").click()
    expect(hook(page, "compose-status")).to_have_text("Saved as a draft.")
    page.reload()
    expect(hook(page, "past")).to_be_visible()
    option = hook(page, "past").locator("option").filter(has_text="In bad weather")
    hook(page, "past").select_option(value=option.get_attribute("value"))
    hook(page, "past-open").click()
    expect(hook(page, "compose-body")).to_have_value("One, two, three")
