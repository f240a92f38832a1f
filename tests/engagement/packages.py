"""Small research packages for tests, written file by file as edX writes them: made from a seed, the same every time."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engage_backend.engagement.package import read_package

START = datetime(2024, 1, 1, tzinfo=UTC)
WEEKS = 8
PASSING = 0.5
DUE = (1, 3, 5, 7)  # end of these weeks; a quarter of the grade each


@dataclass(frozen=True)
class Person:
    """One learner: how long they stay and what comes of it."""

    user_id: int
    weeks: int  # active for so many
    hands_in: int  # of the four graded blocks
    certified: bool

    @property
    def username(self) -> str:
        return f"learner{self.user_id}"


def people(count: int, seed: int = 0) -> list[Person]:
    """Half stay to the end and mostly earn a certificate, half leave sooner or later."""
    dice = random.Random(f"people {seed}")
    made = []
    for number in range(count):
        weeks = WEEKS if number % 2 else dice.randint(1, 6)
        hands_in = sum(1 for due in DUE if due <= weeks and dice.random() < 0.9)
        made.append(Person(1000 * (seed + 1) + number, weeks, hands_in, hands_in >= 3))
    return made


def course_key(run: str) -> str:
    return f"course-v1:TestX+T101+{run}"


def block(run: str, name: str, kind: str = "problem") -> str:
    return f"block-v1:TestX+T101+{run}+type@{kind}+block@{name}"


def write_package(folder: Path, run: str = "2024", *, count: int = 40, seed: int = 0, clicks: int = 4) -> Path:
    """A complete package of an eight-week run: `clicks` a day while somebody stays. Returns its folder."""
    learners = people(count, seed)
    package = folder / f"TestX-T101-{run}"
    package.mkdir(parents=True)
    lines = sorted(line for learner in learners for line in _events(learner, run, clicks))
    with gzip.open(package / f"TestX-T101-{run}-prod-events.log.gz", "wt") as log:
        log.writelines(line + "\n" for _, line in lines)
    key = course_key(run)
    write_table(package, run, "auth_user", "id\tusername\tfirst_name\tlast_name\temail\tis_staff", [
        f"{p.user_id}\t{p.username}\tAda\tNumber{p.user_id}\t{p.username}@example.org\t0" for p in learners
    ])  # fmt: skip
    write_table(package, run, "student_courseenrollment", "id\tuser_id\tcourse_id\tcreated\tis_active\tmode", [
        f"{p.user_id}\t{p.user_id}\t{key}\t2023-12-20 10:00:00\t{int(p.weeks == WEEKS)}\taudit" for p in learners
    ])  # fmt: skip
    write_table(package, run, "certificates_generatedcertificate", "id\tuser_id\tgrade\tcourse_id\tstatus\tcreated_date", [
        f"{p.user_id}\t{p.user_id}\t{p.hands_in / 4}\t{key}\t{'downloadable' if p.certified else 'notpassing'}\t2024-03-01"
        for p in learners
    ])  # fmt: skip
    (package / f"TestX-T101-{run}-course_structure-prod-analytics.json").write_text(json.dumps(structure(run)))
    return package


def write_table(package: Path, run: str, name: str, header: str, rows: list[str], end: str = "\n") -> Path:
    """One table of a package, overwriting what was there."""
    path = package / f"TestX-T101-{run}-{name}-prod-analytics.sql"
    path.write_bytes("".join(line + end for line in [header, *rows]).encode())
    return path


def write_grade_report(path: Path, package: Path, *, certificates: bool = True) -> Path:
    """The grade report that an instructor downloads for the run of a package, with the columns that Teak writes."""
    head = (
        "Student ID,Email,Username,Grade,Homework 1: Sums,Homework 2: Products,Homework (Avg),Cohort Name,Enrollment Track,"
        "Verification Status,Certificate Eligible,Certificate Delivered,Certificate Type,Enrollment Status"
    )
    lines = [head]
    for one in read_package(package).learners:
        has, status = one.certified and certificates, "enrolled" if one.is_active else "unenrolled"
        yes, kind = ("Y", "honor") if has else ("N", "N/A")
        lines.append(
            f"{one.user_id},{one.username}@example.org,{one.username},{one.grade or 0.0},0.5,Not Attempted,0.25,Default Group,"
            f"audit,N/A,{yes},{yes},{kind},{status}"
        )
    path.write_bytes(b"\xef\xbb\xbf" + "".join(line + "\r\n" for line in lines).encode())
    return path


def structure(run: str) -> dict[str, Any]:
    """The course structure as the sample packages hold it: graded problems right below the course."""
    graded = {
        block(run, f"p{number}"): {
            "category": "problem",
            "children": [],
            "metadata": {
                "graded": True,
                "weight": 0.25,
                "due": (START + timedelta(weeks=due)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }
        for number, due in enumerate(DUE)
    }
    root = {
        "category": "course",
        "children": list(graded),
        "metadata": {
            "display_name": "Testing",
            "start": "2024-01-01T00:00:00Z",
            "end": (START + timedelta(weeks=WEEKS)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "grading_policy": {"GRADE_CUTOFFS": {"A": 0.8, "Pass": PASSING}},
        },
    }
    return {block(run, "course", "course"): root, **graded}


def click(user_id: int, run: str, when: datetime, name: str, payload: dict[str, Any], source: str = "browser") -> str:
    """One line of tracking log."""
    return json.dumps({
        "username": f"learner{user_id}", "event_type": name, "name": name, "event_source": source, "agent": "", "page": None,
        "host": "courses.example.org", "session": f"{user_id}{when:%j}", "referer": "", "ip": "", "accept_language": "en",
        "time": when.isoformat(timespec="microseconds"),
        "context": {"user_id": user_id, "course_id": course_key(run), "org_id": "TestX", "path": "/event"},
        "event": payload if source == "server" else json.dumps(payload),
    })  # fmt: skip


def _events(learner: Person, run: str, clicks: int) -> list[tuple[str, str]]:
    dice = random.Random(f"events {learner.user_id} {run}")
    lines = []
    for day in range(7 * learner.weeks):
        for _ in range(dice.randint(0, 2 * clicks)):
            when = START + timedelta(days=day, hours=8, seconds=dice.uniform(0, 36000))
            name = dice.choice(("play_video", "pause_video", "seq_next", "problem_show"))
            lines.append((when.isoformat(), click(learner.user_id, run, when, name, {"id": "x"})))
    for number in range(learner.hands_in):
        when = START + timedelta(weeks=DUE[number], hours=-dice.uniform(2, 40))
        score = round(dice.uniform(0.4, 1.0), 2)
        payload = {
            "problem_id": block(run, f"p{number}"), "success": "correct", "grade": score, "max_grade": 1.0, "attempts": 1,
        }  # fmt: skip
        lines.append((when.isoformat(), click(learner.user_id, run, when, "problem_check", payload, "server")))
    return lines
