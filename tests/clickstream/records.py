"""Records for the tests of `parse`: the real ones that lie here, and made ones with everything that an event needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse

HERE = Path(__file__).resolve()
EXCERPT = HERE.parents[1] / "data" / "tracking"
SHARED = HERE.parents[3] / "shared" / "data" / "tracking"
COURSE = "course-v1:GymX+G101+2026"
PROBLEM = f"block-v1:{COURSE[10:]}+type@problem+block@p11"


def lines_of(path: Path) -> list[bytes]:
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path.read_bytes().splitlines()


REAL = lines_of(EXCERPT / "lms.jsonl")
BACKEND = lines_of(EXCERPT / "backend.jsonl")


def record(**fields: Any) -> dict[str, Any]:
    """A record of the log, with everything that an event needs."""
    context = {"user_id": 5, "course_id": COURSE, "path": "/event", **fields.pop("context", {})}
    plain = {"event_type": "play_video", "event_source": "server", "time": "2026-01-02T03:04:05.678901+00:00"}
    return {**plain, "session": "abc", "page": None, "event": {}, "context": context, **fields}


def line(**fields: Any) -> bytes:
    return json.dumps(record(**fields)).encode()


def event(**fields: Any) -> ClickEvent:
    """The event of such a record; the line and the mapping must agree."""
    found = parse(line(**fields))
    assert isinstance(found, ClickEvent), found
    assert found == parse(record(**fields))
    return found


def refusal(**fields: Any) -> Reason:
    found = parse(line(**fields))
    assert isinstance(found, Reason), found
    assert found is parse(record(**fields))
    return found
