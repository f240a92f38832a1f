"""What the API says beside the predictions, from memory: facets, tasks, groups, single learners, looking back."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2013, 4, 11, 9, tzinfo=UTC)
MINUTE = int(NOW.timestamp() // 60)
DAY = 1_440
COHORTS = ("North", "South", "West")
MODES = ("audit", "verified")
# Target -> by tenth how many were given that, and for how many of them it came true.
LOOKED_BACK = {
    "certify": ((60, 2), (60, 6), (60, 14), (50, 18), (40, 17), (30, 16), (50, 31), (40, 28), (30, 24), (30, 26)),
    "complete": ((50, 3), (45, 6), (35, 9), (35, 13), (35, 16), (35, 20), (35, 20), (40, 33), (45, 40), (45, 44)),
    "leave": ((120, 6), (60, 7), (40, 6), (30, 9), (30, 12), (25, 13), (25, 15), (30, 22), (25, 20), (15, 13)),
}
TASKS = (("TMA 1", -40), ("TMA 2", -12), ("TMA 3", -2), ("TMA 4", 2))  # name, days from now to the due date


def block_of(name: str) -> str:
    """The usage key of a task."""
    return f"block-v1:OUx+BBB+2013B+type@problem+block@{name.replace(' ', '').lower()}"


@dataclass
class Person:
    """What is known of a learner besides the predictions; moments in minutes since 1970."""

    mode: int | None = None
    cohort: int | None = None
    last_active: int | None = None
    written: int | None = None
    week: tuple[int | None, int | None, int | None] = (None, None, None)
    handed_in: frozenset[str] = frozenset()


@dataclass
class Beside:
    """What the server answers at the other addresses. `broken`: those that it answers with 500."""

    people: dict[str, Person] = field(default_factory=dict)
    presets: list[dict[str, Any]] = field(default_factory=list)
    segments: list[dict[str, Any]] = field(default_factory=list)
    hindsight: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # a name or address -> pseudonym
    looked_up: list[str] = field(default_factory=list)  # what an AccessRecord would be written for
    broken: set[str] = field(default_factory=set)
    level: int | None = None  # of every learner, where one is opened

    def answer(self, name: str, query: dict[str, str]) -> tuple[int, Any]:
        """Status and answer of a GET."""
        if name.partition("/")[0] in self.broken:
            return 500, {"title": "Internal Server Error", "status": 500}
        if name == "facets":
            return 200, self._facets()
        if name == "tasks":
            return 200, {"tasks": [self._task(*task) for task in TASKS]}
        if name == "tasks/handed_in":
            who = [pseudonym for pseudonym, person in self.people.items() if query["block"] in person.handed_in]
            due = next((days for task, days in TASKS if block_of(task) == query["block"]), 0)
            minute = int((NOW + timedelta(days=due)).timestamp()) // 60
            dates = {"due": minute, "grace": 0, "own_due": {}}
            return 200, {"block": query["block"], "learners": who, "excused": [], **dates}
        if name == "presets":
            return 200, {"presets": self.presets, "segments": self.segments}
        if name == "hindsight":
            return 200, {"rows": self.hindsight}
        if name.startswith("learners/") and (pseudonym := name.removeprefix("learners/")) in self.people:
            return 200, self._learner(pseudonym)
        return 404, {"title": "Not Found", "status": 404}

    def change(self, method: str, name: str, data: Any) -> tuple[int, Any]:
        """Status and answer of a POST or DELETE."""
        if name.partition("/")[0] in self.broken:
            return 500, {"title": "Internal Server Error", "status": 500}
        if method == "POST" and name == "lookup":
            found = self.names.get(data["query"].lower())
            self.looked_up += [found] if found else []
            return 200, {"matches": [{"pseudonym": found}] if found else []}
        if method == "POST" and name == "segments":
            if any(segment["name"] == data["name"] for segment in self.segments):
                return 409, {"title": "Conflict", "status": 409, "detail": "There is a group of this name already."}
            count = 1 + max((segment["id"] for segment in self.segments), default=0)
            self.segments.append({"id": count, "count": 1, "week_ago": None, "description": "", **data})
            return 201, self.segments[-1]
        if method == "DELETE" and name.startswith("segments/"):
            wanted = int(name.removeprefix("segments/"))
            self.segments = [segment for segment in self.segments if segment["id"] != wanted]
            return 204, None
        return 404, {"title": "Not Found", "status": 404}

    def _facets(self) -> dict[str, Any]:
        people = list(self.people.values())
        return {
            "as_of": NOW.isoformat(),
            "cursor": "1",
            "modes": list(MODES),
            "cohorts": list(COHORTS),
            "learners": list(self.people),
            "mode": [person.mode for person in people],
            "cohort": [person.cohort for person in people],
            "last_active": [person.last_active for person in people],
            "written": [person.written for person in people],
            "week": {
                target: [person.week[place] for person in people]
                for place, target in enumerate(("certify", "complete", "leave"))
            },
        }

    def _task(self, name: str, days: int) -> dict[str, Any]:
        block = block_of(name)
        handed_in = sum(block in person.handed_in for person in self.people.values())
        due = (NOW + timedelta(days=days)).isoformat()
        return {"block": block, "name": name, "due": due, "points": 20, "handed_in": handed_in, "of": len(self.people)}

    def _learner(self, pseudonym: str) -> dict[str, Any]:
        person = self.people[pseudonym]
        random_ = random.Random(pseudonym)
        values, weeks = [0.45, 0.55, 0.3], []
        for days in range(63, -1, -7):
            values = [min(0.99, max(0.01, value + random_.gauss(0.02, 0.07))) for value in values]
            figures = dict(zip(("certify", "complete", "leave"), (int(1000 * value) for value in values), strict=True))
            weeks.append({"day": (NOW - timedelta(days=days)).date().isoformat(), **figures})
        activity = []
        for week in range(1, 11):
            kinds = {kind: int(random_.expovariate(1 / 14)) for kind in ("video", "problem", "forum", "other")}
            activity.append({"week": week, "total": sum(kinds.values()), "kinds": kinds})
        tasks = []
        for name, days in TASKS:
            at = (NOW + timedelta(days=days - 1)).isoformat() if block_of(name) in person.handed_in else None
            done = {"score": 14.0, "attempts": 2, "at": at} if at else {"score": None, "attempts": 0, "at": None}
            done["state"] = "graded" if at else "missing" if days <= 0 else "not_yet"
            due = (NOW + timedelta(days=days)).isoformat()
            tasks.append({"block": block_of(name), "name": name, "due": due, "possible": 20.0, **done})
        last = None if person.last_active is None else datetime.fromtimestamp(person.last_active * 60, UTC).isoformat()
        written = (
            [] if person.written is None else [{"id": 1, "subject": "How is it going?", "state": "sent", "at": last}]
        )
        return {
            "pseudonym": pseudonym,
            "state": "active",
            "mode": None if person.mode is None else MODES[person.mode],
            "cohort": None if person.cohort is None else COHORTS[person.cohort],
            "enrolled_at": (NOW - timedelta(days=70)).isoformat(),
            "last_active": last,
            "probabilities": {target: weeks[-1][target] for target in ("certify", "complete", "leave")},
            "level": self.level,
            "expected_level": None if self.level is None else 100 * self.level,
            "reasons": {
                **(
                    {}
                    if self.level is None
                    else {"level": [{"text": "active on 9 of the last 14 days", "effect": 0.3}]}
                ),
                "certify": [
                    {"text": "Handed in 2 of 3 tasks that were due", "effect": 0.4},
                    {"text": "Was last here 6 days ago", "effect": -0.2},
                ],
            },
            "weeks": weeks,
            "activity": activity,
            "change": None,
            "tasks": tasks,
            "messages": written,
        }


def beside(rows: Iterable[tuple[str, str]], *, seed: int = 2) -> Beside:
    """A course of these learners (pseudonym, state), with three cohorts, two modes, four tasks and two presets."""
    random_ = random.Random(seed)
    people = {pseudonym: _person(random_, state) for pseudonym, state in rows}
    scale = len(people) / 400
    presets = [
        {
            "name": "Completes without a certificate",
            "criteria": {"version": 1, "states": ["active"], "ranges": {"complete": [800, 1000], "certify": [0, 200]}},
            "count": int(34 * scale),
            "week_ago": int(29 * scale),
            "description": "Active; complete 80–100 %; certify 0–20 %",
        },
        {
            "name": "About to leave",
            "criteria": {
                "version": 1,
                "states": ["active"],
                "ranges": {"leave": [800, 1000], "complete": [0, 700], "certify": [0, 700]},
            },
            "count": int(12 * scale),
            "week_ago": int(14 * scale),
            "description": "Active; complete 0–70 %; certify 0–70 %; the 3 most likely to leave of 40",
        },
    ]
    segments = [
        {
            "id": 1,
            "name": "North, TMA 3 missing",
            "criteria": {"version": 1, "cohorts": ["North"], "task": {"block": block_of("TMA 3"), "handed_in": False}},
            "count": int(41 * scale),
            "week_ago": None,
            "description": "",
        }
    ]
    hindsight = [
        {
            "week": week,
            "target": target,
            "low": 100 * tenth,
            "high": 100 * tenth + (100 if tenth == 9 else 99),
            "learners": learners,
            "happened": happened,
        }
        for week in (4, 8)
        for target, tenths in LOOKED_BACK.items()
        for tenth, (learners, happened) in enumerate(tenths)
    ]
    return Beside(people, presets, segments, hindsight)


def _person(random_: random.Random, state: str) -> Person:
    days = {"active": random_.expovariate(1 / 4) % 14, "gone": 15 + random_.expovariate(1 / 20), "finished": 6.0}.get(
        state
    )
    share = 0.85 if state in ("active", "finished") else 0.3
    return Person(
        mode=random_.choices([0, 1, None], [7, 4, 0.2])[0],
        cohort=random_.choices([0, 1, 2, None], [4, 3, 3, 0.3])[0],
        last_active=None if days is None else MINUTE - int(days * DAY),
        written=MINUTE - random_.randrange(20 * DAY) if random_.random() < 0.3 else None,
        week=(
            tuple(None if state != "active" else int(random_.gauss(0, 80)) for _ in range(3))  # type: ignore[arg-type]
        ),
        handed_in=frozenset(
            block_of(name) for name, due in TASKS if random_.random() < (share if due < 0 else share / 3)
        ),
    )
