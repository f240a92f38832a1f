"""The one value that everything above the tracking log works on, and the reasons why a record is none."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ClickEvent(NamedTuple):
    """One thing a learner did in a course run. Equal events are one event."""

    course: str  # course key, canonical text
    learner: int  # LMS user id
    time: int  # microseconds since 1970, UTC
    kind: str  # see `kinds.py`
    block: str = ""  # usage key, or empty
    session: str = ""
    score: float | None = None  # of a submission: points earned,
    possible: float | None = None  # points that could be earned,
    attempt: int | None = None  # and which attempt it was


class Reason(StrEnum):
    """Why a record is no ClickEvent. The values are what the operator reads."""

    BLANK = "blank line"
    BROKEN_JSON = "broken JSON"
    NOT_AN_EVENT = "not an event"  # JSON, but not an object with the fields of a tracking record
    NO_TIME = "no time"
    NO_LEARNER = "no learner"  # anonymous, or emitted outside a request
    NO_COURSE = "no course"
    OTHER_KEY = "not a course run's key"  # a library key, for example
    BROWSER_TWIN = "browser's twin of a server event"
    OUR_OWN = "our own page"
    COURSE_TEAM = "course team's tools"  # the instructor dashboard, masquerading
    NOT_A_CLICK = "no click: computed by the platform"  # grades, completion, enrolments, messages sent, rescoring
