"""From the name of an event or the path of a request to its kind: `kind_table.py` says what, this says how."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from engage_backend.clickstream import kind_table
from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.keys import OTHER, course_in, course_key, usage_key
from engage_backend.clickstream.names import OUR_BLOCK, SCORE_FACTS

LONGEST = 100  # characters of a kind; the registry has room for 255
LONGEST_PATH = 1_000
CHECKED = "problem_check"  # becomes one of the next two
CORRECT, INCORRECT = "problem_check_correct", "problem_check_incorrect"


class Row(NamedTuple):
    """One line of the table of paths."""

    pattern: str
    kind: str
    source: str
    example: str


class Meaning(NamedTuple):
    """What a path says: its kind, or why it is no click, and the keys in it (`OTHER`: not a course run's)."""

    kind: str | Reason
    course: str = ""
    block: str = ""


def rows() -> list[Row]:
    """The table of paths, whole paths in every row."""
    prefixed = [
        Row(
            f"/courses/{{course}}/{below}".removesuffix(".."),
            kind,
            source,
            f"/courses/A/B/C/{example}".removesuffix(".."),
        )
        for below, kind, source, example in _cells(kind_table.COURSE_PAGES)
    ]
    return prefixed + [Row(*cells) for cells in _cells(kind_table.OTHER_PAGES)]


def _cells(table: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line) for line in table.strip().splitlines()]


_PLACES = {
    "{course}": r"(?P<course>[a-z-]+-v1:[^/]+|[^/:+]+/[^/:+]+/[^/:+]+)",
    "{usage}": r"(?P<usage>i4x:/{1,2}[^/]+/[^/]+/[^/]+/[^/]+|[^/]*:[^/]*)",
    "{handler}": r"(?P<handler>[^/]+)",
    "{id}": r"[^/]+",
    "/**": r"(?:/.*)?",
}
_COURSE = re.compile(rf"/courses/{_PLACES['{course}']}(?:/(?P<below>.*))?", re.DOTALL)


def _compiled(table: str) -> list[tuple[re.Pattern[str], str | Reason]]:
    found: list[tuple[re.Pattern[str], str | Reason]] = []
    for pattern, kind, *_ in _cells(table):
        parts = re.split(r"(\{\w+\}|/\*\*)", pattern.removesuffix(".."))
        text = "".join(_PLACES.get(part, re.escape(part)) for part in parts)
        found.append((re.compile(text + "/?", re.DOTALL), Reason[kind[1:]] if kind[0] == "!" else kind))
    return found


_COURSE_PAGES = _compiled(kind_table.COURSE_PAGES)
_OTHER_PAGES = _compiled(kind_table.OTHER_PAGES)


@lru_cache(maxsize=65_536)
def meaning_of_path(path: str) -> Meaning:
    """Kind and keys of a request's path, without its query. Never fails; a path unknown to the table keeps its shape."""
    path = path[:LONGEST_PATH]
    if "%" in path:
        path = unquote(path)
    if OUR_BLOCK in path:
        return Meaning(Reason.OUR_OWN)
    if below := _COURSE.fullmatch(path):
        course = course_key(below["course"])
        for pattern, kind in _COURSE_PAGES:
            if match := pattern.fullmatch(below["below"] or ""):
                return _meaning(kind, match, course)
        return Meaning(_shape(path), course)
    for pattern, kind in _OTHER_PAGES:
        if match := pattern.fullmatch(path):
            return _meaning(kind, match, course_in(path))
    return Meaning(_shape(path), course_in(path))


def kind_of_path(path: str) -> str | Reason:
    """The kind of a request's path, or why it is no click."""
    return meaning_of_path(path).kind


def _meaning(kind: str | Reason, match: re.Match[str], course: str) -> Meaning:
    names = match.groupdict()
    block = usage_key(names.get("usage") or "")
    if not course or course == OTHER:
        course = course_key(names.get("course") or "") or block.course or course
    if isinstance(kind, Reason):
        return Meaning(kind, course, block.text)
    if "{type}" in kind:
        if not block.type:  # an address that no block has
            return Meaning(kind.replace("{type}", "none").replace("{handler}", "none"), course)
        kind = kind.replace("{type}", _word(block.type)).replace("{handler}", _word(names.get("handler") or "none"))
    return Meaning(kind[:LONGEST], course, block.text)


