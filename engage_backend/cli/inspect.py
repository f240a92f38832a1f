"""`engage inspect`: what is in these logs, and what was left out of it, and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from engage_backend.cli import Refusal
from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.files import DamagedFile, advice, read_lines
from engage_backend.clickstream.names import is_activity
from engage_backend.clickstream.parse import latest, parse_lines
from engage_backend.engagement.categories import is_known

BASE_MODEL = Path(__file__).resolve().parents[1] / "base_model"
HELP = "Count what tracking logs hold: kinds, courses, learners, and lines left out, by reason."
CHUNK = 4_096


@dataclass
class Summary:
    """What was counted. `events` + all of `rejected` = `lines`; an event that stands twice counts twice."""

    lines: int = 0
    events: int = 0
    learners: set[int] = field(default_factory=set)
    first: int | None = None  # microseconds since 1970, UTC
    last: int | None = None
    kinds: Counter[str] = field(default_factory=Counter)
    courses: Counter[str] = field(default_factory=Counter)
    rejected: Counter[Reason] = field(default_factory=Counter)

    def add(self, lines: list[bytes]) -> None:
        """Count some lines."""
        found, rejected = parse_lines(lines, until=latest(datetime.now(UTC)))
        events = [event for event in found if is_activity(event.kind)]
        if len(events) < len(found):
            rejected[Reason.FACT] += len(found) - len(events)
        self.lines += len(lines)
        self.events += len(events)
        self.rejected.update(rejected)
        if not events:
            return
        self.learners.update(event.learner for event in events)
        self.kinds.update(event.kind for event in events)
        self.courses.update(event.course for event in events)
        times = [event.time for event in events]
        self.first = min(times) if self.first is None else min(self.first, *times)
        self.last = max(times) if self.last is None else max(self.last, *times)

    def to_json(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """The summary as a JSON object, most frequent first, times in ISO 8601; `card`: of the model to compare with."""
        unknown = Counter({kind: count for kind, count in self.kinds.items() if not is_known(card, kind)})
        return {
            "lines": self.lines,
            "events": self.events,
            "learners": len(self.learners),
            "first": _iso(self.first),
            "last": _iso(self.last),
            "kinds": _ordered(self.kinds),
            "kinds_the_model_does_not_know": _ordered(unknown),
            "share_of_events_it_knows": round(1 - unknown.total() / self.events, 4) if self.events else None,
            "courses": _ordered(self.courses),
            "rejected": _ordered(self.rejected),
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="tracking log, plain, .gz or .xz; - for standard input")
    parser.add_argument(
        "--model",
        type=Path,
        default=BASE_MODEL,
        metavar="FOLDER",
        help="whose knowledge of kinds to compare with; default: the base model",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(options: argparse.Namespace) -> int:
    """Count and print; 0 also when a file was damaged, whose readable part is counted and which is named."""
    card = _card(options.model)
    summary = Summary()
    for name in options.logs:
        for lines in _chunks("-" if name == "-" else Path(name)):
            summary.add(lines)
    found = summary.to_json(card)
    if options.json:
        print(json.dumps(found, indent=2))  # noqa: T201
    else:
        _print_table(found)
    return 0


def _card(folder: Path) -> dict[str, Any]:
    """What the model in this folder says of itself. Refusal where there is none."""
    try:
        return dict(json.loads((folder / "card.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise Refusal(f"{folder} holds no model: a card.json is needed ({error})") from error


def _chunks(path: Path | Literal["-"]) -> Iterator[list[bytes]]:
    lines = read_lines(path)
    while True:
        chunk: list[bytes] = []
        try:
            chunk.extend(islice(lines, CHUNK))
        except DamagedFile as damage:
            if chunk:
                yield chunk
            print(f"engage inspect: {damage}; counted as far as it could be read", file=sys.stderr)  # noqa: T201
            return
        except OSError as error:
            raise Refusal(f"cannot read {path}: {error.strerror or error}{advice(Path(path))}") from error
        if not chunk:
            return
        yield chunk


def _ordered(counts: Counter[Any]) -> dict[str, int]:
    return {str(key): count for key, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))}


def _iso(time: int | None) -> str | None:
    if time is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    return moment.isoformat().replace("+00:00", "Z")


def _print_table(found: dict[str, Any]) -> None:
    print(  # noqa: T201
        f"{found['lines']:,} lines, {found['events']:,} events of {found['learners']:,} learners, "
        f"{found['first'] or 'no time'} to {found['last'] or 'no time'}"
    )
    if found["share_of_events_it_knows"] is not None:
        print(f"the model knows the kinds of {found['share_of_events_it_knows']:.1%} of the events")  # noqa: T201
    tables = {
        "kinds": "kind",
        "kinds_the_model_does_not_know": "kind that the model does not know",
        "courses": "course run",
        "rejected": "left out because",
    }
    width = max((len(name) for part, title in tables.items() for name in (title, *found[part])), default=0)
    for part, title in tables.items():
        if found[part]:
            print(f"\n{title:<{width}}  {'lines':>12}")  # noqa: T201
            for name, count in found[part].items():
                print(f"{name:<{width}}  {count:>12,}")  # noqa: T201
