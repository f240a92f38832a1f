"""Reader of edX research data packages: one folder per course run, as partner institutions receive them.

A package holds tracking-log files (`*events*.log`, plain, `.gz` or `.xz`), tables as tab-separated text with a header
(`*-auth_user-*.sql` and so on) and the course structure as JSON. Tables that are not named here are not opened.
The end-state tables (certificates, grades, `is_active`) are for labels only, never for features or filters.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from engage_backend.clickstream.files import read_lines
from engage_backend.engagement.structure import EPOCH, graded_blocks, micros, moment
from engage_backend.platform.protocol import CourseSchedule

# `downloadable` is a certificate; the others are a passing grade whose certificate waits for something else.
PASSED = {"downloadable", "generating", "regenerating", "audit_passing", "honor_passing", "unverified"}
FAILED = {"notpassing", "audit_notpassing"}
STAFF_ROLES = {"staff", "instructor", "limited_staff"}
MISSING = {"", "NULL", "null", "None", r"\N"}


class PackageError(Exception):
    """A folder that is no complete package. The message is one line that names what is missing or wrong."""


class PackageLearner(NamedTuple):
    """One enrolled person. `certified`, `certified_at`, `grade` and `is_active` are known after the end only."""

    user_id: int
    username: str
    name: str
    email: str
    enrolled_at: datetime  # UTC
    is_active: bool  # False: unenrolled by the time the package was made
    mode: str
    certified: bool
    grade: float | None  # share of the course grade, 0 to 1
    is_staff: bool
    certified_at: datetime | None = None  # UTC


@dataclass(frozen=True)
class Package:
    """A package whose files are all there. The log is read only when asked for."""

    folder: Path
    schedule: CourseSchedule
    learners: list[PackageLearner]  # sorted by user id, each once
    event_files: list[Path]

    @property
    def name(self) -> str:
        """The folder's name, ORG-COURSE-RUN where edX made it."""
        return self.folder.name

    @property
    def course(self) -> str:
        """The course key."""
        return self.schedule.course

    def lines(self) -> Iterator[bytes]:
        """Every line of every log file, in the order of the files' names (edX names them by date)."""
        for path in self.event_files:
            yield from read_lines(path)


def read_package(folder: Path) -> Package:
    """Open a package: read its tables and structure, find its logs. Raises PackageError, naming what is missing."""
    folder = Path(folder).resolve()
    if not folder.is_dir():
        raise PackageError(f"{folder}: no such folder")
    events = sorted(p for p in folder.iterdir() if re.search(r"events.*\.log(\.gz|\.xz)?$", p.name))
    if not events:
        raise PackageError(
            f"{folder}: no log file named like *events*.log, .log.gz or .log.xz: give the folder of one course run's package"
        )
    users = {row["id"]: row for row in _table(folder, "auth_user", ("id", "username"))}
    names = {
        row["user_id"]: row.get("name", "") for row in _table(folder, "auth_userprofile", ("user_id",), optional=True)
    }
    enrolments = list(_table(folder, "student_courseenrollment", ("user_id", "created")))
    certificates = _latest(_table(folder, "certificates_generatedcertificate", ("user_id", "status")))
    grades = _latest(_table(folder, "grades_persistentcoursegrade", ("user_id",), optional=True))
    roles = _table(folder, "student_courseaccessrole", ("user_id", "role"), optional=True)
    staff = {row["user_id"] for row in roles if row["role"] in STAFF_ROLES}
    staff |= {key for key, row in users.items() if _true(row.get("is_staff")) or _true(row.get("is_superuser"))}
    schedule = _schedule(folder, next((row["course_id"] for row in enrolments if row.get("course_id")), ""))

    learners: dict[int, PackageLearner] = {}
    for row in enrolments:
        key = row["user_id"]
        user, created = users.get(key), moment(row["created"])
        if user is None or not key.isdecimal() or row.get("course_id", schedule.course) not in ("", schedule.course):
            continue
        before = learners.get(int(key))
        # An enrolment that stands twice began with the earlier row; the later one says how it ended.
        enrolled = min(
            filter(None, (created, before and before.enrolled_at)),
            default=EPOCH + timedelta(microseconds=schedule.start),
        )
        certificate, grade = certificates.get(key, {}), grades.get(key, {})
        certified = _certified(certificate, grade)
        learners[int(key)] = PackageLearner(
            user_id=int(key),
            username=user["username"],
            name=names.get(key) or f"{user.get('first_name', '')} {user.get('last_name', '')}".strip(),
            email=user.get("email", ""),
            enrolled_at=enrolled,
            is_active=_true(row.get("is_active", "1")),
            mode=row.get("mode", ""),
            certified=certified,
            grade=_number(grade.get("percent_grade")) if grade else _number(certificate.get("grade")),
            is_staff=key in staff,
            certified_at=moment(certificate.get("created_date", "")) if certified else None,
        )
    return Package(folder, schedule, [learners[key] for key in sorted(learners)], events)


def _certified(certificate: dict[str, str], grade: dict[str, str]) -> bool:
    """A certificate's status decides; without a telling one, edX writes a letter grade only for those who passed."""
    status = certificate.get("status", "")
    if status in PASSED or status in FAILED:
        return status in PASSED
    return bool(grade.get("letter_grade") or grade.get("passed_timestamp"))


