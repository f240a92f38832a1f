"""Who is judged: those enrolled at the moment asked, by dated events of the log and not by how it ended."""

from __future__ import annotations

import gzip
import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.clickstream.names import ENROLLED, UNENROLLED
from engage_backend.engagement.comparison.material import Material, load_material
from engage_backend.engagement.dataset import WEEK, Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import read_package
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, WEEKS, course_key, write_package

STAYS, LEAVES, RETURNS, BY_STAFF = 1001, 1003, 1005, 1007  # all of them are active for all weeks


def said(user: int, kind: str, when: datetime, *, by: int | None = None) -> str:
    """A line about somebody's enrolment, written in their own request or in that of another user."""
    about = {"course_id": course_key("2024"), "user_id": user, "mode": "audit"}
    who = by or user
    return json.dumps({
        "username": f"learner{who}", "event_type": kind, "name": kind, "event_source": "server", "session": "",
        "time": when.isoformat(timespec="microseconds"), "event": about,
        "context": {"user_id": who, "course_id": course_key("2024"), "path": "/change_enrollment"},
    })  # fmt: skip


DATED = [
    said(STAYS, ENROLLED, START - timedelta(days=12)),
    said(LEAVES, UNENROLLED, START + timedelta(weeks=3)),  # at the very end of week 3
    said(RETURNS, UNENROLLED, START + timedelta(weeks=2, hours=1)),
    said(RETURNS, ENROLLED, START + timedelta(weeks=4, hours=1)),
    said(BY_STAFF, UNENROLLED, START + timedelta(weeks=5, hours=1), by=77),
]


def add_lines(folder: Path, lines: list[str]) -> Path:
    """More lines in the log of a package."""
    log = next(folder.glob("*events*"))
    whole = gzip.decompress(log.read_bytes()).decode() + "".join(line + "\n" for line in lines)
    log.write_bytes(gzip.compress(whole.encode()))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [*DATED, *DATED]
    random.Random(1).shuffle(lines)  # a log is read in any order, and a line may be there twice
    return add_lines(write_package(tmp_path_factory.mktemp("enrolments"), count=30, clicks=2), lines)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load_run(read_package(folder), KindTable(), seed=1)


def weeks_of(run: Run | Material, user: int, enrolled: np.ndarray) -> set[int]:
    mine = run.learners[run.who] == user
    return set(run.week[mine & enrolled & (run.week > 0)].tolist())


def test_the_last_dated_event_says_who_is_enrolled(run: Run) -> None:
    everyone = set(range(1, WEEKS + 1))
    assert weeks_of(run, STAYS, run.enrolled) == everyone
    assert weeks_of(run, LEAVES, run.enrolled) == {1, 2}
    assert weeks_of(run, RETURNS, run.enrolled) == everyone - {3, 4}
    assert weeks_of(run, BY_STAFF, run.enrolled) == {1, 2, 3, 4, 5}
    assert weeks_of(run, 1000, run.enrolled) == everyone  # of whom no event tells, and whose flag says: unenrolled
    within = (run.learners[run.who] == LEAVES) & (run.week == 0)
    assert np.array_equal(run.enrolled[within], run.clock[within] < micros(START) + 3 * WEEK)


def test_facts_of_enrolment_are_no_activity_and_change_nothing_else(run: Run, tmp_path: Path) -> None:
    without = load_run(read_package(write_package(tmp_path, count=30, clicks=2)), KindTable(), seed=1)
    assert without.enrolled.all()
    for name in ("kinds", "seen", "features", "labels", "level", "clock", "early"):
        assert np.array_equal(getattr(without, name), getattr(run, name)), name


def test_labels_of_the_unenrolled_are_not_shown(run: Run) -> None:
    assert not run.enrolled.all()
    assert not run.shown()[~run.enrolled].any()
    assert run.shown()[run.enrolled, 0].all()
    assert (run.labels[~run.enrolled, 0] >= 0).all()
    half = run.with_examples(run.week % 2 == 1)
    assert np.array_equal(half.enrolled, run.enrolled[run.week % 2 == 1])


@pytest.mark.parametrize("among", ["all", "undecided", "active_14d", "active_7d"])
def test_figures_are_of_those_enrolled(folder: Path, among: str) -> None:
    material = load_material(read_package(folder), KindTable(), seed=1)
    for user, weeks in ((LEAVES, {1, 2}), (BY_STAFF, {1, 2, 3, 4, 5})):
        assert weeks_of(material, user, material.among(among)) <= weeks
        assert weeks_of(material, user, np.ones(len(material.who), dtype=bool)) == set(range(1, WEEKS + 1))
    assert not material.among(among)[~material.enrolled].any()


def evaluated(folders: list[Path], report: Path) -> dict[str, Any]:
    words = ["--report", str(report), "--models", "event_count", "--splits", "runs"]
    assert main(["evaluate", *map(str, folders), *words]) == 0
    found: dict[str, Any] = json.loads((report / "metrics.json").read_text())
    return found


def test_the_report_says_who_was_left_out_and_where_nothing_is_dated(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undated = write_package(tmp_path, "other", count=30, clicks=2, seed=1)
    found = evaluated([folder, undated], tmp_path / "report")
    dated, other = found["runs"]
    assert (dated["dated"], dated["unenrolled"]) == (True, 3)
    assert (other["dated"], other["unenrolled"]) == (False, 0)
    asked = {
        row["week"]: row["learners"]
        for row in found["rows"]
        if (row["run"], row["target"], row["among"]) == (dated["name"], "certify", "all")
    }
    assert asked[2] - asked[3] == 2  # one has left, one is away until week 5
    assert asked[5] - asked[3] == 1 and asked[5] - asked[6] == 1
    everybody = {
        row["week"]: row["learners"]
        for row in found["ever"]
        if (row["run"], row["target"], row["model"]) == (dated["name"], "certify", "event_count")
    }
    assert [everybody[week] - asked[week] for week in range(1, WEEKS + 1)] == [0, 0, 2, 2, 1, 2, 2, 2]
    tables = (tmp_path / "report" / "tables.md").read_text()
    assert "| event_count, enrolled |" in tables and "| event_count, with those unenrolled |" in tables
    page, told = (tmp_path / "report" / "index.html").read_text(), capsys.readouterr().out
    gone = sum(not person.is_active for person in read_package(folder).learners)
    for text in (page, told):
        assert f"{other['name']}: its log tells of no enrolment, so nobody is left out" in text
        assert f"{dated['name']}: {gone} learners are unenrolled in the end, and no event tells since when" in text
