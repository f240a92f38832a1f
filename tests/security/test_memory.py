"""Long texts by a learner's hand: what a browser may send is not kept in the memory of the worker or of the LMS."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from engage_backend.clickstream.parse import parse, parse_lines

LONG = 50_000  # characters; a record may have more
COURSE = "course-v1:OrgX+C1+2024"


def line(**odd: object) -> dict[str, object]:
    return {
        "event_type": "play_video",
        "event_source": "browser",
        "time": "2024-03-01T00:00:00Z",
        "username": "ann",
        "session": "s",
        "page": f"https://example.org/courses/{COURSE}/courseware/",
        "context": {"user_id": 7, "course_id": COURSE, "path": "/event"},
        "event": "{}",
        **odd,
    }


def attack(field: str, number: int) -> bytes:
    """A record with a long text, a different one each time, in one field."""
    text = f"{number}-" + "x" * LONG
    payload = {"id": text, "problem_id": f"block-v1:{text}", "usage_key": f"i4x://{text}", "url": f"/courses/{text}"}
    odd: dict[str, object] = {
        "name": {"event_type": text, "name": text},
        "path": {"event_source": "server", "event_type": f"/courses/{COURSE}/{text}"},
        "user name": {"username": text},
        "session": {"session": text},
        "page": {"page": f"https://example.org/courses/{COURSE}/{text}"},
        "course": {"context": {"user_id": 7, "course_id": f"course-v1:{text}", "path": text}},
        "payload": {"event": json.dumps(payload)},
        "module": {"context": {"user_id": 7, "course_id": COURSE, "module": {"usage_key": f"block-v1:{text}"}}},
    }[field]  # type: ignore[assignment]
    return json.dumps(line(**odd)).encode()


@pytest.mark.parametrize("field", ["name", "path", "user name", "session", "page", "course", "payload", "module"])
def test_a_thousand_long_texts_leave_next_to_nothing(field: str) -> None:
    parse(json.dumps(line()).encode())
    tracemalloc.start()
    try:
        for number in range(1_000):
            parse_lines([attack(field, number)])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 8_000_000, "a thousand texts of 50 kB are 50 MB"
