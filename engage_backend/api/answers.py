"""The shapes of bodies and answers, from which docs/openapi.yaml is made and against which tests hold real answers.

Views do not build these: columns of 100,000 learners go out as they are. An answer with a key that is not here, or without
one that is, fails a test.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

PerMille = Annotated[int, Meta(ge=0, le=1000)]
Chance = PerMille | None
Change = Annotated[int, Meta(ge=-1000, le=1000)] | None
Count = Annotated[int, Meta(ge=0)]
Minute = Annotated[int, Meta(description="Whole minutes since 1970, UTC.")]
Moment = Annotated[str, Meta(description="ISO 8601, UTC, as in 2024-03-01T12:00:00Z.")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
Pseudonym = Annotated[str, Meta(pattern="^[0-9a-z]{8}$")]
Place = Annotated[int, Meta(ge=0, description="Place in the list of names.")]
Target = Literal["certify", "complete", "leave"]
State = Literal["active", "never_started", "gone", "finished"]
Days = Annotated[int, Meta(ge=0, le=3650)]
Hours = Annotated[int, Meta(ge=-8760, le=8760)]
Level = Annotated[
    int,
    Meta(
        ge=0, le=4, description="Active days in the next seven: 0 none, 1 one, 2 two, 3 three or four, 4 five to seven."
    ),
]
ExpectedLevel = Annotated[int, Meta(ge=0, le=400, description="The mean of the level, in hundredths.")]
TaskState = Literal["graded", "not_graded", "excused", "missing", "not_yet"]


class Shape(Struct, forbid_unknown_fields=True):
    """A JSON object with these keys and no others."""


class Problem(Shape):
    """What went wrong: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class Model(Shape):
    """The model that the predictions stand on."""

    name: str
    trained_on: str | None


class Consumer(Shape):
    """When a consumer last gave a sign of life, and since when the source of the clicks has not answered it."""

    last_seen: Moment | None
    lag_seconds: float | None
    unreachable_since: Moment | None


class LeaveFact(Shape):
    """How many were active on a day two weeks ago, and how many of them had not been back 14 days later."""

    day: Day
    active: Count
    not_back: Count


class LeaveCorrection(Shape):
    """How a figure for `leave` becomes a percentage: on log-odds, slope times the figure plus intercept."""

    slope: float
    intercept: float


class Predictions(Shape):
    """Columns, in the order of `learners`; with `since` only the rows that changed, those who left among them."""

    as_of: Moment | None
    cursor: str
    model: Model | None
    calibrated: bool
    understood_share: float | None
    expected_pass_rate: float | None
    drift: Literal["green", "amber", "red"] | None
    leave_shown_as: Literal["rank", "share"]
    leave_correction: LeaveCorrection | None
    leave_fact: LeaveFact | None
    total: Count
    consumer: Consumer
    learners: list[Pseudonym]
    state: list[Literal["active", "never_started", "gone", "finished", "left"]]
    certify: list[Chance]
    complete: list[Chance]
    leave: list[Chance]
    level: list[Level | None]
    expected_level: list[ExpectedLevel | None]


class Changes(Shape):
    """By how many per mille each figure has moved in seven days; null where there was or is none."""

    certify: list[Change]
    complete: list[Change]
    leave: list[Change]


class Facets(Shape):
    """Columns, in the order of `learners`: what to filter and sort by beside the predictions."""

    as_of: Moment
    cursor: str
    modes: list[str]
    cohorts: list[str]
    learners: list[Pseudonym]
    mode: list[Place | None]
    cohort: list[Place | None]
    last_active: list[Minute | None]
    written: list[Minute | None]
    week: Changes


class Task(Shape):
    """A graded block, and how many have handed it in."""

    block: str
    name: str
    due: Moment | None
    points: float
    handed_in: Count
    of: Count


class Tasks(Shape):
    """The course's tasks, the one due first before the others."""

    tasks: list[Task]


class HandedIn(Shape):
    """Who has handed a task in, who is excused from it (has a score that the course team set), and when it is due.

    `own_due`: for whom it is due at another time than `due`, or (null) not at all. `grace`: minutes in which it is still taken.
    """

    block: str
    learners: list[Pseudonym]
    excused: list[Pseudonym]
    due: Minute | None
    grace: Count
    own_due: dict[str, Minute | None]


class Probabilities(Shape):
    """Per mille; null where none is given."""

    certify: Chance
    complete: Chance
    leave: Chance


class Shown(Shape):
    """What was shown at the end of a week."""

    day: Day
    certify: Chance
    complete: Chance
    leave: Chance
    level: Level | None


class Kinds(Shape):
    """How many events of each kind."""

    video: Count
    problem: Count
    forum: Count
    other: Count


class Week(Shape):
    """What a learner did in a week of the course; week 1 is the first."""

    week: int
    total: Count
    kinds: Kinds


class TaskDone(Shape):
    """A task, and where a learner stands with it: the score that counts now, and the learner's own due date.

    `excused`: a score without a hand-in; `missing`: past the due date and its grace period; `not_yet`: nothing is asked yet.
    """

    block: str
    name: str
    due: Moment | None
    state: TaskState
    score: float | None
    possible: float | None
    attempts: Count
    at: Moment | None


