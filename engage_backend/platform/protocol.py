"""What Engage asks of the platform that it runs on, and the plain values it gets back. No Django here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from django.http import HttpRequest


MOST_FOUND = 5  # people that a search by name answers with
ROWS_A_QUERY = 500  # enrolments that one query reads


class Role(StrEnum):
    """How somebody stands to one course, once masquerading has been taken into account."""

    STAFF = "staff"
    LEARNER = "learner"
    MASQUERADER = "masquerader"  # of the course team, and looks at the course as a learner would
    STRANGER = "stranger"
    ANONYMOUS = "anonymous"


class Enrolment(NamedTuple):
    """One learner of a course run. Staff are never enrolments."""

    user_id: int
    enrolled_at: datetime
    mode: str = ""
    cohort: str = ""


class Recipient(NamedTuple):
    """Somebody who may be written to, with name and address: read at the moment of sending, and stored nowhere."""

    user_id: int
    email: str
    full_name: str  # "": unknown
    first_name: str  # "": unknown
    is_reachable: bool
    # Why not, in English, and in the catalogue: see `reach.why_not`.
    reason: str = ""
    language: str = ""  # the code of the one they read the site in; "": not chosen


class MailFrom(NamedTuple):
    """Whose address bulk e-mail of a course run comes from."""

    name: str  # "": the address alone
    address: str
    is_course: bool = False  # the name is the course's, and nobody's stands before it


class GradedBlock(NamedTuple):
    """A block that counts towards the grade."""

    block: str  # usage key
    points: float  # share of the course grade, 0 to 1
    due: int | None  # microseconds since 1970, UTC; None: no due date
    name: str = ""  # as learners know it; empty: not told
    subsection: str = ""  # usage key of the subsection whose grade it is part of; empty: not told
    relative: int | None = None  # microseconds after a learner's own start, where it is due then; at most the run's end
    opens: int | None = None  # microseconds since 1970, UTC, from when it can be seen; None: not told


def task_name(subsection: str, problem: str, *, is_alone: bool) -> str:
    """How learners know a problem: by its subsection, `Homework 1`; where it is not alone in there, `Homework 1: Sums`."""
    if is_alone or not problem or problem == subsection:
        return subsection or problem
    return f"{subsection}: {problem}" if subsection else problem


class Outcome(NamedTuple):
    """That somebody has what a course gives. Who has it no longer, or never had it, has no outcome."""

    user_id: int
    certified_at: datetime | None = None
    passed_at: datetime | None = None


class OwnDue(NamedTuple):
    """A learner's own due date of a task, in place of the course's."""

    user_id: int
    block: str  # usage key
    due: int | None  # microseconds since 1970, UTC; None: not due for them


class OwnDates(NamedTuple):
    """What differs from learner to learner."""

    starts: dict[int, int]  # user -> where their own schedule begins, µs; where tasks are due so long after that
    own: list[OwnDue]


class PlatformScore(NamedTuple):
    """What the platform's own tables say of a learner and a task, or of a subsection whose grade was overridden."""

    user_id: int
    block: str  # usage key
    score: float | None  # raw points; None: none that counts
    possible: float | None
    handed_in: bool | None  # None: the tables do not tell
    at: datetime  # when it was handed in, or last changed
    is_override: bool = False  # the block is a subsection, and the score replaces the sum of its tasks


class CoursePages(NamedTuple):
    """Where the platform's own pages of a course run are; empty: this site has none."""

    course: str
    dashboard: str  # the instructors'


