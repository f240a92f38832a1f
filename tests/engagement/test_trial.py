"""`engage trial`: its figures against a plain count, its page read as a reader would, and packages as they should not be."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engage_backend.cli import main
from engage_backend.engagement.counters import DAY, FEATURES
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.labels import COMES_BACK_WITHIN
from engage_backend.engagement.package import Package, Profile, profiles, read_package
from engage_backend.engagement.trial import (
    CLICKS,
    LEAVE,
    LOT,
    MODEL,
    SILENCE,
    Trial,
    on_list,
    own_run,
    trial_of,
)
from engage_backend.engagement.trial_page import headline_week, html_page
from tests.engagement.packages import people, write_grade_report, write_package, write_table
from tests.operations.sites import ROOT

SILENT, EVENTS = FEATURES.index("days_silent"), FEATURES.index("events")


class Reader(HTMLParser):
    """The page as text, and its tables as {caption: rows}."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.links: list[str] = []
        self.heads: list[str | None] = []
        self._in: list[str] = []
        self._caption, self._rows = "", list[list[str]]()
        self.feed(page)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
            if tag == "th":
                self.heads.append(dict(attrs).get("scope"))

    def handle_endtag(self, tag: str) -> None:
        while self._in and self._in.pop() != tag:
            pass
        if tag == "table":
            self.tables.setdefault(self._caption, self._rows)

    def handle_data(self, data: str) -> None:
        if "style" in self._in:
            return
        self.words.append(data)
        if "caption" in self._in:
            self._caption += data
        elif {"th", "td"} & set(self._in):
            self._rows[-1][-1] += data


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("trial")
    made = [write_package(place, f"run{number}", seed=6 + number, count=120, clicks=1) for number in range(2)]
    rows = [f"{7000 + n}\t{'o' if n < 19 else 'fm'[n % 2]}\t{1970 + n % 30}\tb" for n in range(120)]
    write_table(made[0], "run0", "auth_userprofile", "user_id\tgender\tyear_of_birth\tlevel_of_education", rows)
    return made


