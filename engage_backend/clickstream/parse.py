"""Any record that edX produces, to a `ClickEvent` or a `Reason` why it is none. Nothing here raises on bad input.

Texts go into caches cut to the longest that a key or an address has: what a browser sends must not fill the memory.

Three forms of one event give equal ClickEvents: a line of `tracking.log`, with or without what a logger wrote before
it, a line of a research package, and the mapping that an event-tracking backend gets (`name`, `timestamp`, `data`,
`context`), whose fields the LMS moves and renames only on the way to its log
(common/djangoapps/track/shim.py and transformers.py of edx-platform).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from engage_backend.clickstream.envelopes import contents
from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.fields import BAD_JSON, Context, Module, Payload, Record, finite, payload_of
from engage_backend.clickstream.keys import LONGEST, OTHER, Block, block_of, course_in, course_key, usage_key
from engage_backend.clickstream.kinds import (
    CHECKED,
    CORRECT,
    INCORRECT,
    LONGEST_PATH,
    group_of,
    is_named,
    kind_of_event,
    meaning_of_path,
)
from engage_backend.clickstream.names import (
    COMPARED,
    FACTS,
    NOBODY,
    OUR_BLOCK,
    OVERRIDDEN,
    RESCORED,
    SCORE_FACTS,
    SCORE_RESET,
    STATES_DELETED,
    SUBMITTED,
)
from engage_backend.clickstream.scores import EFFECTS, HAND_INS
from engage_backend.clickstream.whose import name_hash

# A time outside these is a broken clock, and would pass for somebody's last click for ever.
_EARLIEST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_NUMBERS = (int, float)
AHEAD_SECONDS = 300  # by which the clock of a server may be ahead of ours
_LONGEST_WHO = 32
_REFUSAL = re.compile(r"[45][0-9][0-9]\b")
_OPENED = (Reason.BROKEN_JSON, Reason.NOT_AN_EVENT)  # what a line seems to be that holds records in something else
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_LARGEST_ID = 2**63 - 1
_CLIENTS = ("browser", "mobile")  # sources that a learner's own device writes, and may make up
# Where a named event does not count, whatever it says: what the team does, and what happens outside the course.
_NO_PLACE = frozenset({Reason.COURSE_TEAM, Reason.OUR_OWN, Reason.OUTSIDE})
_LEGACY_FORUM = re.compile(r"/courses/.+/discussion/")
_NEXT, _PREVIOUS = "edx.ui.lms.sequence.next_selected", "edx.ui.lms.sequence.previous_selected"
_NO_COURSE = ("", OTHER)
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*", re.IGNORECASE)

_new = tuple.__new__  # a third of the time that the NamedTuple's own takes
_decode = msgspec.json.Decoder(Record).decode
_NO_CONTEXT = Context()
_NO_PAYLOAD = Payload()


def parse(record: bytes | str | Mapping[str, Any]) -> ClickEvent | Reason:
    """Parse one record: a line (bytes or text) or an event-tracking backend's mapping, which is only read.

    Of a line that holds several records this is the first event, or the first reason; `parse_lines` gives all.
    """
    if isinstance(record, str):
        record = record.encode("utf-8", "replace")
    if isinstance(record, bytes):
        found = _parse_whole(record)
        return next((one for one in found if isinstance(one, ClickEvent)), found[0])
    try:
        return _from_mapping(record)
    except Exception:  # a mapping from elsewhere may hold anything, and the LMS's request must not hear of it
        return Reason.NOT_AN_EVENT


def parse_lines(
    lines: Iterable[bytes], *, until: int | None = None, names: Mapping[str, int] | None = None
) -> tuple[list[ClickEvent], Counter[Reason]]:
    """Parse many lines at once: the events in their order, and how many records were none, by reason.

    What is later than `until` (µs since 1970, see `latest`) is `Reason.LATER`. `names`: user name -> LMS user id, for records
    of before November 2013, which have no id.
    """
    events: list[ClickEvent] = []
    rejected: Counter[Reason] = Counter()
    append, parse_line = events.append, _parse_line
    for line in lines:
        found = parse_line(line)
        if found.__class__ is ClickEvent:
            append(found)
            continue
        whole = _parse_whole(line) if found in _OPENED else [found]
        if names and Reason.NAME_ALONE in whole:
            whole = [_parse_named(line, names)]
        for one in whole:
            if isinstance(one, ClickEvent):
                append(one)
            else:
                rejected[one] += 1
    if until is not None and any(event[2] > until for event in events):
        timely = [event for event in events if event[2] <= until]
        rejected[Reason.LATER] += len(events) - len(timely)
        events = timely
    return events, rejected


def latest(now: datetime) -> int:
    """Return the latest time (µs since 1970) that is believed of a record which is read `now`, an aware datetime."""
    passed = now - _EPOCH
    return (passed.days * 86_400 + passed.seconds + AHEAD_SECONDS) * 1_000_000 + passed.microseconds


def _parse_whole(line: bytes, depth: int = 0) -> list[ClickEvent | Reason]:
    """Everything that one line holds, at least one thing."""
    found = _parse_line(line)
    if found not in _OPENED or (held := contents(line, depth)) is None:
        return [found]
    if isinstance(held, Reason):
        return [held]
    return [one for part in held for one in _parse_whole(part, depth + 1)] or [found]


def _parse_named(line: bytes, names: Mapping[str, int]) -> ClickEvent | Reason:
    """A record without a user id, as that of the user whose name it bears."""
    try:
        record = json.loads(line[line.index(b"{") :].decode("utf-8", "replace"))
        user = names.get(record["username"])
    except (ValueError, RecursionError, KeyError, TypeError):
        user = None
    if user is None:
        return Reason.NAME_ALONE
    context = record.get("context")
    return _from_mapping({**record, "context": {**(context if isinstance(context, dict) else {}), "user_id": user}})


def _parse_line(line: bytes) -> ClickEvent | Reason:
    try:
        record = _decode(line)
    except BAD_JSON:
        return _parse_odd_line(line)
    return _event(record, record.event or record.data)


def _parse_odd_line(line: bytes) -> ClickEvent | Reason:
    """A line that is not simply one record: blank, with a prefix, of odd types, in odd letters, or broken."""
    if not line or line.isspace():
        return Reason.BLANK
    start = line.find(b"{")
    if start < 0:
        return _without_object(line)
    starts = [start]
    if line[:start].strip() and (after := line.find(b" - {")) >= start:
        starts.append(after + 3)  # the prefix itself had a brace
    for start in starts:
        rest = line[start:]
        try:
            record = _decode(rest)
        except BAD_JSON:
            try:  # msgspec refuses NaN, lone surrogates, bytes that are no UTF-8, and types it was not told of
                found = json.loads(rest.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                return _from_mapping(found)
        else:
            return _event(record, record.event or record.data)
    return Reason.BROKEN_JSON


def _without_object(line: bytes) -> Reason:
    try:
        json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return Reason.BROKEN_JSON
    return Reason.NOT_AN_EVENT


def _from_mapping(record: Mapping[str, Any]) -> ClickEvent | Reason:
    get = record.get
    context = get("context")
    if isinstance(context, str):  # a pipeline on the way made text of it
        try:
            context = json.loads(context)
        except (ValueError, RecursionError):
            context = None
    fields = _NO_CONTEXT
    if isinstance(context, Mapping):
        fields = Context(**{name: finite(context.get(name)) for name in Context.__struct_fields__})
        module = fields.module
        fields.module = Module(module.get("usage_key")) if isinstance(module, Mapping) else None
    found = Record(
        context=fields,
        event_type=finite(get("event_type")),
        name=finite(get("name")),
        event_source=finite(get("event_source")),
        time=get("time"),
        timestamp=get("timestamp"),
        session=finite(get("session")),
        page=finite(get("page")),
        username=finite(get("username")),
        who=finite(get("who")),
        status=finite(get("status")),
    )
    payload = get("event")
    return _event(found, get("data") if payload is None else payload)


def _event(record: Record, payload: Any) -> ClickEvent | Reason:
    """The decision, from the fields of either form; `payload` is raw JSON, a string of JSON, or an object."""
    context = record.context
    if context is None:
        context = _NO_CONTEXT
    name = record.event_type or context.event_type or record.name
    if not isinstance(name, str):
        return Reason.NOT_AN_EVENT
    if len(name) > LONGEST_PATH:
        name = name[:LONGEST_PATH]  # what nobody named is not kept whole in a cache
    if name[:1] != "/":
        return _explicit(record, context, name, payload)
    if (record.event_source or context.event_source) in _CLIENTS:
        return Reason.UNNAMED  # a browser names its events as it likes: a request is what the server says was asked for
    # An implicit event: the LMS logs every request, its path being the event's type.
    kind, course, block = meaning_of_path(name)
    if kind.__class__ is Reason:
        return kind
    if record.status is not None and _is_refusal(record.status):
        return Reason.NOT_ANSWERED
    named = context.course_id
    if named != course or not course:
        named = _course(named)
        if named not in _NO_COURSE:
            course = named
        elif not (course := _first(named, course)) or course == OTHER:
            course = _first(course, *_courses_asked_for(payload))
    return _click(record, context, course, context.user_id, kind, block)


def _is_refusal(status: Any) -> bool:
    """Whether a request was answered with an error; as number or as text."""
    return _REFUSAL.match(str(status)) is not None


def _courses_asked_for(payload: Any) -> Iterable[str]:
    """The course runs that a request's own parameters name."""
    data = payload_of(payload) or _NO_PAYLOAD
    query = data.GET.get("course_id") if isinstance(data.GET, dict) else None
    return _course(data.course_id), _course(query[0] if isinstance(query, list) and query else query)


