"""What "you" do on the demo, as the lines that an LMS would write about it.

The shapes are those of a running LMS of the Teak era: an implicit request for every page and handler, the server's
events with an object for a payload, the browser's with JSON in a string, and the browser's twin of a `problem_check`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import CourseSchedule, GradedBlock

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
HOST = "courses.example.org"
UNITS_PER_SECTION = 4


@dataclass
class Progress:
    """How far "you" have come in the course; what an LMS keeps in its courseware tables."""

    unit: int = 0
    video: int = 0
    answered: dict[str, int] = field(default_factory=dict)  # usage key -> attempts
    solved: list[str] = field(default_factory=list)  # usage keys

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Progress:
        """The progress that `vars` wrote; a new one from an empty object."""
        return cls(**data)


class Clicks:
    """The lines of one learner's clicks in one course. Each method is one click and returns its lines, oldest first."""

    def __init__(self, schedule: CourseSchedule, *, user_id: int, username: str, session: str, now: datetime) -> None:
        self._schedule = schedule
        self._user_id = user_id
        self._username = username
        self._session = session
        self._now = now
        self._lines: list[bytes] = []
        # course-v1:ORG+COURSE+RUN, or ORG/COURSE/RUN
        self._words = schedule.course.removeprefix("course-v1:").replace("/", "+").split("+")

    def open_next_unit(self, progress: Progress) -> list[bytes]:
        """The next unit of the course, by the button below the one before: the MFE asks for the unit's page."""
        progress.unit += 1
        section, place = divmod(progress.unit - 1, UNITS_PER_SECTION)
        sequence = self._block("sequential", f"section{section + 1}")
        unit = self._block("vertical", f"unit{progress.unit}")
        self._browser(
            "seq_next",
            {
                "id": sequence,
                "current_tab": place + 1,
                "tab_count": UNITS_PER_SECTION,
                "widget_placement": "top",
                "old": place or 1,
                "new": place + 1,
            },
            name="edx.ui.lms.sequence.next_selected",
        )
        self._request(f"/courses/{self._schedule.course}/courseware/chapter{section + 1}/section{section + 1}/")
        self._request(f"/xblock/{unit}", names_course=False)
        return self._lines

    def watch_video(self, progress: Progress) -> list[bytes]:
        """Half a minute of the next video."""
        progress.video += 1
        video = {"id": f"video{progress.video}", "code": "html5"}
        self._browser("play_video", {**video, "currentTime": 0, "duration": 30}, name="play_video")
        self._browser("pause_video", {**video, "currentTime": 29, "duration": 30}, name="pause_video", later=30)
        return self._lines

    def answer(self, progress: Progress, *, right: bool) -> list[bytes]:
        """An answer to the task that is open now; a right one earns all its points."""
        task = open_task(self._schedule, progress, self._now)
        block = task.block if task else self._block("problem", "practice")
        points = task.points if task else 1.0
        attempts = progress.answered[block] = progress.answered.get(block, 0) + 1
        if right and block not in progress.solved:
            progress.solved.append(block)
        earned = points if right else 0.0
        handler = f"/courses/{self._schedule.course}/xblock/{block}/handler/xmodule_handler/problem_check"
        self._browser("problem_check", f"input_q_2_1=choice_{int(right)}", name="problem_check")
        self._request(handler)
        self._server(
            "edx.grades.problem.submitted",
            {
                "user_id": str(self._user_id),
                "course_id": self._schedule.course,
                "problem_id": block,
                "event_transaction_id": str(uuid.uuid4()),
                "event_transaction_type": "edx.grades.problem.submitted",
                "weighted_earned": earned,
                "weighted_possible": points,
            },
            path=handler,
            block=block,
        )
        verdict = "correct" if right else "incorrect"
        self._server(
            "problem_check",
            {
                "problem_id": block,
                "answers": {"q_2_1": f"choice_{int(right)}"},
                "grade": earned,
                "max_grade": points,
                "correct_map": {"q_2_1": {"correctness": verdict, "npoints": None, "msg": "", "hint": ""}},
                "success": verdict,
                "attempts": attempts,
                "submission": {},
            },
            path=handler,
            block=block,
        )
        return self._lines

    def _block(self, kind: str, name: str) -> str:
        if self._schedule.course.startswith("course-v1:"):
            return f"block-v1:{'+'.join(self._words)}+type@{kind}+block@{name}"
        return f"i4x://{self._words[0]}/{self._words[1]}/{kind}/{name}"

    def _request(self, path: str, *, names_course: bool = True) -> None:
        context = self._context(path, names_course=names_course)
        self._add(path, path, "server", json.dumps({"GET": {}, "POST": {}}), context, page=None)

    def _browser(self, event_type: str, event: dict[str, Any] | str, *, name: str, later: float = 0) -> None:
        payload = event if isinstance(event, str) else json.dumps(event)
        page = f"https://{HOST}/courses/{self._schedule.course}/courseware/"
        self._add(name, event_type, "browser", payload, self._context("/event"), page=page, later=later)

    def _server(self, event_type: str, event: dict[str, Any], *, path: str, block: str) -> None:
        context = {**self._context(path), "course_user_tags": {}, "module": {"display_name": "", "usage_key": block}}
        self._add(event_type, event_type, "server", event, context, page="x_module")

    def _context(self, path: str, *, names_course: bool = True) -> dict[str, Any]:
        return {
            "user_id": self._user_id,
            "path": path,
            "course_id": self._schedule.course if names_course else "",
            "org_id": self._words[0] if names_course else "",
            "enterprise_uuid": "",
        }

    def _add(
        self,
        name: str,
        event_type: str,
        source: str,
        event: dict[str, Any] | str,
        context: dict[str, Any],
        *,
        page: str | None,
        later: float = 0,
    ) -> None:
        # Some milliseconds between the lines of one click, as between the requests of one page.
        when = self._now + timedelta(milliseconds=40 * len(self._lines), seconds=later)
        record = {
            "name": name,
            "context": context,
            "username": self._username,
            "session": self._session,
            "ip": "127.0.0.1",
            "agent": AGENT,
            "host": HOST,
            "referer": "",
            "accept_language": "en",
            "event": event,
            "time": when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+00:00",
            "event_type": event_type,
            "event_source": source,
            "page": page,
        }
        self._lines.append(json.dumps(record).encode())


def open_task(schedule: CourseSchedule, progress: Progress, now: datetime) -> GradedBlock | None:
    """The graded task due next that "you" have not solved; None when all are solved or past their dates."""
    open_ones = [
        b for b in schedule.graded if b.block not in progress.solved and (b.due or _NEVER) > to_microseconds(now)
    ]
    return min(open_ones, key=lambda block: (block.due or _NEVER, block.block), default=None)


_NEVER = 1 << 62