@pytest.fixture(scope="module")
def page(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both courses, each asked of a model of the other, through the command."""
    out = tmp_path_factory.mktemp("page") / "report.html"
    assert main(["trial", *map(str, folders), "--out", str(out), "--seed", "3"]) == 0
    return out.read_text(encoding="utf-8")


def read(folder: Path) -> tuple[Package, Run]:
    package = read_package(folder)
    return package, load_run(package, KindTable(), seed=3)


def said_of(run: Run) -> Any:
    """What a model might say: no better than the number of active days, with ties."""
    low = 1.0 / (1.0 + np.round(run.features[:, FEATURES.index("active_days_14d")], 0))
    return np.stack([1 - low, 1 - low, low], axis=1).astype(np.float64)


def tried(folder: Path, **told: Any) -> tuple[Run, Trial]:
    package, run = read(folder)
    count = {"enrolled": len(package.learners), "certified": sum(one.certified for one in package.learners)}
    return run, trial_of(run, said_of(run), package.schedule, profiles=profiles(folder), **{**count, **told})


def test_the_page_says_in_a_sentence_what_the_lists_held(page: str) -> None:
    text = Reader(page).text
    assert re.search(
        r"In week \d the \d+ named first in each of 2 courses held \d+ of the \d+ who left; silence alone finds [^.]+\.",
        text,
    )
    assert re.search(r"In week \d the \d+ named first held \d+ of the \d+ who left; silence alone finds", text)
    assert re.search(r"Of the \d+ people named, \d+ came back by themselves", text)
    assert re.search(r"it would have sent [\d,]+ messages in \d+ weeks", text)
    assert "Each course was asked of a model that had learnt from the others and had never seen it." in text
    assert "{" not in text and "None" not in text and "nan" not in text.lower().split()


def test_the_page_names_nobody_and_needs_nothing_beside_itself(page: str, folders: list[Path]) -> None:
    reader = Reader(page)
    for folder in folders:
        for one in read_package(folder).learners:
            assert one.username not in page and str(one.user_id) not in page and one.email not in page
        assert str(folder.parent) not in page
    assert reader.links == [] and "@import" not in page and "url(" not in page


def test_tables_have_a_caption_and_say_what_their_heads_are_of(page: str) -> None:
    reader = Reader(page)
    assert len(reader.tables) >= 6 and all(reader.tables) and all(reader.heads)
    for rows in reader.tables.values():
        assert len({len(row) for row in rows}) == 1


def test_a_week_of_the_table_is_what_a_plain_count_gives(folders: list[Path]) -> None:
    run, trial = tried(folders[1])
    assert {week.week for week in trial.leave.weeks} == {1, 2, 3, 4, 5, 6}  # the last 14 of 56 days are not judged
    for week in trial.leave.weeks:
        here = []
        for at in np.flatnonzero((run.week == week.week) & (run.features[:, SILENT] <= 14)):
            last = run.clock[at] - run.features[at, SILENT] * DAY
            left = run.labels[at, LEAVE]
            assert left in (0, 1) and (left == 0 or last <= run.clock[at] + COMES_BACK_WITHIN)
            here.append((float(run.features[at, SILENT]), float(run.features[at, EVENTS]), int(left)))
        assert week.asked == len(here) and week.happened == sum(left for *_, left in here)
        longest = sorted(here, key=lambda one: -one[0])[: trial.size]
        assert week.found[SILENCE] == pytest.approx(sum(left for *_, left in longest))
        assert week.found[LOT] == pytest.approx(trial.size * week.happened / week.asked)
        fewest = sorted(events for _, events, _ in here)[trial.size - 1]
        sure = sum(left for _, events, left in here if events < fewest)
        level = [left for _, events, left in here if events == fewest]
        room = trial.size - sum(events < fewest for _, events, _ in here)
        assert week.found[CLICKS] == pytest.approx(sure + room * sum(level) / len(level))
    page = Reader(html_page([trial], seed=3))
    week = headline_week(trial.leave.weeks)
    assert week is not None and week.week == 4
    rows = page.tables[f"Of the {trial.size} named first at each week's end, how many left"]
    assert [
        "4",
        str(week.asked),
        str(week.happened),
        *(str(round(week.found[way])) for way in (MODEL, SILENCE, CLICKS)),
    ] in [[row[0].partition(" ")[0], *row[1:6]] for row in rows]


def test_who_has_unenrolled_is_not_asked_about(folders: list[Path]) -> None:
    package, run = read(folders[1])
    gone = np.zeros(len(run.who), dtype=bool)
    gone[run.who % 3 == 0] = True
    told: dict[str, Any] = {"enrolled": 120, "certified": 50, "profiles": {}}
    everybody = trial_of(run, said_of(run), package.schedule, dated=False, **told)
    some = trial_of(replace(run, enrolled=~gone), said_of(run), package.schedule, **told)
    for week, before in zip(some.leave.weeks, everybody.leave.weeks, strict=True):
        mask = (run.week == week.week) & (run.features[:, SILENT] <= 14)
        assert (week.asked, before.asked) == ((mask & ~gone).sum(), mask.sum())
    assert sum(some.messages) < sum(everybody.messages)
    assert "everybody who ever enrolled is counted" in Reader(html_page([everybody], seed=3)).text
    assert "Who had unenrolled by the end of a week is not counted" in Reader(html_page([some], seed=3)).text


def test_a_list_has_its_size_also_where_learners_are_level() -> None:
    scores = np.array([3.0, 1.0, 1.0, 1.0, 0.0])
    assert on_list(scores, 2).tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert on_list(np.zeros(7), 3).sum() == pytest.approx(3)
    assert on_list(scores, 9).tolist() == [1] * 5


def test_small_groups_are_withheld_and_larger_ones_told_in_shares(page: str, folders: list[Path]) -> None:
    _, trial = tried(folders[0])
    told = {(group.attribute, group.name) for group in trial.leave.groups}
    assert {("gender", "women"), ("gender", "men"), ("education", "bachelor's degree")} <= told
    assert ("gender", "other") not in told and trial.leave.withheld >= 1
    rows = Reader(page).tables["By what learners said of themselves"]
    names = [row[0] for row in rows[1:]]
    assert "Women" in names and "Other" not in names
    assert all(row[1].startswith("about ") and int(row[1].split()[1]) % 10 == 0 for row in rows[1:])
    assert "whether Engage serves some worse than others cannot be told" in page  # of the course without profiles


def test_a_group_that_is_missed_by_the_lists_is_named(folders: list[Path]) -> None:
    """The model never names those who say that they are women; of the others it names those who leave."""
    package, run = read(folders[0])
    women = {one.user_id: one.user_id % 4 < 2 for one in package.learners}
    hers = np.array([women[user] for user in run.learners.tolist()])[run.who]
    said = said_of(run)
    said[hers, LEAVE], said[~hers, LEAVE] = 0.0, np.maximum(run.labels[~hers, LEAVE], 0.0) + 0.1
    told = {user: Profile("f" if her else "m") for user, her in women.items()}
    trial = trial_of(run, said, package.schedule, enrolled=120, certified=50, profiles=told, size=24)
    by_name = {group.name: group for group in trial.leave.groups}
    assert (by_name["women"].found or 0) < 0.1 and (by_name["men"].found or 0) > 0.5
    assert (by_name["women"].found_differs, by_name["men"].found_differs) == (-1, 1)
    text = Reader(html_page([trial], seed=3)).text
    assert "Women: of those who would leave, clearly fewer were named than of the others." in text
    assert "No group of at least 20" not in text


def test_a_model_that_does_worse_than_silence_is_said_to(folders: list[Path]) -> None:
    package, run = read(folders[1])
    said = said_of(run)
    said[:, LEAVE] = -run.features[:, SILENT]  # those who were here last are named first
    trial = trial_of(run, said, package.schedule, enrolled=120, certified=50, profiles={})
    text = Reader(html_page([trial], seed=3)).text
    assert re.search(
        r"In week 4 the \d+ named first held [0-2] of the \d+ who left; silence alone finds more: \d+\.", text
    )
    assert "Over all weeks silence alone served better, and by more than chance would bring." in text


def test_a_sentence_about_courses_of_unlike_length_names_no_week(folders: list[Path]) -> None:
    trials = [tried(folder)[1] for folder in folders]
    trials[0] = replace(trials[0], leave=replace(trials[0].leave, weeks=trials[0].leave.weeks[:2]))
    reader = Reader(html_page(trials, seed=3))
    assert "In the week shown below the" in reader.text
    (overview,) = (rows for caption, rows in reader.tables.items() if caption.startswith("How many of those who left"))
    assert [row[1] for row in overview[1:]] == ["1", "4"]


def test_messages_are_counted_by_reason_and_nobody_has_two_in_a_week(folders: list[Path]) -> None:
    run, trial = tried(folders[1])
    cards = {card.name: card for card in trial.cards}
    ends = run.week > 0
    away = next(card for name, card in cards.items() if name.startswith("Away for a week or more"))
    for week in range(1, 9):
        here = ends & (run.week == week) & (run.features[:, SILENT] <= 14)
        due = (run.features[:, SILENT] >= 7) & (run.features[:, FEATURES.index("points_due_7d")] > 0)
        assert away.messages[week - 1] == (here & due).sum()
        assert trial.messages[week - 1] <= here.sum()
        assert trial.messages[week - 1] <= sum(card.messages[week - 1] for card in trial.cards)
    assert cards[f"The {trial.size} most likely not to return"].messages[0] == trial.size


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"training_runs": [{"name": "TestX-T101-run1", "course": "?"}]}, "trained on this very course"),
        (
            {"training_runs": [{"name": "elsewhere", "course": "course-v1:TestX+T101+run1"}]},
            "trained on this very course",
        ),
        (
            {"begun_from": "base/0, 2 course runs: A-B-C, TestX-T101-run1"},
            "began from one that was trained on this very",
        ),
        ({"calibrated_on": ["course-v1:TestX+T101+run1"]}, "corrected with the outcomes of this very course"),
        ({"training_runs": [{"name": "TestX-T101-run10", "course": "course-v1:TestX+T101+run10"}]}, ""),
        ({}, ""),
    ],
)
def test_what_a_model_has_seen_is_no_proof(folders: list[Path], card: dict[str, Any], reason: str) -> None:
    run, trial = tried(folders[1])
    assert reason in own_run(card, run) and bool(own_run(card, run)) == bool(reason)
    other = replace(trial, name="other")
    one = Reader(html_page([replace(trial, own=own_run(card, run)), other], seed=3))
    alone = Reader(html_page([replace(trial, own=own_run(card, run))], seed=3))
    if reason:
        assert reason in one.text and "has seen them before: 1." in one.text
        assert "No proof: the model was made from what came of this very course." in alone.text
        assert "who left; silence alone" not in alone.text
    else:
        assert "No proof" not in one.text and "who left; silence alone" in alone.text


def test_one_course_is_asked_of_the_model_that_ships(folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert main(["trial", str(folders[0]), "--out", str(out)]) == 0
    text = Reader(out.read_text()).text
    assert "The model had learnt from: 4 course runs: OUx-AAA-2013J" in text and "No proof" not in text
    assert "asked of a model that had learnt from the others" not in text


def test_a_finished_model_of_trees_is_asked_without_xgboost_and_torch(folders: list[Path], tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['xgboost'] = sys.modules['torch'] = None; "
        "from engage_backend.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "report.html"
    words = [sys.executable, "-c", code, "trial", "--out", str(out), str(folders[0])]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "who left; silence alone finds" in Reader(out.read_text()).text
    several = subprocess.run([*words, str(folders[1])], cwd=ROOT, capture_output=True, text=True)
    assert several.returncode == 1 and "pip install 'openedx-engage[train]'" in several.stderr


def test_a_model_that_is_refused_is_told_before_anything_is_read(
    folders: list[Path], tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "report.html"
    assert main(["trial", str(folders[0]), "--model", str(tmp_path), "--out", str(out)]) == 1
    assert "card.json" in capsys.readouterr().err and not out.exists()


def test_a_model_that_was_trained_on_the_course_says_so(folders: list[Path], tmp_path: Path) -> None:
    assert main(["train", *map(str, folders), "--out", str(tmp_path / "model"), "--seed", "3"]) == 0
    out = tmp_path / "report.html"
    assert main(["trial", str(folders[0]), "--model", str(tmp_path / "model"), "--out", str(out)]) == 0
    assert "No proof. The model was trained on this very course." in Reader(out.read_text()).text


def without_certificates(folder: Path) -> None:
    rows = [f"{one.user_id}\tnotpassing" for one in people(120, seed=5)]
    write_table(folder, "odd", "certificates_generatedcertificate", "user_id\tstatus", rows)


def ungraded(folder: Path) -> None:
    structure = next(folder.glob("*course_structure*"))
    structure.write_text(structure.read_text().replace('"graded": true', '"graded": false'))


def without_due_dates(folder: Path) -> None:
    structure = next(folder.glob("*course_structure*"))
    structure.write_text(re.sub(r', "due": "[^"]*"', "", structure.read_text()))


def short(folder: Path) -> None:
    log = next(folder.glob("*.log.gz"))
    with gzip.open(log, "rt") as file:
        lines = [line for line in file if '"time": "2024-01-0' in line]
    with gzip.open(log, "wt") as file:
        file.writelines(lines)


def self_paced(folder: Path) -> None:
    structure = next(folder.glob("*course_structure*"))
    structure.write_text(
        structure.read_text().replace('"display_name": "Testing"', '"self_paced": true, "display_name": "T"')
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_certificates, "This cannot be told here: nobody has earned a certificate"),
        (ungraded, "What is graded is not known, and when it is due"),
        (without_due_dates, "No due dates are known"),
        (short, "comes back can be told only until 14 days before it ends"),
        (self_paced, "The course is self-paced"),
        (lambda folder: None, "In week 4 the 20"),
    ],
)
def test_what_a_course_does_not_tell_is_said_and_the_rest_goes_on(
    change: Callable[[Path], object], words: str, folders: list[Path], tmp_path: Path
) -> None:
    odd = write_package(tmp_path, "odd", seed=5, count=120, clicks=1)
    change(odd)
    out = tmp_path / "report.html"
    assert main(["trial", str(odd), str(folders[0]), "--out", str(out), "--seed", "3"]) == 0
    reader = Reader(out.read_text())
    assert words in reader.text and "Messages by reason" in reader.tables
    assert reader.text.count("What is not known") == 2


def test_a_course_of_few_is_not_told(folders: list[Path], tmp_path: Path) -> None:
    odd = write_package(tmp_path, "odd", seed=5, count=19, clicks=1)
    out = tmp_path / "report.html"
    assert main(["trial", str(odd), "--out", str(out)]) == 0
    text = Reader(out.read_text()).text
    assert "fewer than 20 learners were active at the same time" in text and "who left; silence" not in text


def cut(folder: Path) -> None:
    log = next(folder.glob("*.log.gz"))
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])


def no_log(folder: Path) -> None:
    next(folder.glob("*.log.gz")).unlink()


def no_users(folder: Path) -> None:
    next(folder.glob("*auth_user-*")).unlink()


def broken_structure(folder: Path) -> None:
    next(folder.glob("*course_structure*")).write_text('{"a": {"category": "course", "metadata": {"start": 7}}}')


def strange_structure(folder: Path) -> None:
    next(folder.glob("*course_structure*")).write_text(
        '{"a": {"category": "course", "metadata": {"start": "2024-01-01", "grading_policy": 7}}}'
    )


def noise(folder: Path) -> None:
    next(folder.glob("*student_courseenrollment*")).write_bytes(bytes(range(256)) * 40)


def another_course(folder: Path) -> None:
    log = next(folder.glob("*.log.gz"))
    with gzip.open(log, "rt") as file:
        text = file.read().replace("T101", "X999")
    with gzip.open(log, "wt") as file:
        file.write(text)


@pytest.mark.parametrize(
    "damage",
    [cut, no_log, no_users, broken_structure, strange_structure, noise, another_course],
    ids=lambda one: one.__name__,
)
def test_a_package_that_cannot_be_read_is_named_and_the_others_are_shown(
    damage: Callable[[Path], object], folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = write_package(tmp_path, "odd", seed=5, count=30, clicks=1)
    damage(odd)
    out = tmp_path / "report.html"
    assert main(["trial", str(odd), *map(str, folders), "--out", str(out), "--seed", "3"]) == 0
    text = Reader(out.read_text()).text
    assert "Not on this page" in text and re.search(r"TestX-T101-odd: \S.*", text) and str(tmp_path) not in text
    assert "object has no attribute" not in text  # what an unexpected error says may quote somebody's data
    assert "left out: TestX-T101-odd: " in capsys.readouterr().err
    assert main(["trial", str(odd), "--out", str(out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "x.html"], "give the folder of at least one package"),
        (["--log", "x.log", "--out", "x.html"], "--log and --grades belong together"),
        (["nowhere", "--out", "x.html"], "no such folder"),
        (["nowhere", "--out", "away/x.html"], "--out wants a file"),
    ],
)
def test_what_was_asked_wrongly_is_said(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["trial", *words]) == 1
    assert said in capsys.readouterr().err


def test_a_log_and_a_grade_report_tell_what_the_package_tells(folders: list[Path], tmp_path: Path) -> None:
    package = read_package(folders[0])
    grades = write_grade_report(tmp_path / "T101_run0_grade_report_2024-03-02-1200.csv", folders[0])
    out = tmp_path / "report.html"
    dates = ["--start", "2024-01-01", "--end", "2024-02-26"]
    log = ["--log", str(package.event_files[0]), "--grades", str(grades)]
    assert main(["trial", *log, *dates, "--out", str(out)]) == 0
    reader, (_, trial) = Reader(out.read_text()), tried(folders[0])
    assert "What is graded is not known" in reader.text and "not known" in reader.tables["Messages by reason"][1]
    rows = reader.tables[f"Of the {trial.size} named first at each week's end, how many left"]
    wanted = [
        [str(week.week), str(week.asked), str(week.happened), str(round(week.found[SILENCE]))]
        for week in trial.leave.weeks
    ]
    assert [[row[0].partition(" ")[0], row[1], row[2], row[4]] for row in rows[1:-1]] == wanted
    assert f"{sum(one.certified for one in package.learners)} earned a certificate" in reader.text
    assert "does not say when the course began" not in reader.text
    assert main(["trial", *log, "--out", str(out)]) == 0
    assert "does not say when the course began. Weeks are counted from " in Reader(out.read_text()).text


def test_the_four_runs_each_asked_of_a_model_of_the_others(tmp_path: Path) -> None:
    runs = sorted(path.parent for path in Path(os.environ.get("ENGAGE_RUNS", "/nowhere")).glob("OUx-*/*events.log.gz"))
    if len(runs) < 4:
        pytest.skip("ENGAGE_RUNS names no folder with the four runs")
    out = tmp_path / "report.html"
    assert main(["trial", *map(str, runs), "--out", str(out)]) == 0
    text = Reader(out.read_text()).text
    found = re.search(
        r"In week 4 the 20 named first in each of 4 courses held (\d+) of the (\d+) who left; silence alone finds (\d+)",
        text,
    )
    assert found and int(found[1]) > int(found[3]) and "Who had unenrolled by the end of a week" in text
    assert not re.search(r"\d{6,}", text)