class Message(Shape):
    """A message to a learner, and what became of it."""

    id: int
    subject: str
    state: Literal["queued", "claimed", "sent", "failed", "uncertain", "held_back", "skipped"]
    at: Moment | None


class Reason(Shape):
    """What moved a probability, or the level; `effect` is on the log-odds, against the mean learner (of the level: the mean
    effect on those of at least 1, 2, 3 and 5 active days)."""

    text: str
    effect: float


class Learner(Shape):
    """One learner: what was said of them, what they did, what they had from us."""

    pseudonym: Pseudonym
    state: State
    mode: str | None
    cohort: str | None
    enrolled_at: Moment
    last_active: Moment | None
    probabilities: Probabilities
    level: Level | None
    expected_level: ExpectedLevel | None
    reasons: dict[str, list[Reason]]
    weeks: list[Shown]
    activity: list[Week]
    change: str | None
    """One sentence on how often they used to come and come now; null: no change, or fewer than three weeks to compare with."""
    tasks: list[TaskDone]
    indicators: dict[str, float | None]
    """What is counted of how they learn, by the names of docs/indicators.md; null: not known, empty: nothing kept."""
    messages: list[Message]


class TaskAsked(Shape):
    """Whether a task was handed in, graded or not; false: by those who still have to, nobody who is excused or has no due date.

    `due_in_hours`: how far away the learner's own due date is: more than the first, at most the second; [null, 0]: missing.
    """

    block: Annotated[str, Meta(min_length=1, max_length=255)]
    handed_in: bool
    due_in_hours: tuple[Hours | None, Hours | None] | UnsetType = UNSET


class WrittenTo(Shape):
    """Whether a learner had a message in the last days."""

    days: Annotated[int, Meta(ge=1, le=3650)]
    had: bool


class Ranges(Shape):
    """[lowest, highest] per mille, both included; whoever has no figure is in no range."""

    certify: tuple[PerMille, PerMille] | UnsetType = UNSET
    complete: tuple[PerMille, PerMille] | UnsetType = UNSET
    leave: tuple[PerMille, PerMille] | UnsetType = UNSET


class Criteria(Shape):
    """Whom a course team means: the learners whom every filter lets through, less `exclude`, and `include`.

    `states`: the active, unless said; with a task, all. `everyone`: whatever the ranges say. `days_inactive`: whole days
    since the last click, both ends included, null for open. In `modes` and `cohorts` "" stands for none.
    Full account: engage_backend/messaging/criteria.py.
    """

    version: Literal[1]
    everyone: bool = False
    states: list[State] | UnsetType = UNSET
    ranges: Ranges | UnsetType = UNSET
    days_inactive: tuple[Days | None, Days | None] | UnsetType = UNSET
    modes: Annotated[list[str], Meta(max_length=100)] = []
    cohorts: Annotated[list[str], Meta(max_length=1000)] = []
    task: TaskAsked | UnsetType = UNSET
    written_to: WrittenTo | UnsetType = UNSET
    include: Annotated[list[Pseudonym], Meta(max_length=10_000)] = []
    exclude: Annotated[list[Pseudonym], Meta(max_length=10_000)] = []


class Preset(Shape):
    """Criteria with a name, how many they select now, and how many they selected a week ago (null: not known)."""

    name: str
    criteria: Criteria
    count: Count
    week_ago: Count | None
    description: str


class Segment(Shape):
    """Criteria that the course team has kept, with counts as those of presets."""

    id: int
    name: str
    criteria: Criteria
    count: Count
    week_ago: Count | None
    description: str


class KeptSegment(Segment):
    """A new segment; `no_longer_here`: how many learners its criteria named who have been removed, and are dropped."""

    no_longer_here: Count


class Presets(Shape):
    """The presets that apply now, and the course team's segments."""

    presets: list[Preset]
    segments: list[Segment]


class Segments(Shape):
    """The course team's segments."""

    segments: list[Segment]


class NewSegment(Shape):
    """Criteria to keep."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    criteria: Criteria


class ToCount(Shape):
    """Criteria without a name."""

    criteria: Criteria


class Counted(Shape):
    """How many are selected, of how many."""

    count: Count
    of: Count


class Query(Shape):
    """A user name, an address or a full name, whole."""

    query: Annotated[str, Meta(min_length=1, max_length=254)]


class Match(Shape):
    """Whom a query means."""

    pseudonym: Pseudonym


class Matches(Shape):
    """Whom a query means; five at most."""

    matches: list[Match]


class Outcome(Shape):
    """Of `learners` who were shown `low` to `high` per mille after so many weeks, it came true for `happened`."""

    week: int
    target: Target
    low: PerMille
    high: PerMille
    learners: Count
    happened: Count


class Hindsight(Shape):
    """How what was shown turned out; empty while nothing is known."""

    rows: list[Outcome]


class AccessRecord(Shape):
    """That a member of the course team looked at or sent something. `detail` holds pseudonyms and counts, never a name."""

    id: int
    at: Moment
    user_id: Annotated[int, Meta(description="Of the LMS; 0: somebody who was retired.")]
    action: str
    detail: dict[str, Any]


class AccessRecords(Shape):
    """The latest first; `next` is what to ask `before` with, null at the end."""

    records: list[AccessRecord]
    next: int | None
