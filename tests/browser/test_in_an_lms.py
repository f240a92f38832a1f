"""The blocks where they are used: under the CSS of LMS and Studio, and where their files do not load."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.template import Context
from playwright.sync_api import FloatRect, Locator, Page, expect

from engage_backend.api.my_page import _STYLE, PART, _page, templates
from engage_backend.platform.protocol import Role
from tests.browser.canned import AROUND, LMS_STYLE, PUBLIC, CannedSite, answer_composer, serving
from tests.browser.screenshots import course_of, learners
from tests.browser.test_my_page import states
from tests.xblock.test_communicator import block_for as communicator
from tests.xblock.test_learner import block_for as learners_block

ROWS = learners(16)
ONE = max(ROWS, key=lambda name: ROWS[name].certify or 0)  # whom the range takes in
OpenPage = Callable[..., Page]
STUDIO_STYLE = LMS_STYLE.with_name("studio.css")
MODAL = (
    '<body class="view-container"><div class="modal-window modal-lg modal-editor"><div class="modal-content">'
    '<div class="xblock">{}</div></div></div></body>'
)
# Every computed property of every element below a root, and of what stands before and after it, as JSON.
LOOKS = """(root) => JSON.stringify([root, ...root.querySelectorAll("*")].map((node) => {
  const looks = [`${node.localName}.${node.getAttribute("class") ?? ""}`];
  if (node.matches(".engage-change")) node.dataset.way = "none"; // what was shown a week ago may be still on its way
  for (const part of [undefined, "::before", "::after"]) {
    const style = getComputedStyle(node, part);
    if (part && style.content === "none") looks.push({});
    else looks.push(Object.fromEntries([...style].map((name) => [name, style.getPropertyValue(name)])));
  }
  return looks;
}))"""


def differences(before: list[Any], after: list[Any]) -> list[str]:
    """Which element looks different in which property."""
    assert [name for name, *_ in before] == [name for name, *_ in after]
    return [
        f"{name}{part} {key}: {one.get(key)} -> {other.get(key)}"
        for (name, *ones), (_, *others) in zip(before, after, strict=True)
        for part, one, other in zip(("", "::before", "::after"), ones, others, strict=True)
        for key in {**one, **other}
        if one.get(key) != other.get(key)
    ]


@pytest.fixture(scope="module")
def site() -> Iterator[CannedSite]:
    with serving(course_of(ROWS), poll_ms=60_000) as site:
        yield site


def wide(place: Locator) -> FloatRect:
    """Where an element is."""
    box = place.bounding_box()
    assert box is not None
    return box


def looks_of(place: Locator) -> list[Any]:
    place.page.mouse.move(0, 0)  # nothing is pointed at
    found: list[Any] = json.loads(place.evaluate(LOOKS))
    return found


def opened(page: Page, address: str) -> list[Any]:
    """The page with its parts open, as it looks."""
    answer_composer(page)
    page.emulate_media(reduced_motion="reduce")  # no bar is on its way when it is looked at
    page.goto(address)
    page.get_by_test_id("from-certify").fill("30")
    page.get_by_test_id("filters").evaluate("details => { details.open = true; }")
    expect(page.get_by_test_id("why")).to_be_visible()
    expect(
        page.locator(".engage-change:is([data-way=up], [data-way=down])").first
    ).to_be_attached()  # what was shown a week ago has come
    looks = looks_of(page.locator(".engage-communicator"))
    page.get_by_test_id("write").click()
    expect(page.get_by_test_id("compose-title")).to_be_focused()
    looks += looks_of(page.locator(".engage-composer"))
    page.locator(".engage-open:visible").filter(has_text=ONE).click()
    expect(page.get_by_test_id("learner-certify")).to_be_visible()
    return looks + looks_of(page.locator(".engage-learner"))


@pytest.mark.parametrize("width", [400, 1280])
def test_the_communicator_looks_the_same_under_the_rules_of_an_lms(
    open_page: OpenPage, site: CannedSite, width: int
) -> None:
    plain, styled = (
        opened(open_page("about:blank", width=width), f"{site.url}?around={rules}") for rules in ("", "lms")
    )
    assert len(plain) > 300
    assert differences(plain, styled) == []


def test_the_learners_block_looks_the_same_under_the_rules_of_an_lms(open_page: OpenPage) -> None:
    block = learners_block({}).render("student_view").content
    context = Context({**_page(states()["figures"], Role.LEARNER), "csrf_token": "token"})
    part = templates().get_template(PART).render(context)
    markup = block.replace('<div class="engage-me"></div>', f'<div class="engage-me">{part}</div>')
    assert part in markup
    looks = []
    for rules in ("", LMS_STYLE.read_text(encoding="utf-8")):
        page = open_page("about:blank")
        page.set_content(
            f"<!doctype html><style>{rules}</style><style>{_STYLE.read_text()}</style>{AROUND.format(markup)}"
        )
        looks.append(looks_of(page.locator(".engage-mine")))
    assert len(looks[0]) > 100
    assert differences(*looks) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 768)])
def test_studios_settings_list_lays_the_form_out(open_page: OpenPage, width: int, height: int) -> None:
    form = communicator({"user_is_staff": True}).render("studio_view").content
    style = (PUBLIC / "communicator.css").read_text(encoding="utf-8")
    page = open_page("about:blank", width=width, height=height)
    page.set_content(
        f"<!doctype html><style>{STUDIO_STYLE.read_text()}</style><style>{style}</style>{MODAL.format(form)}"
    )
    page.locator(".engage-unloaded").evaluate("node => node.remove()")  # as the script does
    assert wide(page.get_by_label("Display name"))["width"] > 250
    assert wide(page.get_by_label("Expected pass rate (%)"))["width"] > 200
    for name in ("Earns a certificate", "Completes", "Leaves", "Automatic messages"):
        box, label = wide(page.get_by_label(name)), wide(page.get_by_text(name, exact=True).first)
        assert box["width"] < 25
        assert 0 <= label["x"] - (box["x"] + box["width"]) < 20
        assert abs(label["y"] + label["height"] / 2 - box["y"] - box["height"] / 2) < 8
    # The last field lies above the buttons, without scrolling.
    last, actions = wide(page.get_by_label("Expected pass rate (%)")), wide(page.locator(".xblock-actions"))
    assert last["y"] + last["height"] <= actions["y"]
    assert actions["y"] + actions["height"] <= height
