"""How the clickstream fares: sources, history, learners, model, clock; and what to do when something is wrong."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engage_backend.management.stopping import needs_tables


class Command(BaseCommand):
    """`engage_status [--json]` only reads; ends with status 0 whatever it finds. Its other options note what was done."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """In which form."""
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object; `todo` is empty when all is well"
        )

        parser.add_argument(
            "--close-gaps",
            action="store_true",
            help="records that were lost until now have been backfilled, or are lost for good: ask for them no more",
        )
        parser.add_argument(
            "--replaced",
            metavar="SOURCE",
            help="another source took the place of this one: ask for its consumer no more",
        )

    @needs_tables()
    def handle(self, *args: Any, **options: Any) -> None:
        """Note what the operator says, ask, and print."""
        from engage_backend.engagement.live.status import status

        if options["close_gaps"]:
            _close_gaps()
        if options["replaced"] is not None:
            _replace(options["replaced"])
        found = status()
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
            return
        for name, value in _rows(found):
            self.stdout.write(f"{name:<12} {value}")
        for line in found["todo"]:
            self.stdout.write(f"! {line}")
        if not found["todo"]:
            self.stdout.write("all is well")


def _close_gaps() -> None:
    from redis import RedisError

    from engage_backend.clickstream.stream_status import stream_status
    from engage_backend.conf import engage_settings
    from engage_backend.engagement.live.gaps import close_all

    stream = engage_settings().stream
    try:
        dropped = {} if stream is None else stream_status(stream).dropped_by_host
    except (RedisError, OSError, ValueError) as error:
        raise CommandError(f"Redis does not answer, so that what was dropped is not known: {error}") from error
    close_all(dropped)


def _replace(source: str) -> None:
    from engage_backend.engagement.live.status import ALIVE
    from engage_backend.models import Checkpoint

    mark = Checkpoint.objects.filter(source=source).first()
    if mark is None:
        known = ", ".join(Checkpoint.objects.order_by("source").values_list("source", flat=True)) or "none"
        raise CommandError(f"--replaced: no consumer has read {source!r}. Known sources: {known}")
    now = datetime.now(UTC)
    if (now - mark.updated).total_seconds() <= ALIVE:
        raise CommandError(
            f"--replaced: {source} is being read: stop its consumer, and repeat this {ALIVE:.0f} s later"
        )
    # An update, not a save: that would pass for a sign of life of the consumer.
    Checkpoint.objects.filter(pk=mark.pk).update(replaced_at=now)


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What people read: a name and a line; an empty name goes on with the row before."""
    rows = [("site's clock", found["now"])]
    for one in found["sources"]:
        state = "running" if one["alive"] else f"last seen {one['seen']}"
        state += ", replaced by another source" if one["replaced"] else ""
        rows.append(("source", f"{one['source']}: {state}"))
        rows.append(
            ("", f"{one['events']:,} events, {one['rate']:,} a second; last event {one['last_event'] or 'none'}")
        )
        rows.append(("", f"lag {_lag(one)}"))
        rows += [("", f"{count:>10,} not taken in: {reason}") for reason, count in one["rejected"].items()]
    if stream := found["stream"]:
        rows.append(("redis", f"{stream['place']}, {stream['shards']} shards: {_lag(stream)}"))
        if "dropped" in stream:
            rows.append(("", f"{stream['dropped']:,} records dropped by the LMS"))
    history, states, kinds = found["history"], found["states"], found["kinds"]
    rows.append(
        (
            "history",
            f"{history['events']:,} events in {history['bytes']:,} bytes, {history['bytes_per_event'] or 0} each",
        )
    )
    rows.append(("learners", ", ".join(f"{count:,} {state}" for state, count in found["learners"].items()) or "none"))
    rows.append(("", f"{states['count']:,} states of {states['bytes_per_learner'] or 0:,} bytes"))
    rows.append(("model", f"{found['model']['name'] or 'none'} in {found['model']['folder']}"))
    if found["model"]["certify_why"]:
        rows.append(("", f"certify: {found['model']['certify_why']}"))
    share = (
        ""
        if kinds["understood_share"] is None
        else f"; the model understands those of {kinds['understood_share']:.1%} of the events"
    )
    rows.append(("kinds", f"{kinds['registered']:,} of at most {kinds['most']:,}{share}"))
    if kinds["unknown"]:
        rows.append(("", f"not understood, most frequent first: {', '.join(kinds['unknown'])}"))
    rows += [
        (
            "course run",
            f"{run['course']}: {run['learners']:,} learners, as of {run['as_of']}, by {run['model'] or 'no model'}"
            + (
                ""
                if run["understood_share"] is None
                else f", which understands {run['understood_share']:.1%} of its events"
            )
            + ("" if run["drift"] is None else f"; drift: {run['drift']}"),
        )
        for run in found["runs"]
    ]
    amber = [run for run in found["runs"] if run["drift"] == "amber"]
    rows += [("amber", f"{run['course']}: {says}") for run in amber for says in run["drift_says"]]
    if lease := found["lease"]:
        rows.append(("daily pass", f"under way at {lease['holder']}"))
    if kept := found["quarantine"]:
        rows.append(("quarantine", f"{kept['path']}: {kept['bytes']:,} bytes"))
    return rows


def _lag(one: dict[str, Any]) -> str:
    if one["trouble"]:
        return str(one["trouble"])
    if one["lag_seconds"] is None:
        return "not known" if not one["lag_events"] else f"{one['lag_events']:,} records"
    return f"{one['lag_seconds']:,} s, {one['lag_events']:,} records"