class CourseSchedule(NamedTuple):
    """What is known of a course run beforehand: its dates, what is graded, and what it takes to pass.

    Times are microseconds since 1970, UTC.
    """

    course: str  # course key
    display_name: str
    start: int
    end: int | None
    time_zone: str = "UTC"
    self_paced: bool = False
    passing_grade: float = 0.5
    graded: tuple[GradedBlock, ...] = ()
    expected_pass_rate: float | None = (
        None  # of those who begin, 0 to 1, in whole per cent; None: the author expects none
    )
    grace: int = 0  # microseconds after a due date in which a task is still taken

    def to_json(self) -> dict[str, Any]:
        """The schedule as a JSON object; `from_json` reads it back."""
        return {**self._asdict(), "graded": [list(block) for block in self.graded]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CourseSchedule:
        """The schedule that `to_json` wrote."""
        return cls(**{**data, "graded": tuple(GradedBlock(*block) for block in data["graded"])})


class Platform(Protocol):
    """One site that courses run on: an LMS, or the standalone site."""

    def now(self) -> datetime:
        """The site's clock, time zone aware, UTC. The standalone site may run it faster than the world's."""
        ...

    def speed(self) -> float:
        """Seconds of the site's clock to a second of the wall clock: 1 on an LMS, 0 where the clock stands still."""
        ...

    def courses(self) -> Iterator[str]:
        """Keys of the course runs that somebody can be enrolled in."""
        ...

    def has_course(self, course_key: str) -> bool:
        """Whether such a course run exists: one cheap query, for pages that ask often."""
        ...

    def schedule(self, course_key: str) -> CourseSchedule | None:
        """The dates and graded blocks of a course run, or None where no such run exists."""
        ...

    def own_dates(self, course_key: str) -> OwnDates | None:
        """The due dates that differ from learner to learner; None where nobody has any. Raises what the platform raises."""
        ...

    def roster(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Enrolment]:
        """Yield everyone enrolled by now: learners and beta testers, not course staff, not global staff.

        Nobody whose retirement was requested, while that may still be cancelled. `users`: only these. Read as it is asked
        for, `ROWS_A_QUERY` rows a query, so that a caller may do something else in between.
        """
        ...

    def retiring(self) -> set[int]:
        """Return the users of the whole site whose retirement was requested and may still be cancelled."""
        ...

    def retired(self, user_ids: Iterable[int]) -> set[int]:
        """Return those of the users who were retired, or whose account is gone. Two queries for every 500 of them."""
        ...

    def outcomes(self, course_key: str, *, users: Collection[int] | None = None) -> Iterator[Outcome]:
        """Yield those who hold a certificate of the run or have a passing grade now, on the roster or not; only `users`."""
        ...

    def scores(
        self, course_key: str, *, since: datetime | None = None, users: Collection[int] | None = None
    ) -> Iterator[PlatformScore] | None:
        """What the platform keeps of learners' tasks now; None where it keeps nothing, and the log is all there is.

        `since`: only what changed then or later, and all overrides; `users`: only theirs. Whose row is gone is not told.
        """
        ...

    def user_names(self, user_ids: Iterable[int]) -> Iterator[tuple[int, str]]:
        """User id and user name of those of the users that exist, as they are now. One query for every 500 of them."""
        ...

    def find_people(self, course_key: str, query: str) -> list[int]:
        """User ids of those enrolled whose user name, address or full name is `query`, whatever the case; 5 at most.

        The whole of it and not a part, so that nobody can leaf through names.
        """
        ...

    def pages(self, course_key: str) -> CoursePages:
        """Return where the platform's own pages of the course run are."""
        ...

    def block_file_url(self, path: str) -> str:
        """Return where a file of the Communicator's block is served, from the same place as in a course.

        `path`: below the package, as in `local_resource_url`, "public/communicator.js".
        """
        ...

    def role(self, request: HttpRequest, course_key: str) -> Role:
        """How the sender of this request stands to the course; sets masquerading up first."""
        ...

    def recipients(self, course_key: str, user_ids: Iterable[int]) -> Iterator[Recipient]:
        """Those of the users that exist, as they stand to the course now. One query for every 500 of them."""
        ...

    def mail_from(self, course_key: str, display_name: str) -> MailFrom:
        """Return the From of the platform's own bulk e-mail; `display_name` is the course's."""
        ...

    def has_opted_out(self, course_key: str, user_id: int) -> bool:
        """Whether somebody wants no bulk e-mail of this course run."""
        ...

    def opt_out(self, course_key: str, user_id: int, out: bool) -> None:
        """Write that somebody wants no bulk e-mail of this course run (`out`), or wants it again; holds everywhere."""
        ...

    def may_send(self, course_key: str) -> bool:
        """Whether the platform allows bulk e-mail to the learners of this course run."""
        ...

    def may_automate(self, course_key: str) -> bool:
        """Whether the course run's authors allow messages that go out by themselves."""
        ...
