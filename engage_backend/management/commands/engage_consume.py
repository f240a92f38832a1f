"""Follow a source of tracking records and keep predictions current."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from engage_backend.clickstream.quarantine import Quarantine
from engage_backend.clickstream.sources.base import MAX_BATCH, Source
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.management.chores import chores
from engage_backend.management.json_log import log_json
from engage_backend.management.stopping import needs_tables, stop_on_signals
from engage_backend.streams import MOST_SHARDS

if TYPE_CHECKING:
    from engage_backend.engagement.live.metrics import Metrics


class Command(BaseCommand):
    """`engage_consume PATH`, or `--source redis [URL]`: SIGTERM or Ctrl-C finishes the batch in hand and ends it."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which source, and how much of it at once."""
        parser.add_argument("--source", choices=["logfile", "redis"], default="logfile", help="kind of source")
        parser.add_argument(
            "location",
            nargs="?",
            metavar="PATH|URL",
            help='the tracking log to follow; the Redis, else ENGAGE["STREAM"]\'s',
        )
        parser.add_argument("--shards", type=shards, metavar="0,1,...", help="only these shards of the stream in Redis")
        parser.add_argument(
            "--allow-eviction", action="store_true", help="read from a Redis even if it may throw the stream away"
        )
        parser.add_argument("--max-batch", type=int, default=MAX_BATCH, help="records taken in at once, at most")
        parser.add_argument(
            "--max-wait", type=float, default=0.2, help="seconds to wait for a record before looking at the clock"
        )
        parser.add_argument(
            "--metrics-port", type=int, metavar="PORT", help="serve figures for Prometheus on this port"
        )
        parser.add_argument("--log-json", action="store_true", help="log JSON lines to standard error")
        parser.add_argument("--once", action="store_true", help="read what is there, and end")

    @needs_tables()
    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until told to stop."""
        # numpy comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.conf import engage_settings
        from engage_backend.engagement.live.consumer import AnotherReader, Consumer
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.engagement.live.retry import limit_waiting
        from engage_backend.platform.api import get_platform

        if options["log_json"]:
            log_json()
        limit_waiting()
        with stop_on_signals() as stop, ExitStack() as open_things:
            source, position = _redis(options, stop) if options["source"] == "redis" else _logfile(options)
            open_things.callback(source.close)
            metrics = _metrics(source.name, options["metrics_port"])
            if metrics is not None:
                open_things.callback(metrics.close)
            broken = engage_settings().quarantine
            consumer = Consumer(
                source,
                Engine(get_platform()),
                max_batch=options["max_batch"],
                max_wait=options["max_wait"],
                quarantine=Quarantine(broken) if broken else None,
                watch=metrics.batch if metrics else None,
                chores=chores(),
                position=position,
            )
            try:
                if options["once"]:
                    consumer.catch_up(stop)
                else:
                    consumer.run(stop)
            except AnotherReader as error:
                raise CommandError(str(error)) from None


def _logfile(options: dict[str, Any]) -> tuple[Source, dict[str, Any]]:
    if options["location"] is None:
        raise CommandError("which tracking log? engage_consume PATH")
    if options["shards"] is not None or options["allow_eviction"]:
        raise CommandError("--shards and --allow-eviction are for --source redis")
    path = Path(options["location"])
    position = _position(f"logfile:{path.resolve()}")
    return LogfileSource(path, position=position), position or {}


def _redis(options: dict[str, Any], stop: Event) -> tuple[Source, dict[str, Any]]:
    from engage_backend.clickstream.sources.redis_stream import RedisSource, UnusableRedis, prepare, source_name
    from engage_backend.conf import engage_settings
    from engage_backend.models import Checkpoint
    from engage_backend.streams import Stream

    stream, url, shards = engage_settings().stream, options["location"], options["shards"]
    if url is not None:
        stream = replace(stream, url=url) if stream is not None else Stream(url)
    if stream is None:
        raise CommandError('which Redis? engage_consume --source redis URL, or ENGAGE = {"STREAM": {"URL": ...}}')
    name = source_name(stream, shards)

    def waiting(since: datetime) -> None:
        """Tell the page, which would otherwise say that no consumer runs."""
        Checkpoint.objects.update_or_create(source=name, defaults={"unreachable_since": since})

    try:
        prepare(stream, allow_eviction=options["allow_eviction"], stop=stop, waiting=waiting)
    except UnusableRedis as error:
        raise CommandError(str(error)) from error
    position = _position(name)
    return RedisSource(stream, shards=shards, position=position), position or {}


def _metrics(source: str, port: int | None) -> Metrics | None:
    from engage_backend.engagement.live.metrics import Metrics

    if port is None:
        return None
    try:
        return Metrics(source, port)
    except ImportError as error:
        raise CommandError("--metrics-port needs prometheus-client: pip install 'openedx-engage[worker]'") from error
    except (OSError, OverflowError) as error:
        raise CommandError(f"--metrics-port {port}: {error}") from error


def _position(source: str) -> dict[str, Any] | None:
    from engage_backend.models import Checkpoint

    mark = Checkpoint.objects.filter(source=source).first()
    return mark.position if mark else None


def shards(text: str) -> list[int]:
    """The shards in `0,1,2`; raises ValueError, which argparse reports."""
    numbers = [int(part) for part in text.split(",")]
    if not all(0 <= number < MOST_SHARDS for number in numbers):
        raise ValueError
    return numbers
