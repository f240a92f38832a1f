"""Real records, damaged: byte by byte as disks and loggers do it, and value by value as browsers and attackers do it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests" / "data" / "tracking", ROOT.parent / "shared" / "data" / "tracking")

_WORDS = (
    *rb"""null true -1 0 1e999 -0.0 123456789012345678901234567890 9223372036854775808 NaN Infinity "" [] {} [[[[[[[[[[ \u0000
    \ud800 \udc00\ud800 % %2F %00 / // ? & = + : @ " \" \ } { , \x course_id event_type block-v1: course-v1: library-v1:
    ccx-v1: i4x:// type@ block@ /courses/ /xblock/ handler/ 2024-02-30T25:61:61 9999-12-31T23:59:59.999999+23:59
    0001-01-01T00:00:00-23:59 problem_check problem_graded edx.grades.problem.submitted /engage/""".split(),
    *map(str.encode, ("ſ", "\u2028", "🦉", "\n", "\x00", " " * 300, "a" * 3_000, "[" * 2_000)),
    *(b"\xff\xfe", b"\xc3"),
)
_VALUES: tuple[Callable[[random.Random], Any], ...] = (
    lambda dice: None,
    lambda dice: dice.choice((True, False, -1, 0, 1, 2**31, 2**63, -(2**63) - 1, 10**400)),
    lambda dice: dice.choice((0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), -float("inf"))),
    lambda dice: dice.choice(("", " ", "\x00", "\ud800", "🦉" * 200, "x" * 70_000, "%" * 99, "/" * 999, "é+ö+ü")),
    lambda dice: dice.choice(_WORDS).decode("latin-1") * dice.randint(1, 40),
    lambda dice: [None] * dice.randint(0, 3),
    lambda dice: {"": {}, "GET": {"course_id": [dice.randint(0, 9)]}},
    lambda dice: _deep(dice.randint(2, 300)),
    lambda dice: json.dumps({"problem_id": [1], "success": {}, "grade": "x", "attempts": -3, "max_grade": 1e400}),
)


def _deep(depth: int) -> Any:
    value: Any = 0
    for level in range(depth):
        value = [value] if level % 2 else {"event": value}
    return value


def real_lines() -> list[bytes]:
    """All that lie here and beside the repository, each once."""
    found: dict[bytes, None] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("*.jsonl")):
            found |= dict.fromkeys(path.read_bytes().splitlines())
    return list(found)


class Mutator:
    """Gives damaged records without end; the same seed gives the same ones."""

    def __init__(self, lines: list[bytes], seed: int) -> None:
        self.lines, self.dice = lines, random.Random(seed)
        self._records = [json.loads(line) for line in lines]

    def line(self) -> bytes:
        """A line with one to four wounds."""
        dice = self.dice
        if dice.random() < 0.1:
            return json.dumps(self.mapping()).encode("utf-8", "surrogatepass")
        line = dice.choice(self.lines)
        for _ in range(dice.choice((1, 1, 2, 4))):
            line = self._wounded(line)
        return line

    def mapping(self) -> dict[str, Any]:
        """A backend's record, or a log's, with one to three values that are not what they should be."""
        dice = self.dice
        record: dict[str, Any] = dict(dice.choice(self._records))
        for _ in range(dice.randint(1, 3)):
            place = record
            while True:  # down to some value; what lies on the way is copied, the original stays whole
                key = dice.choice(list(place)) if place else "event"
                below = place.get(key)
                if isinstance(below, dict) and below and dice.random() < 0.7:
                    place[key] = place = dict(below)
                    continue
                break
            if dice.random() < 0.15:
                place.pop(key, None)
            else:
                place[key] = dice.choice(_VALUES)(dice)
        return record

    def _wounded(self, line: bytes) -> bytes:
        dice, how = self.dice, self.dice.random()
        at = dice.randrange(len(line) + 1)
        if how < 0.30:
            return line[:at] + bytes((dice.randrange(256),)) + line[at + 1 :]
        if how < 0.45:
            return line[:at] + line[at + dice.randint(1, 40) :]
        if how < 0.75:
            return line[:at] + dice.choice(_WORDS) + line[at + dice.choice((0, 0, 1, 8)) :]
        if how < 0.85:
            return line[:at]
        if how < 0.95:
            return line[:at] + line[max(0, at - dice.randint(1, 60)) :]
        other = dice.choice(self.lines)
        return line[:at] + other[dice.randrange(len(other)) :]
