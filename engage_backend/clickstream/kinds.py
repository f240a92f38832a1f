"""From the name of an event or the path of a request to its kind: `kind_table.py` says what, this says how."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote, unquote

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
    "{hex}": r"(?=[^/]*[0-9])[0-9a-fA-F-]{6,40}",
    "{document}": r".*\.(?i:pdf|zip|gz|7z|docx?|pptx?|xlsx?|od[tsp]|csv|txt|rtf|epub|ipynb|tex|md)",
    "{rest}": r".*",
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
# (block type or *, handler; a `*` at the handler's end stands for any rest) -> why it does not count
_HANDLERS = {(block, handler): Reason[why[1:]] for block, handler, why, *_ in _cells(kind_table.HANDLERS)}
_HANDLER_STARTS = [(block, name[:-1], why) for (block, name), why in _HANDLERS.items() if name.endswith("*")]


@lru_cache(maxsize=16_384)
def meaning_of_path(path: str) -> Meaning:
    """Return kind and keys of a request's path, without its query. A path that no row names is `Reason.UNNAMED`."""
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
        return Meaning(Reason.UNNAMED, course)
    for pattern, kind in _OTHER_PAGES:
        if match := pattern.fullmatch(path):
            return _meaning(kind, match, course_in(path))
    return Meaning(Reason.UNNAMED, course_in(path))


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
            return Meaning(Reason.UNNAMED, course)
        handler = names.get("handler") or ""
        if why := _not_counted(block.type, handler):
            return Meaning(why, course, block.text)
        kind = kind.replace("{type}", _word(block.type)).replace("{handler}", _word(handler))
    return Meaning(kind[:LONGEST], course, block.text)


def _not_counted(block_type: str, handler: str) -> Reason | None:
    """Why a request to a block's handler is no click by itself; None where it is one."""
    for block in (block_type, "*"):
        if why := _HANDLERS.get((block, handler)):
            return why
    return next((why for block, name, why in _HANDLER_STARTS if block == block_type and handler.startswith(name)), None)


_SEGMENT = re.compile(r"[A-Za-z](?:[A-Za-z_.-]*[0-9]?){0,3}")
_HEX = re.compile(r"[0-9a-fA-F-]{8,}")


def _word(segment: str) -> str:
    """A path's segment, or what stands in its place where it is an id: kinds must not grow with the data."""
    short = len(segment) <= 32 and _SEGMENT.fullmatch(segment) and not _HEX.fullmatch(segment)
    return segment if short else "{id}"


_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]+")
_ASCII_NOT_IN_NAMES = re.compile(r"[\x00-,/;-@\[-^`{-\x9f]+")
_IDS = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}|[0-9]{4,}")


def _events() -> tuple[dict[str, str | Reason], list[tuple[str, Reason | None]]]:
    """Names with a row of their own, and beginnings of names; None: such names are clicks of their own name."""
    exact: dict[str, str | Reason] = {}
    starts: list[tuple[str, Reason | None]] = []
    for name, kind, *_ in _cells(kind_table.EVENTS):
        meaning = Reason[kind[1:]] if kind[0] == "!" else name if kind[0] == "=" else kind
        if name.endswith("*"):
            starts.append((name[:-1], meaning if isinstance(meaning, Reason) else None))
        elif name != CHECKED:
            exact[name] = meaning
    return exact, [(start, meaning) for start, meaning in starts if start]


_EXACT, _STARTS = _events()
_PAGE_KINDS = frozenset(kind for _, kind in _COURSE_PAGES + _OTHER_PAGES)
_OPEN = frozenset({CORRECT, INCORRECT})
# Every kind that a row names, except those that name a block's type and handler.
TABLE_KINDS = (
    frozenset(kind for kind in (*_PAGE_KINDS, *_EXACT.values()) if not isinstance(kind, Reason) and "{" not in kind)
    | _OPEN
    | SCORE_FACTS
)


@lru_cache(maxsize=4_096)
def kind_of_event(name: str) -> str | Reason:
    """The kind of an explicit event by its name alone: `problem_check` stays open, sequence events take the old name."""
    if name in _EXACT:
        return _EXACT[name]
    if reason := next((reason for start, reason in _STARTS if name.startswith(start)), None):
        return reason
    kind = _IDS.sub("{id}", _NOT_IN_NAMES.sub("_", name[:LONGEST_PATH]))[: LONGEST - 6].strip("_")
    if not name.isascii():
        kind = _in_ascii(name)
    if kind in _PAGE_KINDS or kind in _OPEN:
        return f"event:{kind}"  # anybody may name an event: it passes for no page and for no submission
    return kind or Reason.NOT_AN_EVENT


@lru_cache(maxsize=4_096)
def is_named(name: str) -> bool:
    """Return whether the table names an event, by itself or by its beginning."""
    return name == CHECKED or name in _EXACT or any(name.startswith(start) for start, _ in _STARTS)


def _in_ascii(name: str) -> str:
    """A name in any script as percent-encoded ASCII; the end of one that is too long becomes a digest of the whole."""
    name = unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode()
    kind = quote(_IDS.sub("{id}", _ASCII_NOT_IN_NAMES.sub("_", name)), safe="{}:")
    if len(kind) > LONGEST - 6:
        kind = f"{kind[: LONGEST - 24].rpartition('%')[0]}~{blake2b(name.encode(), digest_size=8).hexdigest()}"
    return kind.strip("_")


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
