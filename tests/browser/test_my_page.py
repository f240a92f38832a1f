"""The learner's page as a person meets it: narrow, without a script, and with axe-core looking. Served from a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from django.template import Context
from playwright.sync_api import Browser, Page

from engage_backend.api.my_page import _STYLE, ASKS, PAGE, POLICY, _page, templates
from engage_backend.governance.me import Me, Message
from engage_backend.platform.protocol import Role
from tests.browser.test_page_everyone import AXE, wrong

WEEK = {"video": 12, "problem": 7, "forum": 1, "other": 30}
NOW = datetime(2024, 3, 1, tzinfo=UTC)


def states() -> dict[str, Me]:
    """What a learner may find there."""
    from collections import Counter

    me = Me(
        "course-v1:TestX+T101+2024",
        "Testing for Beginners and Everybody Else",
        is_known=True,
        state="active",
        clicks=612,
        first=NOW,
        last=NOW,
        weeks={number: Counter(WEEK) for number in range(1, 13)},
        handed_in=3,
        messages=(Message("You are halfway there", NOW), Message("Donaudampfschifffahrtsgesellschaft" * 3, None)),
    )
    figures = {"certify": 812, "complete": 640, "leave": None, "level": 3}
    return {
        "usual": me,
        "figures": replace(me, shows_predictions=True, predictions=figures),
        "objects": replace(me, objects="here", since=NOW, weeks={}, clicks=0, state="left"),
        "undoable": replace(me, objects="here", since=NOW, undo_until=NOW, state="left"),
        "everywhere": replace(me, objects="everywhere", since=NOW, weeks={}, clicks=0, state="left"),
        "unknown": Me("course-v1:TestX+T101+2024", ""),
    }


class Server(BaseHTTPRequestHandler):
    """Answers /STATE with the page in that state, under the page's own policy."""

    pages: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        is_style = self.path.endswith(".css")
        body = _STYLE.read_bytes() if is_style else self.pages.get(self.path.strip("/"), b"")
        self.send_response(200)
        self.send_header("Content-Type", "text/css" if is_style else "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    for name, me in states().items():
        context = Context({**_page(me, Role.LEARNER), "csrf_token": "token"})
        Server.pages[name] = templates().get_template(PAGE).render(context).encode()
    for ask in ASKS:
        context = Context({**_page(states()["usual"], Role.LEARNER, ask), "csrf_token": "token"})
        Server.pages[ask] = templates().get_template(PAGE).render(context).encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("state", [*states(), *ASKS])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_without_a_script(browser: Browser, address: str, state: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/{state}")
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= width
    edges = [box["x"] + box["width"] for one in page.locator("section").all() if (box := one.bounding_box())]
    assert edges and max(edges) <= width
    context.close()


@pytest.mark.skipif(not AXE.is_file(), reason="run `npm ci` in static/ first")
@pytest.mark.parametrize("state", [*states(), *ASKS])
def test_axe_finds_nothing(browser: Browser, address: str, state: str) -> None:
    # The page's own policy lets no script in, axe's neither.
    context = browser.new_context(viewport={"width": 320, "height": 900}, bypass_csp=True)
    for scheme in ("light", "dark"):
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{address}/{state}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert wrong(page) == []
    context.close()


def test_its_own_policy_refuses_nothing_that_it_needs(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{address}/usual")
    assert page.evaluate("getComputedStyle(document.querySelector('.choice')).borderLeftStyle") == "solid"
