"""The block in a real runtime that is not ours: the XBlock SDK's workbench, driven over HTTP."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.services import PATIENCE
from tests.xblock.workbench_process import running_workbench

PUBLIC = Path(__file__).resolve().parents[2] / "engage_xblock" / "public"
STAFF = {"student": "staff"}
LEARNER = {"student": "student_1"}
USAGE = "communicator.engage_communicator.d0.u0"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running workbench."""
    with running_workbench(tmp_path_factory.mktemp("workbench")) as address:
        yield address


def scenario(workbench: str, who: dict[str, str], view: str = "student_view", number: int = 0) -> str:
    answer = requests.get(f"{workbench}/scenario/engage_communicator.{number}/{view}/", params=who, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text[:2000]
    return answer.text


def configurations(page: str) -> list[dict[str, Any]]:
    return [json.loads(html.unescape(found)) for found in re.findall(r'data-engage-config="([^"]*)"', page)]


def inits(page: str) -> list[str]:
    """The functions that the runtime will call, block by block."""
    return re.findall(r"data-init=.(\w+)", page)


def submit(workbench: str, who: dict[str, str], data: Any) -> requests.Response:
    """Studio's form, sent: with the CSRF token of the page it is on."""
    session = requests.Session()
    session.get(f"{workbench}/scenario/engage_communicator.0/studio_view/", params=who, timeout=PATIENCE)
    headers = {"X-CSRFToken": session.cookies["csrftoken"], "Content-Type": "application/json"}
    body = data if isinstance(data, str) else json.dumps(data)
    return session.post(f"{workbench}/handler/{USAGE}/submit", params=who, data=body, headers=headers, timeout=PATIENCE)


def test_staff_get_the_page_with_its_script_and_style(workbench: str) -> None:
    page = scenario(workbench, STAFF)
    # The workbench has no course: the page then says so itself, and has nothing to ask.
    (config,) = configurations(page)
    assert (config["course"], config["courseUrl"], config["pollMs"]) == (None, None, 750)
    assert "EngageCommunicator" in inits(page)
    for file in ("communicator.js", "communicator.css"):
        address = f"/resource/engage_communicator/public/{file}"
        assert address in page
        shipped = (PUBLIC / file).read_bytes()
        assert requests.get(workbench + address, timeout=PATIENCE).content == shipped


def test_a_learner_gets_a_friendly_text_and_neither_script_nor_address(workbench: str) -> None:
    page = scenario(workbench, LEARNER)
    assert "This page is for the course team" in page
    assert configurations(page) == []
    assert "communicator.js" not in page
    assert "/engage/api" not in page


def test_two_blocks_stand_on_one_page(workbench: str) -> None:
    page = scenario(workbench, STAFF, number=1)
    assert len(configurations(page)) == 2
    assert "The other one" in page


def test_an_author_changes_the_display_name_and_it_stays(workbench: str) -> None:
    form = scenario(workbench, STAFF, "studio_view")
    assert 'name="display_name" value="' in form
    assert "EngageCommunicatorStudio" in inits(form)
    answer = submit(workbench, STAFF, {"display_name": "  Who  needs a <hand>? "})
    assert (answer.status_code, answer.json()) == (200, {"display_name": "Who needs a <hand>?"})
    assert '<h3 class="engage-title">Who needs a &lt;hand&gt;?</h3>' in scenario(workbench, STAFF)
    assert 'value="Who needs a &lt;hand&gt;?"' in scenario(workbench, STAFF, "studio_view")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"display_name": ""},
        {"display_name": " \n "},
        {"display_name": 7},
        {"display_name": "x" * 121},
        [],
        None,
        "{",
    ],
)
def test_a_name_that_cannot_be_one_is_refused_with_the_reason(workbench: str, data: Any) -> None:
    before = scenario(workbench, STAFF)
    answer = submit(workbench, STAFF, data)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 5
    assert re.findall("engage-title.*", scenario(workbench, STAFF)) == re.findall("engage-title.*", before)


def test_a_learner_cannot_change_the_block(workbench: str) -> None:
    before = scenario(workbench, STAFF)
    answer = submit(workbench, LEARNER, {"display_name": "Mine now"})
    assert answer.status_code == 403
    assert "Mine now" not in scenario(workbench, STAFF)
    assert "Mine now" not in before


def test_the_author_view_says_what_the_page_is_and_asks_for_no_data(workbench: str) -> None:
    page = scenario(workbench, LEARNER, "author_view")
    assert "for the course team only" in page
    assert configurations(page) == []
