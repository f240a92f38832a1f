"""Tracking-log lines as an LMS of the Teak era writes them, made up: load for benchmarks and for trying out a site.

Learners come in sessions: they open units through the MFE, watch, answer, look at their progress, read the forum. Lines have
every form that edX writes: the server's explicit events with an object, the browser's with JSON in a string, the implicit
event of every request, the browser's twin of a `problem_check`, what the platform computes, and requests without a course
or a learner. Some lines come twice, some a little late. Same seed, same lines, but for their times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

COURSE = "course-v1:EngageX+Load+2026"
SECTIONS, SEQUENCES, UNITS = 8, 3, 5  # a course's sections, the sequences of each, the units of each of these
CLICKS = 25  # in a session, on average
PAUSE = 20.0  # seconds between two clicks of a session, on average
LINES = 2.2  # that a click makes, on average
TWICE = 0.002  # share of lines that are written again later
LATE = 0.005  # share of lines that come after up to fifty others
HOST = "courses.example.org"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"

Line = tuple[int, bytes]  # the learner, and what is written, without its end

_encode = msgspec.json.encode


class _Session:
    """One learner at work: `click` gives the records of one thing done, without their times."""

    def __init__(self, simulator: Simulator, learner: int, *, there: bool = False) -> None:
        """`there`: somebody who came before anybody looked."""
        self.learner = learner
        self._course, self._dice = simulator.course, simulator.dice
        self._words = simulator.words
        self._session = f"{self._dice.getrandbits(128):032x}"
        self._username = f"learner{learner}"
        self._ip = f"10.{learner >> 16 & 255}.{learner >> 8 & 255}.{learner & 255}"
        self._unit = simulator.units.get(learner, 0)
        self._units = simulator.units
        self._watching = ""
        self._clicks = int(there)
        self.left = 1 + int(self._dice.expovariate(1 / CLICKS))

    def click(self) -> list[dict[str, Any]]:
        """The records of one click, in the order in which they are written."""
        self.left -= 1
        self._clicks += 1
        if self._clicks == 1:
            return self._come()
        if self._watching:
            return self._video()
        what = self._dice.random()
        if what < 0.42:
            return self._open_unit()
        if what < 0.60:
            return self._start_video()
        if what < 0.80:
            return self._answer()
        return self._look_elsewhere(what)

    def _come(self) -> list[dict[str, Any]]:
        course = self._course
        login = self._server("edx.user.login", {"user_id": self.learner, "event_type": "login"}, "/api/login", "")
        login["context"]["user_id"] = None  # the platform emits it before it knows
        return [
            login,
            self._request("/api/mfe_config/v1"),
            self._request(f"/api/course_home/outline/{course}"),
            self._request(f"/api/courseware/course/{course}"),
        ]

    def _open_unit(self) -> list[dict[str, Any]]:
        self._unit = self._units[self.learner] = (self._unit + 1) % (SECTIONS * SEQUENCES * UNITS)
        sequence, place = divmod(self._unit, UNITS)
        usage_key = self._block("sequential", sequence)
        step = {"id": usage_key, "current_tab": place or 1, "tab_count": UNITS, "widget_placement": "top"}
        step |= {"old": place or 1, "new": place + 1}
        made = [
            self._browser("edx.ui.lms.sequence.next_selected", step, event_type="seq_next"),
            self._request(f"/xblock/{self._block('vertical', self._unit)}"),
        ]
        if place == 0:
            made.insert(0, self._request(f"/api/courseware/sequence/{usage_key}"))
        return made

    def _start_video(self) -> list[dict[str, Any]]:
        self._watching = f"v{self._unit}"
        names = ("edx.video.loaded", "load_video"), ("edx.video.played", "play_video")
        return [self._browser(name, self._at(), event_type=old) for name, old in names]

    def _video(self) -> list[dict[str, Any]]:
        name, old = self._dice.choice(
            (
                ("edx.video.paused", "pause_video"),
                ("edx.video.position.changed", "seek_video"),
                ("edx.video.stopped", "stop_video"),
            )
        )
        made = [self._browser(name, self._at(), event_type=old)]
        if old != "seek_video":
            self._watching = ""
        return made

    def _at(self) -> dict[str, Any]:
        return {"id": self._watching, "code": "html5", "currentTime": round(self._dice.uniform(0, 600), 3)}

    def _answer(self) -> list[dict[str, Any]]:
        problem = self._block("problem", self._unit)
        path = f"/courses/{self._course}/xblock/{problem}/handler/xmodule_handler/problem_check"
        right = self._dice.random() < 0.62
        verdict, attempt = "correct" if right else "incorrect", self._dice.choice((1, 1, 1, 2, 2, 3))
        submitted = {
            "user_id": str(self.learner),
            "course_id": self._course,
            "problem_id": problem,
            "event_transaction_id": f"{self._dice.getrandbits(64):016x}",
            "event_transaction_type": "edx.grades.problem.submitted",
            "weighted_earned": float(right),
            "weighted_possible": 1.0,
        }
        checked = {
            "problem_id": problem,
            "answers": {"q_2_1": "choice_1"},
            "grade": int(right),
            "max_grade": 1,
            "correct_map": {"q_2_1": {"correctness": verdict, "npoints": None, "msg": "", "hint": ""}},
            "success": verdict,
            "attempts": attempt,
            "submission": {},
        }
        graded = {"user_id": str(self.learner), "course_id": self._course, "weighted_total_earned": float(right)}
        return [
            self._browser("problem_check", "input_q_2_1=choice_1"),
            self._request(path, self._course),
            self._server("edx.grades.problem.submitted", submitted, path, problem),
            self._server("problem_check", checked, path, problem),
            self._server("edx.grades.subsection.grade_calculated", graded, path, problem),
        ]

    def _look_elsewhere(self, what: float) -> list[dict[str, Any]]:
        course = self._course
        if what < 0.84:
            return [
                self._request(f"/courses/{course}/progress", course),
                self._request(f"/api/course_home/progress/{course}"),
            ]
        if what < 0.88:
            thread = f"{self._dice.getrandbits(96):024x}"
            return [self._request(f"/courses/{course}/discussion/forum/c{self._unit}/threads/{thread}", course)]
        if what < 0.91:
            return [self._request("/api/discussion/v1/threads/", query={"course_id": [course]})]
        if what < 0.94:
            done = self._block("done", self._unit)
            path = f"/courses/{course}/xblock/{done}/handler/toggle_button"
            return [self._request(path, course), self._server("edx.done.toggled", {"done": True}, path, done)]
        if what < 0.97:
            return [self._browser("page_close", {})]
        return [self._request(f"/api/course_home/dates/{course}"), self._request("/api/notifications/count/")]

    def _block(self, block_type: str, number: int) -> str:
        return f"block-v1:{self._words}+type@{block_type}+block@{block_type}{number}"

    def _request(self, path: str, course: str = "", *, query: dict[str, list[str]] | None = None) -> dict[str, Any]:
        """An implicit event; without `course`, as for all that an MFE asks for, only path or query tell it."""
        payload = _encode({"GET": query or {}, "POST": {}}).decode()
        return self._record(path, path, "server", payload, self._context(path, course), None)

    def _browser(self, name: str, event: dict[str, Any] | str, *, event_type: str = "") -> dict[str, Any]:
        payload = event if isinstance(event, str) else _encode(event).decode()
        page = f"https://{HOST}/xblock/{self._block('vertical', self._unit)}?show_title=0"
        return self._record(name, event_type or name, "browser", payload, self._context("/event", ""), page)

    def _server(self, name: str, event: dict[str, Any], path: str, block: str) -> dict[str, Any]:
        context = self._context(path, self._course if block else "")
        if block:
            context |= {"course_user_tags": {}, "module": {"display_name": "", "usage_key": block}, "asides": {}}
        return self._record(name, name, "server", event, context, "x_module" if block else None)

    def _context(self, path: str, course: str) -> dict[str, Any]:
        org = self._words.partition("+")[0] if course else ""
        return {"user_id": self.learner, "path": path, "course_id": course, "org_id": org, "enterprise_uuid": ""}

    def _record(
        self, name: str, event_type: str, source: str, event: Any, context: dict[str, Any], page: str | None
    ) -> dict[str, Any]:
        return {
            "name": name,
            "context": context,
            "username": self._username,
            "session": self._session,
            "ip": self._ip,
            "agent": AGENT,
            "host": HOST,
            "referer": "",
            "accept_language": "en",
            "event": event,
            "time": "",
            "event_type": event_type,
            "event_source": source,
            "page": page,
        }


class Simulator:
    """A course full of learners. `click(time)` gives the lines that are written then."""

    def __init__(
        self,
        *,
        learners: int,
        rate: float,
        course: str = COURSE,
        first_learner: int = 1,
        seed: int = 0,
        tutor: bool = False,
    ) -> None:
        """`rate`: lines a second of the course's time, which tells how many learners are there at once.

        `tutor`: with what Tutor's logger writes before each line. Raises ValueError for a course key of the old form.
        """
        if not course.startswith("course-v1:"):
            raise ValueError(f"{course} is not of the form course-v1:ORG+COURSE+RUN")
        self.course, self.words = course, course.removeprefix("course-v1:")
        self.dice = random.Random(seed)
        self.units: dict[int, int] = {}  # learner -> the last unit opened
        self._learners, self._first, self._tutor = learners, first_learner, tutor
        there = min(learners, max(1, round(rate * PAUSE / LINES)))
        # Where all are there, each of them is.
        first = (
            range(first_learner, first_learner + there)
            if there == learners
            else [self._somebody() for _ in range(there)]
        )
        self._sessions = [_Session(self, learner, there=True) for learner in first]
        self._held: list[tuple[int, Line]] = []  # until which line, and a line that comes late or again
        self._count = 0

    def click(self, time: float) -> list[Line]:
        """The lines of somebody's next click; the last one is of `time` (seconds since 1970)."""
        at = self.dice.randrange(len(self._sessions))
        session = self._sessions[at]
        if session.left <= 0:
            session = self._sessions[at] = _Session(self, self._somebody())
        records = session.click()
        lines: list[Line] = []
        for before, record in enumerate(reversed(records)):
            when = datetime.fromtimestamp(time - 0.03 * before, UTC)
            record["time"] = when.isoformat(timespec="microseconds")
            line = _encode(record)
            if self._tutor:
                prefix = f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03d} INFO 25 [tracking] [user {session.learner}]"
                line = f"{prefix} [ip {record['ip']}] logger.py:41 - ".encode() + line
            lines.append((session.learner, line))
        lines.reverse()
        return self._disturbed(lines)

    def _somebody(self) -> int:
        """A learner; some come far more often than others."""
        return self._first + int(self._learners * self.dice.random() ** 2)

    def _disturbed(self, lines: list[Line]) -> list[Line]:
        """The lines, but for those that come later; and those of before whose time it is."""
        given = []
        for line in lines:
            self._count += 1
            luck = self.dice.random()
            if luck < LATE:
                self._held.append((self._count + self.dice.randint(1, 50), line))
                continue
            given.append(line)
            if luck > 1 - TWICE:
                self._held.append((self._count + self.dice.randint(1, 500), line))
        if self._held:
            given += [line for due, line in self._held if due <= self._count]
            self._held = [(due, line) for due, line in self._held if due > self._count]
        return given


def history(simulator: Simulator, *, lines: int, begin: float, end: float) -> Iterator[list[Line]]:
    """So many lines, spread evenly over the time from `begin` to `end` (seconds since 1970), click by click."""
    written = 0
    while written < lines:
        made = simulator.click(begin + (end - begin) * written / lines)[: lines - written]
        written += len(made)
        yield made
