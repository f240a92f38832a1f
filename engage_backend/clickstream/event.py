"""The one value that everything above the tracking log works on, and the reasons why a record is none."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ClickEvent(NamedTuple):
    """One thing a learner did in a course run, or a fact about the learner's score or enrolment. Equal events are one.

    The kind tells which: see `names.is_activity`. A fact is never activity.
    """

    course: str  # course key, canonical text
    learner: int  # LMS user id
    time: int  # microseconds since 1970, UTC
    kind: str  # see `kind_table.py`
    block: str = ""  # usage key, or empty
    session: str = ""
    score: float | None = None  # of a submission: points earned,
    possible: float | None = None  # points that could be earned,
    attempt: int | None = None  # and which attempt it was
    who: str = ""  # keyed hash of the user name in the record, if that is to be the learner's: see `whose.name_hash`


class Reason(StrEnum):
    """Why a record is no ClickEvent. The values are what the operator reads."""

    BLANK = "blank line"
    BROKEN_JSON = "broken JSON"
    NOT_AN_EVENT = "not an event"  # JSON, but not an object with the fields of a tracking record
    PIECE = "a piece of a line that a log collector cut"
    OTHER_LOG = "a line of another log"  # in a container's log, say
    NO_TIME = "no time"
    LATER = "later than the clock"  # of the site: a clock that is ahead must make nobody active until then
    FACT = "no click: a fact about score or enrolment"  # for counting: `parse` gives it as an event
    NO_LEARNER = "no learner"  # anonymous, or emitted outside a request
    NAME_ALONE = "a user name without an id"  # records of before November 2013
    NO_COURSE = "no course"
    OTHER_KEY = "not a course run's key"  # a library key, for example
    UNNAMED = "a request that the table does not name"
    NOT_ANSWERED = "a request that was refused"  # the record says so: 404, for example
    OUTSIDE = "outside the course"  # before, after or beside it: enrolling, the dashboard, the about page
    BESIDE = "goes with a page"  # asked for by a page, a timer or a poll, not by a click
    ONE_CLICK = "another record of the same click counts"
    BROWSER_TWIN = "browser's twin of a server event"
    OUR_OWN = "our own page"
    COURSE_TEAM = "course team's tools"  # the instructor dashboard, grading, masquerading
    NOT_A_CLICK = "no click: computed by the platform"  # grades, completion, cohorts, messages sent, rescoring
