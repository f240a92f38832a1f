"""Packages as they should not be: an evaluation ends with a sensible figure, or with words that say why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.parse import parse_lines
from engage_backend.engagement.comparison.material import Material, material_of
from engage_backend.engagement.counters import DAY
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.evaluation import Evaluation, evaluate, mean_by_week
from engage_backend.engagement.package import Package, read_package
from engage_backend.engagement.report import html_report
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, WEEKS, course_key, write_package, write_table

QUICK = ("event_count", "gradient_boosting")
WITH_OURS = (*QUICK, "engage")
YEAR = 365 * DAY
Change = Callable[[list[ClickEvent]], list[ClickEvent]]


READS = ("single", "features", "events", "run")


@dataclass
class Other:
    """A package as it should be, to learn from and to be judged by, and its events."""

    folder: Path
    package: Package
    events: list[ClickEvent]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Other:
    folder = write_package(tmp_path_factory.mktemp("other"), "fine", count=50, seed=1, clicks=1)
    package = read_package(folder)
    return Other(folder, package, parse_lines(package.lines())[0])


def read(folder: Path, kinds: KindTable, change: Change = list) -> Material:
    """The odd package, its events changed."""
    package = read_package(folder)
    return material_of(package, change(parse_lines(package.lines())[0]), kinds, seed=3)


def judged(
    other: Other, folder: Path, tmp_path: Path, change: Change = list, models: tuple[str, ...] = QUICK
) -> tuple[Material, Evaluation]:
    """The odd package and the evaluation of both."""
    kinds = KindTable()
    fine, odd = material_of(other.package, other.events, kinds, seed=3), read(folder, kinds, change)
    found = evaluate([odd, fine], kinds, seeds=[3], cache=tmp_path / "answers", models=models, wanted=["runs"])
    assert html_report(found).endswith("</html>\n")
    return odd, found


def kinds_of(other: Other) -> KindTable:
    """The table that has met the other package first."""
    kinds = KindTable()
    material_of(other.package, other.events, kinds, seed=3)
    return kinds


def figure(found: Evaluation, run: Material, target: str, week: int, model: str = "gradient_boosting") -> float | None:
    line = mean_by_week([row for row in found.rows if row["run"] == run.name], model, target, "auc")
    return line[week][0] if week in line else None


def test_a_run_without_certificates_gives_figures_of_what_it_can_tell(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=1)
    rows = [f"{1000 + number}\tnotpassing" for number in range(50)]
    write_table(folder, "odd", "certificates_generatedcertificate", "user_id\tstatus", rows)
    odd, found = judged(other, folder, tmp_path, models=WITH_OURS)
    reasons = {(row["model"], row["target"]): row["why"] for row in found.without}
    assert set(reasons) == {(model, "certify") for model in WITH_OURS}
    assert all("nobody earned a certificate" in why and odd.name in why for why in reasons.values())
    assert not [r for r in found.rows if r["run"] == "TestX-T101-fine" and r["target"] == "certify"]
    # It is judged on certificates all the same, by what was learnt of the other: nobody can be ranked, all can be wrong.
    (row,) = [
        r for r in found.rows if (r["model"], r["run"], r["target"], r["week"]) == ("engage", odd.name, "certify", 4)
    ]
    assert row["auc"] is None and row["positives"] == 0 and row["brier"] > 0
    assert (figure(found, odd, "complete", 6, "engage") or 0) > 0.8
    assert "nobody earned a certificate" in html_report(found)


def test_a_run_that_grades_nothing_is_judged_on_the_rest(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=1)
    structure = next(folder.glob("*course_structure*"))
    structure.write_text(structure.read_text().replace('"graded": true', '"graded": false'))
    odd, found = judged(other, folder, tmp_path)
    assert not [row for row in found.rows if row["run"] == odd.name and row["target"] == "complete"]
    assert {row["target"] for row in found.without} == {"complete"}
    assert all("nothing is graded" in row["why"] for row in found.without)
    assert (figure(found, odd, "certify", 8) or 0) > 0.6


def test_a_run_of_one_learner_is_judged_and_ranks_nobody(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=1, clicks=1)
    odd, found = judged(other, folder, tmp_path)
    mine = [row for row in found.rows if row["run"] == odd.name]
    assert mine and all(row["learners"] == 1 and row["auc"] is None and row["slope"] is None for row in mine)
    # What cannot be learnt from one learner is said of the other run; what can is told.
    assert {row["target"] for row in found.without} >= {"certify"}


def test_a_log_that_ends_after_the_first_week_has_one_week(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=2)
    end = micros(START) + WEEK
    odd, found = judged(other, folder, tmp_path, lambda events: [event for event in events if event.time < end])
    assert {row["week"] for row in found.rows if row["run"] == odd.name} == {1}
    assert np.isfinite(odd.features).all()
    assert {row["target"] for row in found.without} >= {"leave"}  # no time before the last 14 days


def test_clocks_that_jump_move_nobody_else(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=1)
    straight, usual = judged(other, folder, tmp_path)
    first = parse_lines(read_package(folder).lines())[0]

    def jump(events: list[ClickEvent]) -> list[ClickEvent]:
        """One learner's clock goes thirty years wrong for an event, forward and back; another's by minutes."""
        return [
            *events,
            *(
                event._replace(time=event.time + years * YEAR)
                for event, years in zip(events[:2], (30, -30), strict=True)
            ),
            events[5]._replace(time=events[5].time - 90_000_000),
        ]

    bent, found = judged(other, folder, tmp_path, jump)
    wild = {first[at].learner for at in (0, 1, 5)}
    calm = ~np.isin(bent.learners[bent.who], list(wild))
    assert bent.week.max() == straight.week.max() == WEEKS
    assert np.array_equal(bent.features[calm], straight.features[~np.isin(straight.learners[straight.who], list(wild))])
    assert np.isfinite(bent.features).all() and bent.features.max() < 60 * 86_400 * WEEKS * 7
    before, after = (figure(one, bent, "certify", 8, "event_count") for one in (usual, found))
    assert after == pytest.approx(before, abs=0.05)


def test_what_lies_before_the_start_counts_and_what_lies_after_the_end_does_not(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=1)
    straight = read(folder, KindTable())

    def beyond(events: list[ClickEvent]) -> list[ClickEvent]:
        early = [event._replace(time=micros(START) - 3 * DAY) for event in events[:3]]
        late = [event._replace(time=micros(START) + (WEEKS * 7 + 5) * DAY) for event in events[3:6]]
        return [*events, *early, *late]

    odd, found = judged(other, folder, tmp_path, beyond)
    assert odd.week.max() == WEEKS and len(odd.at) >= len(straight.at)
    assert (figure(found, odd, "certify", 8) or 0) > 0.6
    more = odd.single[odd.week == 1, 1].sum() - straight.single[straight.week == 1, 1].sum()
    assert 1 <= more <= 3 + len(odd.at) - len(straight.at)


def test_outcomes_that_come_in_after_the_clicks_have_stopped_are_labels_and_nothing_else(
    other: Other, tmp_path: Path
) -> None:
    folder = write_package(tmp_path, "odd", count=50, clicks=1)
    stop = micros(START) + 4 * WEEK
    odd, found = judged(
        other, folder, tmp_path, lambda events: [e for e in events if e.time < stop or e.possible is not None]
    )
    assert odd.week.max() == 4 and {row["week"] for row in found.rows if row["run"] == odd.name} == {1, 2, 3, 4}
    whole = read(folder, KindTable())
    assert np.array_equal(odd.truths[odd.week == 2, :2], whole.truths[whole.week == 2, :2])
    assert np.array_equal(odd.features[odd.week == 3], whole.features[whole.week == 3])


def test_learners_and_events_that_stand_twice_count_once(tmp_path: Path) -> None:
    folder = write_package(tmp_path / "once", "odd", count=50, clicks=1)
    kinds = KindTable()
    once = read(folder, kinds)
    again = write_package(tmp_path / "twice", "odd", count=50, clicks=1)
    for table in ("auth_user", "student_courseenrollment", "certificates_generatedcertificate"):
        path = next(again.glob(f"*-{table}-*"))
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *rows, *rows]) + "\n")
    twice = read(again, kinds, lambda events: events + events)
    assert [twice.digest(reads, kinds.names) for reads in READS] == [once.digest(reads, kinds.names) for reads in READS]


def test_tables_that_nobody_asked_for_are_not_opened(tmp_path: Path) -> None:
    folder = write_package(tmp_path / "plain", "odd", count=20, clicks=1)
    more = write_package(tmp_path / "more", "odd", count=20, clicks=1)
    write_table(more, "odd", "courseware_studentmodule", "id\tstate", ['1\t{"broken": '])
    (more / "TestX-T101-odd-wiki_article-prod-analytics.sql").write_bytes(b"\xff\xfe\x00 no table at all")
    (more / "TestX-T101-odd-prod-analytics.mongo").write_text("{")
    kinds = KindTable()
    first, second = (read(place, kinds) for place in (folder, more))
    assert first.digest("run", kinds.names) == second.digest("run", kinds.names) and first.course == course_key("odd")


def test_profiles_are_read_where_there_are_any_and_reach_no_model(other: Other, tmp_path: Path) -> None:
    folder = write_package(tmp_path / "plain", "odd", count=50, clicks=1)
    told = write_package(tmp_path / "told", "odd", count=50, clicks=1)
    rows = [f"{1000 + n}\t{'fm'[n % 2]}\t{1960 + n}\tb" for n in range(50)] + [
        "1001\t\tnot a year\t",
        "1002\t\t²\t",
        "x\tf\t1990\tb",
    ]
    write_table(told, "odd", "auth_userprofile", "user_id\tgender\tyear_of_birth\tlevel_of_education", rows)
    material, found = judged(other, told, tmp_path, models=("engage",))
    kinds = kinds_of(other)
    without = read(folder, kinds)  # its kinds have the same numbers as those of `judged`
    assert without.digest("run", kinds.names) == material.digest("run", kinds.names)
    groups = {row["group"]: row for row in found.groups if (row["target"], row["at"]) == ("certify", "50 %")}
    assert {"women", "men", "bachelor's degree"} < set(groups)
    assert "By gender, education and age" in html_report(found)
    found.groups = []
    assert "By gender" not in html_report(found)