def _schedule(folder: Path, course_id: str) -> CourseSchedule:
    found = sorted(folder.glob("*course_structure-*.json"))
    if not found:
        raise PackageError(f"{folder}: no file *course_structure-*.json")
    try:
        structure: dict[str, Any] = json.loads(found[0].read_bytes())
        root_key, root = next((key, block) for key, block in structure.items() if block.get("category") == "course")
    except (ValueError, AttributeError):
        raise PackageError(f"{found[0]}: not a JSON object of blocks") from None
    except StopIteration:
        raise PackageError(f"{found[0]}: no block of the category `course`") from None
    metadata: dict[str, Any] = root.get("metadata") or {}
    start, end = moment(metadata.get("start", "")), moment(metadata.get("end", ""))
    if start is None:
        raise PackageError(f"{found[0]}: the course has no start date")
    policy = metadata.get("grading_policy") or {}
    cutoffs = [value for value in map(_number, (policy.get("GRADE_CUTOFFS") or {}).values()) if value]
    return CourseSchedule(
        course=_course_key(root_key) or course_id,
        display_name=str(metadata.get("display_name") or ""),
        start=micros(start),
        end=micros(end) if end and end > start else None,
        self_paced=metadata.get("self_paced") is True,
        passing_grade=min(cutoffs, default=0.5),
        graded=tuple(graded_blocks(structure, root_key, policy)),
    )


def _course_key(root: str) -> str:
    """The course key in the usage key of the course's root block: new form, or i4x://ORG/COURSE/course/RUN."""
    if match := re.match(r"block-v1:(.+?)\+type@", root):
        return f"course-v1:{match[1]}"
    if match := re.match(r"i4x://([^/]+)/([^/]+)/course/([^/]+)$", root):
        return "/".join(match.groups())
    return ""


def _table(folder: Path, name: str, columns: tuple[str, ...], *, optional: bool = False) -> Iterator[dict[str, str]]:
    """The rows of a table as {column: text}; NULL is the empty text. Raises PackageError when it is not there."""
    pattern = re.compile(rf"(^|-){name}-.*\.sql(\.gz|\.xz)?$")
    path = next((p for p in sorted(folder.iterdir()) if pattern.search(p.name)), None)
    if path is None:
        if optional:
            return iter(())
        raise PackageError(f"{folder}: no file *-{name}-*.sql")
    rows = _rows(path)
    header = next(rows, [])
    if absent := [column for column in columns if column not in header]:
        raise PackageError(f"{path}: no column {', '.join(absent)}")
    return (dict(zip(header, row, strict=False)) for row in rows if len(row) >= len(columns))


def _rows(path: Path) -> Iterator[list[str]]:
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as handle:
        width = 0
        for line in handle:
            line = line.rstrip("\r\n")
            if not line:
                continue
            fields = line.split("\t")
            # edX quotes nothing and a name may hold a lone quotation mark; other writers quote as CSV does.
            if width and len(fields) != width and '"' in line:
                fields = next(csv.reader([line], delimiter="\t"))
            width = width or len(fields)
            yield [_text(field) for field in fields]


def _text(field: str) -> str:
    if len(field) >= 2 and field[0] == field[-1] == '"':
        field = field[1:-1].replace('""', '"')
    return "" if field in MISSING else field


def _latest(rows: Iterator[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {row["user_id"]: row for row in rows}


def _true(text: str | None) -> bool:
    return text in ("1", "true", "True", "t")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) != float("inf") else None


class Profile(NamedTuple):
    """What somebody said of themselves: for judging a model by group, never for a model to read."""

    gender: str = ""  # as edX codes it: f, m, o
    year_of_birth: int | None = None
    education: str = ""  # as edX codes it: p, m, b, a, hs, jhs, el, none, other


def profiles(folder: Path) -> dict[int, Profile]:
    """The profiles of a package by user id; none where it has no such table."""
    found = {}
    for row in _table(folder, "auth_userprofile", ("user_id",), optional=True):
        if row["user_id"].isdecimal():
            year = row.get("year_of_birth", "")
            born = int(year) if year.isdecimal() else None
            found[int(row["user_id"])] = Profile(row.get("gender", ""), born, row.get("level_of_education", ""))
    return found


# What edX's codes mean, in the order in which groups are shown.
GENDERS = {"f": "women", "m": "men", "o": "other"}
EDUCATION = {
    "p": "doctorate",
    "m": "master's or professional degree",
    "b": "bachelor's degree",
    "a": "associate degree",
    "hs": "secondary school",
    "jhs": "junior secondary school",
    "el": "elementary school",
    "none": "no formal education",
    "other": "other education",
}
AGES = (20, 30, 40, 55)  # a group ends below each


def attributes(profile: Profile | None, start: int) -> dict[str, str]:
    """The groups that somebody belongs to, by attribute; those that are not told are not there."""
    found = {}
    if profile is not None:
        if profile.gender in GENDERS:
            found["gender"] = GENDERS[profile.gender]
        if profile.education in EDUCATION:
            found["education"] = EDUCATION[profile.education]
        if profile.year_of_birth is not None:
            age = datetime.fromtimestamp(start / 1e6, UTC).year - profile.year_of_birth
            if 10 <= age <= 100:
                found["age"] = _age_group(age)
    return found


def _age_group(age: int) -> str:
    """The words for the group of an age in years."""
    if age < AGES[0]:
        return f"under {AGES[0]}"
    if age >= AGES[-1]:
        return f"{AGES[-1]} and older"
    at = sum(age >= limit for limit in AGES)
    return f"{AGES[at - 1]} to {AGES[at] - 1}"


def groups_in_order(groups: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    """The groups that occur, by attribute, in the order of the tables above."""
    there = {pair for found in groups for pair in found.items()}
    ages = [_age_group(age) for age in (AGES[0] - 1, *AGES)]
    every = [("gender", name) for name in GENDERS.values()]
    every += [("education", name) for name in EDUCATION.values()] + [("age", name) for name in ages]
    return [pair for pair in every if pair in there]