def _explicit(record: Record, context: Context, name: str, payload: Any) -> ClickEvent | Reason:
    """An event that some code of the LMS, a block or the browser named."""
    kind = kind_of_event(name)
    if isinstance(kind, Reason):
        return kind
    source = record.event_source or context.event_source
    path = context.path[:LONGEST_PATH] if isinstance(context.path, str) else ""
    page = record.page or context.page
    page = page[:LONGEST_PATH] if isinstance(page, str) else ""
    if kind in FACTS:
        return Reason.BROWSER_TWIN if source in _CLIENTS else _fact(record, context, kind, payload, path)
    if source == "browser" and (name == CHECKED or kind in HAND_INS):  # and nobody's browser hands in
        return Reason.BROWSER_TWIN
    if source == "task":
        return Reason.NOT_A_CLICK  # the course team's rescoring, in a worker
    if page and (refused := _refused_page(page)):
        return refused
    if path != "/event" and (refused := _refused_in(name, path, is_server=source not in _CLIENTS)):
        return refused
    data = payload_of(payload)
    if data is None:
        if kind == CHECKED:  # only the browser sends the answers as one string
            return Reason.BROWSER_TWIN
        data = _NO_PAYLOAD
    found = _block(data, context.module)
    if OUR_BLOCK in found.text:
        return Reason.OUR_OWN
    course = _course(context.course_id)
    if course in _NO_COURSE:
        course = _first(course, _course(data.course_id), found.course, course_in(page), course_in(path), _linked(data))
    block = found.text
    if not block and isinstance(data.id, str) and len(data.id) <= LONGEST and group_of(kind) == "video":
        block = block_of(course, "video", data.id)  # the player knows the bare id alone
    if not block and kind in EFFECTS:
        block = meaning_of_path(path).block  # of an open response, where its context names no module
    if kind == CHECKED:
        kind = CORRECT if data.success == "correct" else INCORRECT
        event = _click(record, context, course, context.user_id, kind, block)
        return _scored(event, data.grade, data.max_grade, data.attempts)
    # The LMS keeps the new name of a step that leaves the sequence.
    if (name == _NEXT and data.tab_count is not None and data.current_tab == data.tab_count) or (
        name == _PREVIOUS and data.current_tab == 1
    ):
        kind = name
    return _click(record, context, course, context.user_id, kind, block)


