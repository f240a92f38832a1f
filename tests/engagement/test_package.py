"""Research packages as they come: complete, incomplete, and with the oddities of real exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engage_backend.engagement.package import PackageError, read_package
from engage_backend.engagement.structure import graded_blocks, micros
from tests.engagement.packages import START, block, course_key, structure, write_package, write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_package(tmp_path, count=6, clicks=1)


def change_structure(folder: Path, changed: dict[str, Any]) -> None:
    next(folder.glob("*course_structure*")).write_text(json.dumps(changed))


def test_a_package_gives_schedule_learners_and_lines(folder: Path) -> None:
    package = read_package(folder)
    schedule = package.schedule
    assert (schedule.course, schedule.display_name, schedule.self_paced) == (course_key("2024"), "Testing", False)
    assert schedule.start == micros(START) and schedule.end == micros(datetime(2024, 2, 26, tzinfo=UTC))
    assert schedule.passing_grade == 0.5  # the lowest of the cut-offs
    assert [graded.points for graded in schedule.graded] == [0.25] * 4
    assert schedule.graded[0].due == micros(datetime(2024, 1, 8, tzinfo=UTC))
    first = package.learners[0]
    assert (first.user_id, first.username, first.name) == (1000, "learner1000", "Ada Number1000")
    assert first.enrolled_at == datetime(2023, 12, 20, 10, tzinfo=UTC)
    assert [learner.certified for learner in package.learners].count(True) > 0
    assert all(json.loads(line) for line in package.lines())


@pytest.mark.parametrize(
    "gone", ["auth_user", "student_courseenrollment", "certificates_generatedcertificate", "course_structure", "events"]
)
def test_a_missing_file_is_named_in_one_line(folder: Path, gone: str) -> None:
    next(path for path in folder.iterdir() if gone in path.name and "userprofile" not in path.name).unlink()
    with pytest.raises(PackageError) as refused:
        read_package(folder)
    assert gone in str(refused.value) and str(folder) in str(refused.value) and "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such folder"):
        read_package(tmp_path / "nowhere")


def test_a_table_without_its_column_is_named(folder: Path) -> None:
    write_table(folder, "2024", "auth_user", "id\tlogin", ["1000\tada"])
    with pytest.raises(PackageError, match="no column username"):
        read_package(folder)


def test_tables_are_read_as_real_exports_write_them(folder: Path) -> None:
    header = "id\tusername\tfirst_name\tlast_name\temail\tis_staff"
    rows = [
        '1000\t"ada"\t""\t""\tada@example.org\t0',
        '1001\ta "quoted\tNULL\t\\N\tb@example.org\t0',
        "1002\tx\t\t\t\t1",
    ]
    write_table(folder, "2024", "auth_user", header, rows, end="\r\n")
    write_table(folder, "2024", "auth_userprofile", "id\tuser_id\tname", ["1\t1000\tAda, \u00c5sa"])
    write_table(folder, "2024", "wiki_article", "whatever", ["that nobody asked for"])
    ada, second, third = read_package(folder).learners
    assert (ada.username, ada.name) == ("ada", "Ada, \u00c5sa")
    assert (second.username, second.name) == ('a "quoted', "")
    assert third.is_staff and not ada.is_staff


def test_an_enrolment_that_stands_twice_is_one_learner_from_its_first_day(folder: Path) -> None:
    key = course_key("2024")
    rows = [f"1\t1000\t{key}\t2024-01-09T00:00:00Z\t0\taudit", f"2\t1000\t{key}\t2024-01-02 00:00:00.5\t1\tverified"]
    rows.append("3\t1001\tcourse-v1:Other+X+1\t2024-01-02 00:00:00\t1\taudit")
    write_table(folder, "2024", "student_courseenrollment", "id\tuser_id\tcourse_id\tcreated\tis_active\tmode", rows)
    (learner,) = read_package(folder).learners
    assert learner.enrolled_at == datetime(2024, 1, 2, 0, 0, 0, 500_000, tzinfo=UTC)
    assert learner.is_active and learner.mode == "verified"


def test_course_team_roles_are_staff_and_beta_testers_are_not(folder: Path) -> None:
    write_table(folder, "2024", "student_courseaccessrole", "user_id\trole", ["1000\tinstructor", "1001\tbeta_testers"])
    staff = {learner.user_id for learner in read_package(folder).learners if learner.is_staff}
    assert staff == {1000}


def test_a_letter_grade_passes_where_no_certificate_tells(folder: Path) -> None:
    write_table(
        folder, "2024", "certificates_generatedcertificate", "user_id\tstatus", ["1000\tnotpassing", "1001\tdeleted"]
    )
    header = "user_id\tpercent_grade\tletter_grade\tpassed_timestamp"
    rows = ["1000\t0.9\tPass\t", "1001\t0.6\tPass\t2024-02-02", "1002\t0.2\t\tNULL"]
    write_table(folder, "2024", "grades_persistentcoursegrade", header, rows)
    learners = {learner.user_id: learner for learner in read_package(folder).learners}
    assert [learners[user].certified for user in (1000, 1001, 1002, 1003)] == [False, True, False, False]
    assert [learners[user].grade for user in (1000, 1002)] == [0.9, 0.2]


def test_old_keys_and_several_logs_are_read(folder: Path) -> None:
    changed = structure("2024")
    root = changed.pop(block("2024", "course", "course"))
    change_structure(folder, {"i4x://TestX/T101/course/2024": root, **changed})
    write_table(folder, "2024", "student_courseenrollment", "id\tuser_id\tcreated", ["1\t1000\t2024-01-02 00:00:00"])
    (folder / "testx-edx-events-2024-05-08.log").write_text("one more\n")
    package = read_package(folder)
    assert package.course == "TestX/T101/2024"
    assert len(package.event_files) == 2 and [*package.lines()][-1] == b"one more"


def test_a_structure_that_is_none_is_refused(folder: Path) -> None:
    change_structure(folder, {"x": {"category": "problem"}})
    with pytest.raises(PackageError, match="no block of the category `course`"):
        read_package(folder)
    next(folder.glob("*course_structure*")).write_text("{")
    with pytest.raises(PackageError, match="not a JSON object"):
        read_package(folder)


def test_weights_that_do_not_sum_to_one_are_scaled() -> None:
    changed = structure("2024")
    for number in range(4):
        changed[block("2024", f"p{number}")]["metadata"]["weight"] = number  # one counts nothing
    graded = graded_blocks(changed, block("2024", "course", "course"), {})
    assert [one.points for one in graded] == pytest.approx([1 / 6, 2 / 6, 3 / 6])


def test_assignment_types_share_their_weight_over_subsections() -> None:
    """As Studio writes it: `graded`, `format` and `due` stand on the subsection, weights on problems, shares in the policy."""
    due = "2024-01-08T00:00:00Z"
    tree: dict[str, Any] = {
        "course": {"category": "course", "children": ["hw1", "hw2", "exam", "practice"]},
        "hw1": {
            "category": "sequential",
            "children": ["v1"],
            "metadata": {"graded": True, "format": "Homework", "due": due, "display_name": "Homework 1"},
        },
        "v1": {"category": "vertical", "children": ["a", "b", "text"]},
        "a": {"category": "problem", "metadata": {"weight": 3, "display_name": "Sums"}},
        "b": {"category": "problem", "metadata": {}},
        "text": {"category": "html", "metadata": {}},
        "hw2": {"category": "sequential", "children": ["c"], "metadata": {"graded": True, "format": "Homework"}},
        "c": {"category": "openassessment", "metadata": {"display_name": "An essay"}},
        "exam": {"category": "sequential", "children": ["d"], "metadata": {"graded": True, "format": "Exam"}},
        "d": {"category": "problem"},
        "practice": {"category": "sequential", "children": ["e"]},
        "e": {"category": "problem"},
    }
    policy = {"GRADER": [{"type": "Homework", "weight": 0.4}, {"type": "Exam", "weight": 0.6}]}
    graded = {one.block: one for one in graded_blocks(tree, "course", policy)}
    assert {name: round(one.points, 6) for name, one in graded.items()} == {"a": 0.15, "b": 0.05, "c": 0.2, "d": 0.6}
    assert graded["a"].due == micros(datetime(2024, 1, 8, tzinfo=UTC)) and graded["d"].due is None
    names = {"a": "Homework 1: Sums", "b": "Homework 1", "c": "An essay", "d": ""}
    assert {name: one.name for name, one in graded.items()} == names
