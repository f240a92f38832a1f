"""Course keys and usage keys: any spelling that a record may hold, to the one canonical text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey
from opaque_keys.edx.locator import BlockUsageLocator, CourseLocator, LibraryLocator, LibraryUsageLocator

LONGEST = 255  # as the platform's own columns; anything longer is no key
OTHER = "other"  # what `course_key` says of a key that is well-formed and names no course run

# The package `ccx-keys` belongs to an LMS and may be missing here: these keys are read by their form.
_CCX = re.compile(r"ccx-v1:([^+/@:\s]+\+[^+/@:\s]+\+[^+/@:\s]+)(?:\+branch@[^+]+)?(?:\+version@[^+]+)?\+ccx@(\d+)")
_CCX_BLOCK = re.compile(
    r"ccx-block-v1:([^+/@:\s]+\+[^+/@:\s]+\+[^+/@:\s]+\+ccx@\d+)\+type@([^+@/\s]+)\+block@([^+@/\s]+)"
)
_OTHER = re.compile(r"(?:library-v1|lib-block-v1|lib|lb|lct|lib-collection):")
_ASSET = re.compile(r"asset-v1:([^+/@:\s]+\+[^+/@:\s]+\+[^+/@:\s]+)\+(?:branch@[^+]+\+)?(?:version@[^+]+\+)?type@")
_IN_TEXT = re.compile(
    r"(?:course|ccx)-v1:[^/?#&+\s\"']+\+[^/?#&+\s\"']+\+[^/?#&\s\"']+|(?:ccx-)?block-v1:[^/?#&\s\"']+|(?:library-v1|lib-block-v1|lb|lib):[^/?#&\s\"']+"
)
_IN_PATH = re.compile(r"/courses/([^/+:?#]+/[^/+:?#]+/[^/+:?#]+)")


class Block(NamedTuple):
    """A usage key: its canonical text, its block type, and its course run (empty: not said, or none)."""

    text: str = ""
    type: str = ""
    course: str = ""


_NONE = Block()


@lru_cache(maxsize=16_384)
def course_key(text: str) -> str:
    """The canonical key of a course run; `OTHER` for a key of something else; empty for no key at all."""
    if not 0 < len(text) <= LONGEST or text.isspace():
        return ""
    text = text.strip()
    if "%" in text:
        text = unquote(text)
    if _OTHER.match(text):
        return OTHER
    if text.startswith(("course-v1:", "ccx-v1:")):
        text = text.replace(" ", "+")  # a query string that was decoded once too often
    if ccx := _CCX.fullmatch(text):
        return f"ccx-v1:{ccx[1]}+ccx@{ccx[2]}"
    try:
        key = CourseKey.from_string(text)
    except (InvalidKeyError, ValueError):
        return ""
    if isinstance(key, LibraryLocator):
        return OTHER
    if not (isinstance(key, CourseLocator) and key.org and key.course and key.run):
        return ""
    return _clean(str(key.for_branch(None).version_agnostic()))


@lru_cache(maxsize=32_768)
def usage_key(text: str) -> Block:
    """A usage key in any spelling (also with slashes quoted as `;_`), or an empty `Block`."""
    if not 0 < len(text) <= LONGEST or ":" not in text:
        return _NONE
    if "%" in text:
        text = unquote(text)
    if ";_" in text:
        text = text.replace(";_", "/").replace(";;", ";")
    if text.startswith("i4x:/") and not text.startswith("i4x://"):
        text = "i4x://" + text[5:]  # servers fold double slashes of a path
    if text.startswith(("block-v1:", "ccx-block-v1:")):
        text = text.replace(" ", "+")
    if ccx := _CCX_BLOCK.fullmatch(text):
        return Block(text, ccx[2], f"ccx-v1:{ccx[1]}")
    try:
        key = UsageKey.from_string(text)
    except (InvalidKeyError, ValueError):
        return _NONE
    if isinstance(key, LibraryUsageLocator) or not isinstance(key, BlockUsageLocator):
        return Block("", "", OTHER)
    key = key.for_branch(None).version_agnostic()
    canonical = _clean(str(key))
    if not canonical:
        return _NONE
    course = key.context_key
    return Block(canonical, key.block_type, _clean(str(course)) if course.run else "")


@lru_cache(maxsize=4_096)
def course_in(text: str) -> str:
    """The course run that a page's address or a path names anywhere; `OTHER`, or empty."""
    if "%" in text:
        text = unquote(text)
    found = ""
    for match in _IN_TEXT.finditer(text):
        part = match[0]
        if len(part) > LONGEST:
            continue
        key = usage_key(part).course if "block-v1:" in part or part.startswith("lb:") else course_key(part)
        if key and key != OTHER:
            return key
        found = found or key
    if old := _IN_PATH.search(text):
        return course_key(old[1][: LONGEST + 1]) or found
    if asset := _ASSET.search(text):  # a file of the course, by its link
        return course_key(f"course-v1:{asset[1]}"[: LONGEST + 1]) or found
    return found


@lru_cache(maxsize=16_384)
def block_of(course: str, block_type: str, block_id: str) -> str:
    """The usage key of a block that a record names by its bare id, or empty."""
    if course.startswith("course-v1:"):
        return usage_key(f"block-v1:{course[10:]}+type@{block_type}+block@{block_id}").text
    if course.startswith("ccx-v1:"):
        return usage_key(f"ccx-block-v1:{course[7:]}+type@{block_type}+block@{block_id}").text
    return ""


def _clean(text: str) -> str:
    """The text, or nothing where no database could hold it."""
    return text if len(text) <= LONGEST and text.isprintable() else ""
