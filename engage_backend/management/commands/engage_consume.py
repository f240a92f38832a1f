"""Follow a source of tracking records and keep predictions current."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from pathlib import Path
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from engage_backend.clickstream.quarantine import Quarantine
from engage_backend.clickstream.sources.logfile import LogfileSource


class Command(BaseCommand):
    """`engage_consume --source logfile PATH`: SIGTERM or Ctrl-C finishes the batch in hand and ends it."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which source, and how much of it at once."""
        parser.add_argument("--source", choices=["logfile"], default="logfile", help="kind of source")
        parser.add_argument("location", type=Path, metavar="PATH", help="the tracking log to follow")
        parser.add_argument("--max-batch", type=int, default=50_000, help="records taken in at once, at most")
        parser.add_argument(
            "--max-wait", type=float, default=0.2, help="seconds to wait for a record before looking at the clock"
        )
        parser.add_argument("--once", action="store_true", help="read what is there, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until told to stop."""
        # torch comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.conf import engage_settings
        from engage_backend.engagement.live.consumer import Consumer
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.models import Checkpoint
        from engage_backend.platform.api import get_platform

        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        name = f"logfile:{options['location'].resolve()}"
        mark = Checkpoint.objects.filter(source=name).first()
        source = LogfileSource(options["location"], position=mark.position if mark else None)
        try:
            broken = engage_settings().quarantine
            consumer = Consumer(
                source,
                Engine(get_platform()),
                max_batch=options["max_batch"],
                max_wait=options["max_wait"],
                quarantine=Quarantine(broken) if broken else None,
            )
            if options["once"]:
                consumer.catch_up(stop)
            else:
                consumer.run(stop)
        finally:
            source.close()