def _fact(record: Record, context: Context, kind: str, payload: Any, path: str) -> ClickEvent | Reason:
    """A fact about the score or the enrolment of `event.user_id`, in whoever's request or worker it was written."""
    data = payload_of(payload) or _NO_PAYLOAD
    found = _block(data, context.module) if kind in SCORE_FACTS else Block()
    course = _first(_course(data.course_id), found.course, _course(context.course_id), course_in(path))
    if kind == STATES_DELETED:
        event = _click(record, context, course, 1, kind, "")
        return event._replace(learner=NOBODY, session="", who="") if isinstance(event, ClickEvent) else event
    about = data.user_id
    if kind == SUBMITTED:
        about = about or context.user_id
    score, possible = data.weighted_earned, data.weighted_possible
    if kind in (RESCORED, OVERRIDDEN):
        score, possible = data.new_weighted_earned, data.new_weighted_possible
    # An open response whose state was cleared says 0 of 0 as well as a problem of weight 0 that was handed in.
    elif kind == SUBMITTED and possible.__class__ in _NUMBERS and possible == 0 and not _is_own(context, about, found):
        kind, score, possible = SCORE_RESET, None, None
    if kind in SCORE_FACTS - COMPARED and not found.text:
        return Reason.NOT_A_CLICK
    event = _click(record, context, course, about, kind, found.text)
    if isinstance(event, ClickEvent):  # whoever graded, or enrolled, had the session
        is_own = _user(about) == _user(context.user_id)
        event = event._replace(session="", who=event.who if is_own else "")
    return _scored(event, score, possible, None) if kind in SCORE_FACTS else event


def _is_own(context: Context, about: Any, block: Block) -> bool:
    return _user(about) == _user(context.user_id) and block.type != "openassessment"


