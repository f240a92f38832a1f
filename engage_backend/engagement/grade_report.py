"""A course run from a tracking log and the grade report of the instructor dashboard, where there is no research package.

The report is the CSV that the dashboard's "Generate Grade Report" makes: a line for each learner who is or was enrolled
(`lms/djangoapps/instructor_task/tasks_helper/grades.py`). It tells who the learners are, and outcomes; nothing of the schedule:
what is graded, when it is due, when the course began and ended. Dates are given by the user, or taken from the log.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from engage_backend.clickstream.files import read_lines
from engage_backend.clickstream.names import ENROLLED, is_activity
from engage_backend.clickstream.parse import latest, parse_lines
from engage_backend.engagement.counters import DAY
from engage_backend.engagement.package import Package, PackageError, PackageLearner
from engage_backend.engagement.structure import EPOCH, micros
from engage_backend.platform.protocol import CourseSchedule

_LINES_AT_ONCE = 50_000
_BEGUN = 0.1  # of the learners who ever come: the course has begun, where nobody says when
_OVER = 0.99  # of the clicks: the course is over, where nobody says when
# Headings that are read, in small letters; the first is today's, the others are of older releases.
_ID = ("student id", "user id", "id")
_NAME = ("username", "student username")
_GRADE = ("grade",)
_ELIGIBLE, _DELIVERED, _STATUS = "certificate eligible", "certificate delivered", "enrollment status"


@dataclass(slots=True)
class GradeReport:
    """What the report says: learners, sorted by user id, each once. Since when they are enrolled it does not say: the epoch."""

    path: Path
    learners: list[PackageLearner]
    skipped: int  # lines that are no learner's


@dataclass(slots=True)
class LogCourse:
    """What a log holds of one course run, of the learners of a report."""

    first: dict[int, int] = field(default_factory=dict)  # user id -> time of the first click, µs
    enrolled: dict[int, int] = field(default_factory=dict)  # user id -> time of the first enrolment
    days: Counter[int] = field(default_factory=Counter)  # day since 1970 -> clicks


def read_grade_report(path: Path, *, passing: float | None = None) -> GradeReport:
    """Read the CSV. `passing`: the grade, 0 to 1, that counts as a certificate where the report tells of none.

    Raises PackageError with what is wrong with the file.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
            heading = handle.readline()
            handle.seek(0)
            rows = list(csv.reader(handle, delimiter=max(",;\t", key=heading.count)))
    except OSError as problem:
        raise PackageError(f"{path}: {problem.strerror}") from problem
    except csv.Error as problem:
        raise PackageError(f"{path}: not a CSV file ({problem})") from problem
    column = {name.strip().casefold(): at for at, name in reversed(list(enumerate(rows[0] if rows else [])))}
    user, name, grade = (next((column[one] for one in names if one in column), None) for names in (_ID, _NAME, _GRADE))
    if user is None or name is None or (grade is None and _DELIVERED not in column):
        wanted = "Student ID" if user is None else "Username" if name is None else "Grade"
        where = "the instructor dashboard makes it (Data Download, Generate Grade Report)"
        raise PackageError(f"{path}: no column {wanted}. Give the course's grade report; {where}")
    learners: dict[int, PackageLearner] = {}
    skipped = 0
    for row in rows[1:]:
        cells = [cell.strip() for cell in row] + [""] * (len(rows[0]) - len(row))
        if not cells[user].isascii() or not cells[user].isdigit() or len(cells[user]) > 18:
            skipped += bool("".join(cells))
            continue
        share = _share(cells[grade]) if grade is not None else None
        learners[int(cells[user])] = PackageLearner(
            user_id=int(cells[user]),
            username=cells[name],
            name="",
            email="",
            enrolled_at=EPOCH,
            is_active=_STATUS not in column or cells[column[_STATUS]].casefold() != "unenrolled",
            mode="",
            certified=any(cells[column[one]].upper() == "Y" for one in (_ELIGIBLE, _DELIVERED) if one in column),
            grade=share,
            is_staff=False,
        )
    if not learners:
        raise PackageError(f"{path}: no line of it names a learner by number")
    ordered = [learners[key] for key in sorted(learners)]
    if passing is not None and not any(one.certified for one in ordered):
        ordered = [one._replace(certified=one.grade is not None and one.grade >= passing) for one in ordered]
    return GradeReport(path, ordered, skipped)


