"""The main job end to end: `engage demo`, its real processes, and a person with a browser in front of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from engage_backend.engagement.folder import CARD, WEIGHTS, load_model, save_model
from engage_backend.engagement.model import PARTS
from tests.services import PATIENCE, until

ROOT = Path(__file__).parents[2]
COURSE = "course-v1:OUx+BBB+2013B"
PRELUDE = """
import django, json, threading
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from engage_backend.demo.clock import set_clock
from engage_backend.models import Checkpoint, CourseRun, Learner
from engage_backend.platform.api import get_platform
"""
QUIET = """
def state():
    mark = Checkpoint.objects.get()
    return mark.position["offset"], settings.TRACKING_LOG.stat().st_size, CourseRun.objects.get().version
last, same = None, 0
while same < 8 or last[0] != last[1]:
    now = state()
    same, last = (same + 1 if now == last else 0), now
    threading.Event().wait(0.1)
"""
# Fifty learners who are gone or never came: a click makes each of them active.
AWAY_LEARNERS = """
learners = Learner.objects.filter(state__in=["gone", "never_started"]).order_by("pk").values_list("user_id", flat=True)
you = User.objects.get(username="you").pk
now = get_platform().now().isoformat()
names = dict(User.objects.values_list("pk", "username"))
print(json.dumps([{"user_id": pk, "username": names[pk], "now": now} for pk in learners if pk != you][:50]))
"""


@dataclass
class Demo:
    """A running demo."""

    address: str
    home: Path
    process: subprocess.Popen[str]

    @property
    def tracking_log(self) -> Path:
        """The log that everything goes through."""
        return self.home / "tracking.log"

    def python(self, code: str) -> str:
        """Run some Python on the site, in a process of its own; what it printed."""
        environment = {**os.environ, "ENGAGE_HOME": str(self.home), "PYTHONPATH": str(ROOT)}
        environment["DJANGO_SETTINGS_MODULE"] = "engage_backend.demo.settings"
        command = [sys.executable, "-c", PRELUDE + code]
        return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def lines_replayed(self) -> int:
        """How many lines of the package are in the log."""
        return int(json.loads((self.home / "replay.json").read_bytes())["lines"])

    def wait_until_quiet(self) -> None:
        """Wait until the consumer has read the log to its end, and no prediction changes any more."""
        self.python(QUIET)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`engage demo` in a home of its own, on a free port."""
    home = tmp_path_factory.mktemp("demo") / "home"
    process = subprocess.Popen(
        [sys.executable, "-m", "engage_backend.cli", "demo", "--home", str(home), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    giving_up = threading.Timer(PATIENCE, process.terminate)
    giving_up.start()
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
            break
    else:
        pytest.fail("".join(said))
    giving_up.cancel()
    try:
        yield Demo(address[0], home, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def page(demo: Demo, open_page: Callable[..., Page]) -> Page:
    """The course page, as course staff, with the predictions drawn."""
    page = open_page(demo.address)
    expect(page.locator(".engage-communicator svg").first).to_be_visible()
    return page


def hook(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def count(page: Page, name: str) -> int:
    """The first number of a text, once it is there: "of 294 learners" is 294."""
    expect(hook(page, name)).to_have_text(re.compile(r"\d"))
    number = re.search(r"[\d,]+", hook(page, name).inner_text())
    assert number is not None
    return int(number[0].replace(",", ""))


def bars(page: Page, target: str) -> list[int]:
    """Learners by bin, the selected and the others."""
    every = hook(page, f"chart-{target}").locator(".engage-bars-all rect")
    return [int(learners or 0) for learners in every.evaluate_all("bars => bars.map(bar => bar.dataset.count)")]


def brush(page: Page, target: str, low: float, high: float) -> None:
    """Drag over a chart from `low` to `high` per cent."""
    area = hook(page, f"brush-{target}").locator(".overlay")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * low / 100, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * high / 100, y, steps=4)
    page.mouse.up()


def brush_place(page: Page, target: str) -> tuple[str | None, str | None]:
    selection = hook(page, f"brush-{target}").locator(".selection")
    return selection.get_attribute("x"), selection.get_attribute("width")


def append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8") as log:
        log.write("".join(f"{line}\n" for line in lines))


def staff(demo: Demo) -> requests.Session:
    """Somebody of the course team, without a browser."""
    session = requests.Session()
    session.get(demo.address, timeout=PATIENCE).raise_for_status()
    return session


def row_of_you(demo: Demo, session: requests.Session) -> tuple[object, ...]:
    """What the REST API says of "you"."""
    you = session.get(f"{demo.address}now/", timeout=PATIENCE).json()["pseudonym"]
    answer = session.get(f"{demo.address}engage/api/v1/courses/{COURSE}/predictions", timeout=PATIENCE).json()
    place = answer["learners"].index(you)
    return tuple(answer[column][place] for column in ("state", "certify", "complete", "leave"))


def test_400_real_learners_in_their_tenth_week_with_source_and_licence(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Open University BBB 2013B")
    assert int(page.locator("[data-week]").inner_text()) >= 10
    assert count(page, "enrolled") >= 400
    expect(page.locator("footer")).to_contain_text("Open University Learning Analytics Dataset")
    expect(page.locator("footer")).to_contain_text("CC BY 4.0")
    assert sum(bars(page, "certify")) == count(page, "total-count")


def test_lines_in_the_log_move_a_bar_and_n_of_m_and_leave_the_brush_alone(demo: Demo, page: Page) -> None:
    demo.python("set_clock(get_platform().now(), speed=0)")
    try:
        # The replay stands still with the clock; what is still under way arrives before we look.
        demo.wait_until_quiet()
        people = json.loads(demo.python(AWAY_LEARNERS))
        assert len(people) == 50
        page.reload()
        page.evaluate("window.stillTheSamePage = true")
        expect(hook(page, "total-count")).to_be_visible()
        brush(page, "certify", 60, 80)
        expect(hook(page, "range-certify")).to_have_text(re.compile("^(59|60)–(80|81) %$"))
        place, range_ = brush_place(page, "certify"), hook(page, "range-certify").inner_text()
        total, before = count(page, "total-count"), bars(page, "certify")
        append(demo.tracking_log, [line_of(person) for person in people])
        expect(hook(page, "total-count")).to_have_text(f"of {total + 50} learners")
        assert sum(bars(page, "certify")) == sum(before) + 50
        assert brush_place(page, "certify") == place
        expect(hook(page, "range-certify")).to_have_text(range_)
        assert page.evaluate("window.stillTheSamePage") is True, "it was the same page all the time"
    finally:
        demo.python("set_clock(get_platform().now(), speed=3600)")


def test_a_learners_click_moves_their_row_on_the_staff_side(demo: Demo, page: Page) -> None:
    session = staff(demo)
    page.get_by_role("button", name="Open the next unit").click()
    expect(page.locator("[data-bars]")).to_be_visible()
    for button in ("Answer right", "Answer wrong"):
        before, shown = row_of_you(demo, session), page.locator("[data-value=complete]").inner_text()
        lines = demo.tracking_log.stat().st_size
        page.get_by_role("button", name=button).click()
        expect(page.locator("[data-value=complete]")).not_to_have_text(shown)
        after = row_of_you(demo, session)
        assert after[0] == "active"
        assert after != before
        assert demo.tracking_log.stat().st_size > lines
        expect(page.locator("[data-log]")).to_contain_text("lines")


def test_going_away_moves_the_clock_and_the_others_go_on(demo: Demo, page: Page) -> None:
    clock, written = page.locator("[data-clock]"), demo.lines_replayed()

    def shown() -> datetime:
        return datetime.fromisoformat(clock.get_attribute("datetime") or "")

    before = shown()
    page.get_by_role("button", name="Go away for three days").click()
    until(lambda: shown() - before >= timedelta(days=3))
    until(lambda: demo.lines_replayed() > written + 100)


def test_learner_and_stranger_see_no_predictions(page: Page) -> None:
    page.get_by_role("group", name="Look as").get_by_role("button", name="Learner").click()
    expect(page.get_by_text("This page is for the course team")).to_be_visible()
    expect(page.locator(".engage-communicator svg")).to_have_count(0)
    page.get_by_role("button", name="Stranger").click()
    expect(page.get_by_text("Nothing to see here")).to_be_visible()
    page.get_by_role("button", name="Course staff").click()
    expect(page.locator(".engage-communicator svg").first).to_be_visible()


def test_an_author_sees_the_figures_of_this_course_in_studios_outline(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.address}studio/")
    note = page.locator(".engage-author-note")
    expect(note).to_contain_text("learners of this course")
    assert note.get_attribute("data-state") == "live"
    expect(page.locator(".engage-author-chart")).to_have_count(3)


def test_without_a_model_the_page_says_so_and_with_it_the_bars_are_back(demo: Demo, page: Page) -> None:
    away = demo.home / "model.away"
    (demo.home / "model").rename(away)
    try:
        expect(page.locator(".engage-communicator")).to_contain_text(re.compile("no model", re.I))
        expect(page.locator(".engage-communicator svg:visible")).to_have_count(0)
    finally:
        away.rename(demo.home / "model")
    expect(page.locator(".engage-communicator svg").first).to_be_visible()


def test_other_weights_make_other_bars(demo: Demo, page: Page) -> None:
    folder = demo.home / "model"
    kept = {name: (folder / name).read_bytes() for name in (WEIGHTS, CARD)}
    model, card = load_model(folder)
    model.parts = {
        name: replace(part, trees=part.trees.scaled(np.full(len(PARTS[name]), -1.0)))
        for name, part in model.parts.items()
    }
    demo.python("set_clock(get_platform().now(), speed=0)")
    try:
        demo.wait_until_quiet()
        before = bars(page, "certify")
        save_model(model, card, folder)
        # The page's own events go on meanwhile.
        until(lambda: differs(bars(page, "certify"), before, by=20), pause=lambda _: page.wait_for_timeout(50))
    finally:
        for name, content in kept.items():
            put(folder / name, content)
        demo.python("set_clock(get_platform().now(), speed=3600)")


def differs(first: list[int], second: list[int], *, by: int) -> bool:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) > by


def put(path: Path, content: bytes) -> None:
    """Put a file in another's place at once."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def line_of(person: dict[str, Any]) -> str:
    """A line as the LMS writes it when a learner opens the course's home page."""
    path = f"/courses/{COURSE}/info"
    context = {"user_id": person["user_id"], "course_id": COURSE, "org_id": "OUx", "path": path}
    record = {"username": person["username"], "event_type": path, "event_source": "server", "name": path}
    record |= {
        "time": person["now"],
        "context": context,
        "event": '{"GET": {}, "POST": {}}',
        "session": "s",
        "page": None,
    }
    return json.dumps(record)