def _refused_in(name: str, path: str, *, is_server: bool) -> Reason | None:
    """Why an event does not count that was written in the request of this path."""
    place = meaning_of_path(path).kind
    if place in _NO_PLACE:
        return place  # type: ignore[return-value]  # a Reason
    if name.startswith("edx.forum."):
        return Reason.ONE_CLICK if _LEGACY_FORUM.match(path) else None
    if not is_server or is_named(name):
        return None
    if not isinstance(place, Reason):
        return Reason.ONE_CLICK  # the request is the click
    return place if place is Reason.BESIDE else None


def _linked(data: Payload) -> str:
    """The course run that an event's own address names."""
    return course_in(data.url[:LONGEST_PATH]) if isinstance(data.url, str) else ""


def _click(
    record: Record, context: Context, course: str, user: Any, kind: str | Reason, block: str
) -> ClickEvent | Reason:
    time = _microseconds(record.time or context.timestamp or record.timestamp)
    if time is None:
        return Reason.NO_TIME
    if context.received_at is not None and (received := _microseconds(context.received_at)) is not None:
        time = min(time, received)  # a phone's clock may be ahead
    user = user if user.__class__ is int else _user(user)
    who = record.who
    if who is None:
        name = record.username or context.username
        who = name_hash(name[:LONGEST]) if name and name.__class__ is str else ""
    elif who.__class__ is not str or len(who) > _LONGEST_WHO:
        who = ""
    if not 0 < user <= _LARGEST_ID:
        return Reason.NAME_ALONE if who and context.user_id is None else Reason.NO_LEARNER
    if not course:
        return Reason.NO_COURSE
    if course == OTHER:
        return Reason.OTHER_KEY
    session = record.session or context.session
    if session.__class__ is not str or not session.isascii() or len(session) > 255 or not session.isprintable():
        session = ""
    return _new(ClickEvent, (course, user, time, kind, block, session, None, None, None, who))


def _user(value: Any) -> int:
    """A user id, which some events write as text; 0 where there is none."""
    if value.__class__ is int:
        return int(value)
    return int(value) if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit() else 0


def _scored(event: ClickEvent | Reason, score: Any, possible: Any, attempt: Any) -> ClickEvent | Reason:
    if isinstance(event, Reason):
        return event
    score, possible = _number(score), _number(possible)
    if score is None or possible is None:
        score = possible = None  # half a score says nothing
    if attempt.__class__ is not int or not 0 < attempt < 2**31:
        attempt = None
    return event._replace(score=score, possible=possible, attempt=attempt)


def _number(value: Any) -> float | None:
    """A score: no truth value, nothing negative, endless or beyond what a float can hold."""
    return float(value) if value.__class__ in _NUMBERS and 0 <= value < 1e300 else None


def _microseconds(value: Any) -> int | None:
    """Microseconds since 1970, UTC, of a datetime or ISO text; without a zone it is UTC, as the LMS writes it."""
    if value.__class__ is not datetime and (value := _moment(value)) is None:
        return None
    passed = value - _EPOCH if value.tzinfo is not None else value - _NAIVE_EPOCH
    time: int = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
    return time if _EARLIEST <= time < _LATEST else None


def _moment(value: Any) -> datetime | None:
    """What else a time may be; text as the decoder of lines reads it, where that can."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        return msgspec.convert(value, datetime)
    except (msgspec.ValidationError, ValueError):  # the latter of letters without a partner
        pass
    try:
        return datetime.fromisoformat(value) if len(value) >= 16 else None  # a day alone is no time
    except ValueError:
        return None


def _course(value: Any) -> str:
    return course_key(value) if isinstance(value, str) and 0 < len(value) <= LONGEST else ""


def _first(*keys: str) -> str:
    """The first key of a course run; `OTHER` where there are only other keys."""
    return next((key for key in keys if key and key != OTHER), OTHER if OTHER in keys else "")


def _block(data: Payload, module: Module | None) -> Block:
    """The block that an event is about: its payload says, or the block that was at work."""
    for value in (data.problem_id, data.usage_key, data.block_id, data.module_id, data.id, data.problem):
        if value is None or not isinstance(value, str) or len(value) > LONGEST:
            continue
        if (found := usage_key(value)).course + found.text:
            return found
    if module is not None and isinstance(module.usage_key, str):
        return usage_key(module.usage_key[: LONGEST + 1])
    return Block()


@lru_cache(maxsize=4_096)
def _refused_page(page: str) -> Reason | None:
    """Why nothing that happens on a page counts. Of an MFE's address only our own block says anything."""
    path = _HOST.sub("", page, count=1).partition("?")[0].partition("#")[0]
    if OUR_BLOCK in page or path.startswith("/engage/"):
        return Reason.OUR_OWN
    kind = meaning_of_path(path).kind if path.startswith("/courses/") else ""
    return kind if kind in _NO_PLACE else None  # type: ignore[return-value]  # a Reason
