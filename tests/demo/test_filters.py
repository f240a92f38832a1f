"""The demo as it stands in its tenth week: every filter changes the count, and there is something to look back at."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import requests

from tests.demo.test_command import engage, read_until
from tests.services import PATIENCE

ALL = ["active", "never_started", "gone", "finished"]


def test_on_the_demo_every_filter_changes_the_count_and_the_past_is_known(tmp_path: Path) -> None:
    demo = engage("demo", "--home", str(tmp_path / "home"), "--port", "0")
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", read_until(demo, "ready after"))
        assert address is not None
        look_around(address[0])
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=PATIENCE)


def look_around(address: str) -> None:
    session = requests.Session()
    session.get(address, timeout=PATIENCE).raise_for_status()
    course = f"{address}engage/api/v1/courses/course-v1:OUx+BBB+2013B"
    token = {"X-CSRFToken": session.cookies["csrftoken"], "Referer": address}

    def get(what: str) -> Any:
        response = session.get(f"{course}/{what}", timeout=PATIENCE)
        response.raise_for_status()
        return response.json()

    def count(**criteria: Any) -> int:
        body = {"criteria": {"version": 1, **criteria}}
        response = session.post(f"{course}/count", json=body, headers=token, timeout=PATIENCE)
        response.raise_for_status()
        return int(response.json()["count"])

    facets, tasks = get("facets"), get("tasks")["tasks"]
    everyone, active = count(states=ALL), count()
    assert 0 < active < everyone == len(facets["learners"]) == 400
    assert (facets["modes"], facets["cohorts"]) == (["audit", "verified"], ["North", "South", "West"])
    for name in facets["modes"]:
        assert 0 < count(modes=[name]) < active
    for name in facets["cohorts"]:
        assert 0 < count(cohorts=[name]) < active
    assert tasks[0]["name"] == "Assignment 1"
    for handed_in in (True, False):
        assert 0 < count(task={"block": tasks[0]["block"], "handed_in": handed_in}) < everyone
    assert 0 < count(days_inactive=[7, None]) < active
    assert 0 < count(ranges={"certify": [0, 500]}) < active
    assert count(exclude=facets["learners"]) == 0
    silent = next(one for one in get("presets")["presets"] if one["name"] == "Silent for a week")
    assert silent["week_ago"] is not None
    assert sum(delta is not None for delta in facets["week"]["certify"]) > 300
    assert {row["week"] for row in get("hindsight")["rows"]} >= {1, 2, 4}
    shown = next(p for p, delta in zip(facets["learners"], facets["week"]["certify"], strict=True) if delta is not None)
    learner = get(f"learners/{shown}")
    assert len(learner["weeks"]) >= 5
    assert learner["activity"][-1]["week"] == 10