def package_of_log(
    logs: Sequence[Path],
    report: GradeReport,
    *,
    course: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Callable[[int], object] = lambda lines: None,
) -> tuple[Package, list[str]]:
    """Return the run that these logs and the report are of, and in sentences what had to be assumed. Reads the logs once.

    `course` is the course key; without it, that of the one course in which the report's learners clicked. Raises PackageError
    where there is no such course or more than one, and OSError where a log cannot be read.
    """
    courses = _survey(logs, report, progress)
    key = course or _only_course(courses, logs)
    found = courses.get(key)
    if found is None or not found.days:
        there = ", ".join(sorted(name for name, one in courses.items() if one.days)[:5]) or "of no course"
        raise PackageError(
            f"{logs[0]}: no learner of {report.path.name} has a click in {key}; there are clicks in: {there}"
        )
    notes = []
    if report.skipped:
        notes.append(
            f"Lines of the grade report that name no learner by number, and were passed over: {report.skipped}."
        )
    begun, over = _dates(found)
    if start is None:
        notes.append(
            f"The log does not say when the course began. Weeks are counted from {_day(begun)}, when one in ten of its "
            "learners had been seen (--start sets another day)."
        )
    if end is None:
        notes.append(
            f"The log does not say when the course ended. It is taken to end after {_day(over - DAY)}, by when 99 of 100 "
            "clicks had been made (--end sets another day)."
        )
    schedule = CourseSchedule(
        course=key,
        display_name=key.partition(":")[2].replace("+", " ") or key,
        start=begun if start is None else micros(start),
        end=over if end is None else micros(end),
    )
    if schedule.end is not None and schedule.end <= schedule.start:
        raise PackageError(f"{key}: it would end on {_day(schedule.end)}, before it begins on {_day(schedule.start)}")
    learners = [
        one._replace(enrolled_at=EPOCH + timedelta(microseconds=found.enrolled.get(one.user_id, schedule.start)))
        for one in report.learners
    ]
    return Package(report.path.parent / key, schedule, learners, list(logs)), notes


def _survey(logs: Sequence[Path], report: GradeReport, progress: Callable[[int], object]) -> dict[str, LogCourse]:
    """Return what the logs hold of each course, of the report's learners."""
    names = {one.username: one.user_id for one in report.learners if one.username}
    people = {one.user_id for one in report.learners}
    until = latest(datetime.now(UTC))
    courses: dict[str, LogCourse] = defaultdict(LogCourse)
    lines = (line for path in logs for line in read_lines(path))
    for part in _parts(lines):
        for event in parse_lines(part, until=until, names=names)[0]:
            if event.learner not in people or not event.course:
                continue
            here = courses[event.course]
            if event.kind == ENROLLED:
                here.enrolled[event.learner] = min(event.time, here.enrolled.get(event.learner, event.time))
            elif is_activity(event.kind):
                here.first[event.learner] = min(event.time, here.first.get(event.learner, event.time))
                here.days[event.time // DAY] += 1
        progress(len(part))
    return courses


def _parts(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while part := list(islice(lines, _LINES_AT_ONCE)):
        yield part


def _only_course(courses: dict[str, LogCourse], logs: Sequence[Path]) -> str:
    """Return the key of the course that most of the learners clicked in; of two that half as many did, neither."""
    by_size = sorted(((len(one.first), key) for key, one in courses.items() if one.first), reverse=True)
    if not by_size:
        raise PackageError(
            f"{logs[0]}: no learner of the grade report has a click in this log: they are of different courses"
        )
    if len(by_size) > 1 and by_size[1][0] * 2 > by_size[0][0]:
        named = " and ".join(f"{key} ({count} learners)" for count, key in by_size[:2])
        raise PackageError(
            f"{logs[0]}: the learners of the grade report clicked in {named}; say which with --course KEY"
        )
    return by_size[0][1]


def _dates(found: LogCourse) -> tuple[int, int]:
    """Return when the course began and ended, µs, as far as its clicks tell: both between days."""
    firsts = sorted(found.first.values())
    begun = firsts[int(len(firsts) * _BEGUN)] // DAY
    total, passed, over = found.days.total(), 0, begun
    for day in sorted(found.days):
        passed += found.days[day]
        over = day
        if passed >= _OVER * total:
            break
    return begun * DAY, (over + 1) * DAY


def _day(moment: int) -> str:
    """Return the day of a time (µs) in words."""
    when = EPOCH + timedelta(microseconds=moment)
    return f"{when.day} {when:%B %Y}"


def _share(text: str) -> float | None:
    """Return a grade as a share, 0 to 1; None where the cell holds none."""
    try:
        share = float(text.replace(",", ".").removesuffix("%"))
    except ValueError:
        return None
    return min(max(share / 100 if text.endswith("%") else share, 0.0), 1.0) if share == share else None
