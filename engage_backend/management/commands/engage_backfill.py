"""Take in tracking logs of the past: rotated files, a gap, a course that began before Engage was installed."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.files import read_lines
from engage_backend.clickstream.parse import parse_lines

_LINES = 50_000  # parsed at once
_EVENTS = 400_000  # taken in at once, so that most learners' histories are written and read by the model in one piece


class Command(BaseCommand):
    """`engage_backfill LOG...`: may be interrupted, repeated, and run beside a consumer; events count once."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which files."""
        parser.add_argument("logs", type=Path, nargs="+", metavar="LOG", help="tracking log, plain, .gz or .xz")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read all files, then bring every learner up to now."""
        # torch comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.platform.api import get_platform

        if missing := [str(path) for path in options["logs"] if not path.is_file()]:
            raise CommandError(f"no such file: {', '.join(missing)}")
        engine = Engine(get_platform())
        lines, events, refused = 0, 0, Counter[str]()
        waiting: list[ClickEvent] = []
        for path in options["logs"]:
            records = iter(read_lines(path))
            while block := list(islice(records, _LINES)):
                parsed, rejected = parse_lines(block)
                lines += len(block)
                events += len(parsed)
                refused.update({str(reason): count for reason, count in rejected.items()})
                waiting += parsed
                if len(waiting) >= _EVENTS:
                    refused.update({str(reason): count for reason, count in engine.ingest(waiting).items()})
                    waiting = []
                    self.stdout.write(f"{path}: {lines:,} lines, {events:,} events")
        refused.update({str(reason): count for reason, count in engine.ingest(waiting).items()})
        engine.tick()
        self.stdout.write(f"{lines:,} lines, {events:,} events taken in")
        for reason, count in refused.most_common():
            self.stdout.write(f"  {count:,} not: {reason}")