_SEGMENT = re.compile(r"[A-Za-z](?:[A-Za-z_.-]*[0-9]?){0,3}")
_HEX = re.compile(r"[0-9a-fA-F-]{8,}")
_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)?")
# Behind these an LMS writes whom a page is of, by user name: `/u/NAME`, `/api/user/v1/accounts/NAME`. No kind holds a name.
_PEOPLE = frozenset(
    [
        "u",
        "user",
        "users",
        "username",
        "account",
        "accounts",
        "profile",
        "profiles",
        "profile_images",
        "preferences",
        "learner",
        "learners",
        "student",
        "students",
        "member",
        "members",
        "people",
        "person",
        "author",
        "authors",
        "staff",
        "email",
        "emails",
        "password_reset_confirm",
        "activate",
    ]
)


def _word(segment: str) -> str:
    """A path's segment, or what stands in its place where it is an id: kinds must not grow with the data."""
    if ":" in segment:
        return "{key}"
    short = len(segment) <= 32 and _SEGMENT.fullmatch(segment) and not _HEX.fullmatch(segment)
    return segment if short else "{id}"


def _shape(path: str) -> str:
    """A path that the table does not know, with all ids taken out, at most five segments of it."""
    course = _COURSE.match(path)
    segments = (course["below"] or "").split("/") if course else path.split("/")
    words, names_somebody = [], False
    for segment in filter(None, segments[:7]):
        is_people = segment.lower() in _PEOPLE
        words.append("{id}" if names_somebody and not is_people and not _VERSION.fullmatch(segment) else _word(segment))
        # `/api/profile_images/v1/NAME`: the number of a version stands between the two.
        names_somebody = is_people or (names_somebody and bool(_VERSION.fullmatch(segment)))
    return ("/courses/{key}/" if course else "/") + "/".join(words[:5])[: LONGEST - 16]


_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]+")
_IDS = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}|[0-9]{4,}")


def _events() -> tuple[dict[str, str | Reason], list[tuple[str, Reason]]]:
    exact: dict[str, str | Reason] = {}
    starts: list[tuple[str, Reason]] = []
    for name, kind, *_ in _cells(kind_table.EVENTS):
        if name.endswith("*"):
            starts.append((name[:-1], Reason[kind[1:]]))
        elif name != CHECKED:
            exact[name] = Reason[kind[1:]] if kind[0] == "!" else kind
    return exact, starts


_EXACT, _STARTS = _events()
_PAGE_KINDS = frozenset(kind for _, kind in _COURSE_PAGES + _OTHER_PAGES)
_OPEN = frozenset({CORRECT, INCORRECT})


@lru_cache(maxsize=16_384)
def kind_of_event(name: str) -> str | Reason:
    """The kind of an explicit event by its name alone: `problem_check` stays open, sequence events take the old name."""
    if name in _EXACT:
        return _EXACT[name]
    for start, reason in _STARTS:
        if name.startswith(start):
            return reason
    kind = _IDS.sub("{id}", _NOT_IN_NAMES.sub("_", name[:LONGEST_PATH]))[: LONGEST - 6].strip("_")
    if kind in _PAGE_KINDS or kind in _OPEN:
        return f"event:{kind}"  # anybody may name an event: it passes for no page and for no submission
    return kind or Reason.NOT_AN_EVENT


_FORUM = ("forum_", "thread_", "comment_", "topic_", "edx.forum.")
_VIDEO = ("edx.video.", "video_", "xblock_view:video")
_TRANSCRIPT = frozenset({"show_transcript", "hide_transcript", "edx.ui.lms.video.transcript.shown"})


@lru_cache(maxsize=16_384)
def group_of(kind: str) -> str:
    """What a kind belongs to, for counting: `submission`, `forum`, `video`, `problem`, `page` or `other`."""
    if kind in (CORRECT, INCORRECT) or kind in SCORE_FACTS:
        return "submission"
    if kind.startswith(_FORUM):
        return "forum"
    if kind.startswith(_VIDEO) or kind.endswith("_video") or kind in _TRANSCRIPT:
        return "video"
    if kind.startswith(("problem_", "handler:problem:", "xblock_view:problem", "reset_problem", "save_problem")):
        return "problem"
    if kind == "showanswer":
        return "problem"
    if "." in kind or kind.startswith(("handler:", "seq_")):
        return "other"
    return "page"
