"""A course run from a log and the instructor's grade report: what is read, what is assumed, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engage_backend.engagement.grade_report import package_of_log, read_grade_report
from engage_backend.engagement.package import PackageError, read_package
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, click, course_key, people, write_grade_report, write_package

HEAD = "Student ID,Email,Username,Grade,Certificate Eligible,Certificate Delivered,Certificate Type,Enrollment Status"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_package(tmp_path_factory.mktemp("grades"), "2024", count=60, seed=6, clicks=1)


def csv(place: Path, text: str, encoding: str = "utf-8") -> Path:
    path = place / "grade_report.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_report_tells_who_they_are_and_what_came_of_them(folder: Path, tmp_path: Path) -> None:
    wanted = read_package(folder).learners
    report = read_grade_report(write_grade_report(tmp_path / "grades.csv", folder))
    assert [(one.user_id, one.username, one.certified, one.is_active) for one in report.learners] == [
        (one.user_id, one.username, one.certified, one.is_active) for one in wanted
    ]
    assert [one.grade for one in report.learners] == [one.grade or 0.0 for one in wanted]
    assert report.skipped == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\n7,a@b,ada,0.8,Y,Y,honor,enrolled\n9,b@b,bob,0.1,N,N,N/A,unenrolled\n",
        f"\ufeff{HEAD}\r\n7,a@b,ada,0.8,Y,Y,honor,enrolled\r\n9,b@b,bob,0.1,N,N,N/A,unenrolled\r\n",
        HEAD.replace(",", ";") + "\n7;a@b;ada;0,8;Y;Y;honor;enrolled\n9;b@b;bob;0,1;N;N;N/A;unenrolled\n",
        f"{HEAD}\n9,b@b,bob,0.1,N,N,N/A,unenrolled\n7,a@b,ada,0.8,Y,Y,honor,enrolled\n,,,\nx,?,nobody,1,Y,Y,,\n\n",
        "id,email,username,grade,Certificate Delivered,Enrollment Status\n7,,ada,80%,Y,enrolled\n9,,bob,10%,N,unenrolled\n",
        HEAD
        + ',"Homework 1: a, ""b"""\n7,a@b,ada,0.8,Y,Y,honor,enrolled,Not Attempted\n9,b@b,bob,0.1,N,N,N/A,unenrolled\n',
    ],
)
def test_reports_of_every_release_and_as_spreadsheets_save_them(text: str, tmp_path: Path) -> None:
    report = read_grade_report(csv(tmp_path, text))
    assert [(one.user_id, one.username, one.grade, one.certified, one.is_active) for one in report.learners] == [
        (7, "ada", 0.8, True, True),
        (9, "bob", 0.1, False, False),
    ]


def test_eligible_counts_and_a_passing_grade_where_nobody_has_a_certificate(tmp_path: Path) -> None:
    rows = "7,a@b,ada,0.8,{},N,N/A,enrolled\n9,b@b,bob,0.1,N,N,N/A,enrolled\n8,,eve,,N,N,N/A,enrolled\n"
    waits = read_grade_report(csv(tmp_path, f"{HEAD}\n" + rows.format("Y")), passing=0.05)
    assert [one.certified for one in waits.learners] == [True, False, False]
    none = csv(tmp_path, f"{HEAD}\n" + rows.format("N"))
    assert not any(one.certified for one in read_grade_report(none).learners)
    assert [one.certified for one in read_grade_report(none, passing=0.5).learners] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column Student ID"),
        ("username,title,location,block_id,state\n", "no column Student ID"),
        ("Student ID,Username,Error\n7,ada,broken\n", "no column Grade"),
        (f"{HEAD}\n", "no line of it names a learner"),
        (f"{HEAD}\nx,,,,,,,\n{'9' * 30},,,,,,,\n", "no line of it names a learner"),
        ("\x00\x01\x02", "no column Student ID"),
        (f"{HEAD}\n" + '7,"' + "a" * 200_000 + "\n", "not a CSV file"),
    ],
)
def test_what_is_no_grade_report_is_refused_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(PackageError) as refused:
        read_grade_report(csv(tmp_path, text))
    assert said in str(refused.value) and "\n" not in str(refused.value) and "grade_report.csv" in str(refused.value)


def test_a_report_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="No such file"):
        read_grade_report(tmp_path / "nowhere.csv")


def log_of(place: Path, runs: dict[str, int], *, days: int = 40, late: int = 0) -> Path:
    """A log in which of each run so many of the first learners click on every fifth day; one of them `late` days after all."""
    lines = []
    for run, count in runs.items():
        for learner in people(count, seed=6):
            for day in range(0, days, 5):
                when = datetime.fromtimestamp(START.timestamp() + day * 86_400 + 3_600, UTC)
                lines.append(click(learner.user_id, run, when, "play_video", {"id": "x"}))
        if late:
            when = datetime.fromtimestamp(START.timestamp() + (days + late) * 86_400, UTC)
            lines.append(click(people(1, seed=6)[0].user_id, run, when, "play_video", {"id": "x"}))
    path = place / "tracking.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_course_is_that_of_the_learners_and_its_dates_are_assumed(folder: Path, tmp_path: Path) -> None:
    report = read_grade_report(write_grade_report(tmp_path / "grades.csv", folder))
    log = log_of(tmp_path, {"2024": 60, "other": 9}, late=300)
    package, notes = package_of_log([log], report)
    assert package.course == course_key("2024") and package.schedule.graded == ()
    assert package.schedule.start == micros(START)  # the day of the first clicks
    assert package.schedule.end == micros(START) + 36 * 86_400_000_000  # one click of 481 comes much later
    assert any("does not say when the course began" in note for note in notes) and len(notes) == 2
    end = datetime(2024, 3, 1, tzinfo=UTC)
    dated, none = package_of_log([log], report, course=course_key("other"), start=START, end=end)
    assert (dated.course, dated.schedule.end, none) == (course_key("other"), micros(end), [])


def test_what_does_not_belong_together_is_refused(folder: Path, tmp_path: Path) -> None:
    report = read_grade_report(write_grade_report(tmp_path / "grades.csv", folder))
    both = log_of(tmp_path, {"2024": 60, "other": 50})
    with pytest.raises(PackageError, match=r"60 learners\) and .*other \(50 learners\); say which with --course"):
        package_of_log([both], report)
    with pytest.raises(
        PackageError, match=r"no learner of grades.csv has a click in course-v1:A\+B\+C; there are clicks in: "
    ):
        package_of_log([both], report, course="course-v1:A+B+C")
    with pytest.raises(PackageError, match="before it begins"):
        package_of_log([both], report, course=course_key("2024"), end=datetime(2020, 1, 1, tzinfo=UTC))
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(PackageError, match="they are of different courses"):
        package_of_log([tmp_path / "empty.log"], report)
