"""The shapes of the bodies and answers of writing to learners, beside those of `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from engage_backend.api.answers import Count, Criteria, Day, Moment, Pseudonym, Shape

Subject = Annotated[str, Meta(max_length=200)]
Body = Annotated[str, Meta(max_length=20_000, description="Markdown, with [:firstname:] and [:fullname:].")]
Key = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{8,64}$", description="A new one for each press of the button.")]
Status = Literal["draft", "waiting", "sending", "done", "stopped"]
Seconds = Annotated[int, Meta(ge=0)]
LeftOut = Annotated[dict[str, Count], Meta(description="Reason, in the language of whoever asks -> how many.")]


class States(Shape):
    """How many deliveries are in which state."""

    queued: Count
    claimed: Count
    sent: Count
    failed: Count
    uncertain: Count
    held_back: Count
    skipped: Count


class Head(Shape):
    """A communication without its body and list."""

    id: int
    version: int
    subject: str
    mine: bool
    created: Moment
    sent_at: Moment | None
    state: Status
    active: bool
    automation: Literal["off", "ask", "send"]
    paused_because: str
    order: int
    course_notice: bool
    counts: States
    undo_seconds: Seconds


class Caution(Shape):
    """Words that may do harm, and why."""

    field: Literal["subject", "body"]
    words: str
    reason: str


class Version(Shape):
    """A version of a message."""

    number: int
    subject: str
    created: Moment
    sent_at: Moment | None


class SendingState(Shape):
    """One confirmation, and how it stands."""

    id: int
    communication: int
    version: int
    state: Literal["waiting", "sending", "done", "undone", "stopped"]
    automatic: bool
    selected: Count
    left_out: LeftOut
    created: Moment
    send_at: Moment | None
    released_at: Moment | None
    latest_at: Moment | None
    late: Count
    undo_seconds: Seconds


class Failure(Shape):
    """A learner whom the message did not reach."""

    learner: Pseudonym
    reason: str


class Matches(Shape):
    """Whom automation found new on its last day."""

    day: Day
    fresh: Count
    decided: bool


class Whole(Head):
    """A communication with the words and the list of one version."""

    reply_to: str
    body: str
    criteria: Criteria
    pseudonyms: list[Pseudonym]
    frozen: bool
    warnings: list[Caution]
    incomplete: str
    versions: list[Version]
    sendings: list[SendingState]
    in_doubt: list[Pseudonym]
    failed: list[Failure]
    skipped: LeftOut
    matches: Matches | None


class Saved(Whole):
    """A communication as it was saved; `no_longer_here`: how many learners it named who have been removed, and are dropped."""

    no_longer_here: Count


class Communications(Shape):
    """All of a course run, the youngest first."""

    communications: list[Head]


class Draft(Shape):
    """What is written; without `pseudonyms` the criteria select."""

    reply_to: str | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    criteria: Criteria | UnsetType = UNSET
    pseudonyms: list[Pseudonym] | UnsetType = UNSET
    course_notice: bool | UnsetType = UNSET


class Changes(Draft):
    """What is changed of a communication."""

    automation: Literal["off", "ask", "send"] | UnsetType = UNSET
    order: int | UnsetType = UNSET


class PreviewOf(Shape):
    """Of which learner, and of words that are not saved."""

    pseudonym: Pseudonym | UnsetType = UNSET
    audience: bool | UnsetType = UNSET
    now: bool | UnsetType = UNSET
    send_at: Moment | UnsetType = UNSET
    reply_to: str | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET
    body: Body | UnsetType = UNSET


class Reach(Shape):
    """Whom a message would reach."""

    selected: Count
    to_write: Count
    left_out: LeftOut


class Quiet(Shape):
    """It is in the course's quiet hours `now`, or at the time that was asked about; what is sent then waits `until` their
    end. `zone`: the course's."""

    now: Moment
    until: Moment
    zone: str


class Preview(Shape, rename={"sender": "from"}):
    """How a message would look."""

    to: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    warnings: list[Caution]
    version: int
    refused: str
    audience: Reach | None
    quiet: Quiet | None
    timing: str


class Confirmation(Shape):
    """What somebody confirms."""

    key: Key
    version: int | UnsetType = UNSET
    count: Count | UnsetType = UNSET
    send_at: Moment | UnsetType = UNSET
    matches: Day | UnsetType = UNSET
    quiet: Literal["wait", "send"] | UnsetType = UNSET


class Again(Shape):
    """What somebody confirms to send again."""

    key: Key
    version: int | UnsetType = UNSET
    count: Count | UnsetType = UNSET
    quiet: Literal["wait", "send"] | UnsetType = UNSET


class Accepted(Shape):
    """It will be sent, unless it is undone."""

    sending: SendingState


class Nothing(Shape):
    """An object without keys."""


class Trial(Shape):
    """To whom a test goes."""

    to: Literal["you"]


class Undone(Shape):
    """Nothing was sent."""

    undone: bool


class Stopped(Shape):
    """How many are not written to because of it."""

    stopped: Count
    counts: States


class MessageTemplate(Shape):
    """A neutral message to begin from."""

    name: str
    title: str
    subject: str
    body: str
    course_notice: bool


class Sender(Shape, rename={"sender": "from"}):
    """What would stand in the head of a message of whoever asks: shown, and not typed."""

    sender: str
    reply_to: list[str]


class Templates(Shape):
    """All that there are, and from whom a message would come."""

    templates: list[MessageTemplate]
    sender: Sender


class Exported(Shape):
    """A message for the next run."""

    reply_to: str
    subject: str
    body: str
    criteria: Criteria
    course_notice: bool


class Export(Shape):
    """Words and criteria, no learner."""

    format: Literal["engage-communications"]
    version: Literal[1]
    communications: list[Exported]


class Imported(Shape):
    """The drafts that were made."""

    imported: list[int]
