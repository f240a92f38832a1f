"""How the site's clickstream fares, asked from outside: sources, history, model, clock; and what to do when something is wrong.

Loads neither torch nor the model: only what its card says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db.models import Avg, Count, QuerySet, Sum
from django.db.models.functions import Length

from engage_backend.clickstream.parse import parse
from engage_backend.clickstream.quarantine import BROKEN
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.conf import EngageSettings, engage_settings
from engage_backend.engagement.categories import is_known
from engage_backend.engagement.live.expected import expected_rate
from engage_backend.engagement.live.gaps import open_drops, open_gaps
from engage_backend.engagement.live.lease import instance_in_words
from engage_backend.engagement.live.registry import MAX_KINDS, MOST_A_DAY
from engage_backend.engagement.live.understanding import card_in, latest_clicks, understood_share, weights_trouble
from engage_backend.engagement.verdict import RED, colour_of, sentences
from engage_backend.models import Checkpoint, CourseRun, HistoryChunk, Kind, Learner, LearnerState, Lease
from engage_backend.platform.api import get_platform

ALIVE = 30.0  # seconds: a consumer that runs says so every two, unless it is in the middle of a large batch
GIVEN_UP = 7 * 86_400.0  # seconds after which a source that nobody reads is taken for one of the past
BEHIND = 60.0  # seconds
REFUSED = "could not be taken in"  # as the engine counts what made it raise
LOST_MARK = 0.01  # share of records that are broken
_CLOSE = "the tracking log of that time; `engage_status --close-gaps` says that this was done, or that they are lost"
_SAMPLE_LINES = 1_000


def status() -> dict[str, Any]:
    """Everything, as JSON-able values; times in ISO 8601. `todo` has one line for each thing that is wrong."""
    settings = engage_settings()
    site_now = get_platform().now()
    found: dict[str, Any] = {
        "now": _iso(site_now),
        "sources": [_source(mark, site_now) for mark in Checkpoint.objects.order_by("source")],
        "stream": _stream(settings),
        "history": _history(),
        "states": _states(),
        "learners": dict(Learner.objects.values_list("state").annotate(count=Count("pk")).order_by("state")),
        "runs": [_run(run, site_now, settings.model) for run in CourseRun.objects.order_by("course_key")],
        "model": _model(settings.model),
        "kinds": {"registered": Kind.objects.count(), "most": MAX_KINDS, "made_up": _who_makes_up_names()},
        "lease": _lease(),
        "quarantine": _quarantine(settings.quarantine),
    }
    found["kinds"] |= _understood(settings.model, HistoryChunk.objects.all())
    found["todo"] = list(_todo(found))
    return found


def _who_makes_up_names() -> list[dict[str, Any]]:
    """Learners who were the first with as many unknown names as one may bring on a day."""
    rows = Kind.objects.exclude(learner=None).values_list("learner__course_run__course_key", "learner__pseudonym")
    many = rows.annotate(count=Count("pk")).filter(count__gte=MOST_A_DAY).order_by("-count")[:10]
    return [{"course": course, "pseudonym": pseudonym, "kinds": count} for course, pseudonym, count in many]


def _source(mark: Checkpoint, site_now: datetime) -> dict[str, Any]:
    """A source as its consumer last told of it, and what waits behind that."""
    seconds = (datetime.now(UTC) - mark.updated).total_seconds()
    broken = sum(mark.rejected.get(reason, 0) for reason in BROKEN)
    found = {
        "source": mark.source,
        "seen": _iso(mark.updated),
        "seen_seconds": round(seconds, 1),
        "alive": seconds <= ALIVE,
        "events": mark.events,
        "rate": round(mark.rate, 1) if seconds <= ALIVE else 0.0,
        "last_event": _iso(mark.last_event),
        "rejected": dict(Counter(mark.rejected).most_common()),
        "broken": broken,
        "replaced": mark.is_replaced,
        "unreachable_since": _iso(mark.unreachable_since) if seconds <= ALIVE else None,
        "readers": _readers(mark),
        "gaps": [{"from": _iso(gap.begin), "to": _iso(gap.end)} for gap in open_gaps(mark)],
        "lag_seconds": None,
        "lag_events": None,
        "trouble": "",
    }
    if mark.source.startswith("logfile:"):
        found |= _behind(Path(mark.source.removeprefix("logfile:")), mark.position, site_now)
    return found


def _readers(mark: Checkpoint) -> list[str]:
    """Where the consumers run that were lately seen to read the source beside each other; none where one does, or none."""
    if mark.other_seen is None or (datetime.now(UTC) - mark.other_seen).total_seconds() > ALIVE:
        return []
    return sorted({instance_in_words(one) for one in (mark.reader, mark.other_reader)})


def _behind(path: Path, position: dict[str, Any], site_now: datetime) -> dict[str, Any]:
    """How far the reader of a log is behind: by the time of the first line that waits."""
    if not path.exists():
        return {"trouble": "no such file on this machine"}
    source = LogfileSource(path, position)
    try:
        waiting = source.waiting()
        lines = source.read(_SAMPLE_LINES, 0.0).records if waiting else []
    except OSError as error:
        return {"trouble": error.strerror or str(error)}
    finally:
        source.close()
    if not lines:  # nothing, or a line that is being written
        return {"lag_seconds": 0.0, "lag_events": 0}
    time = next((event.time for line in lines if not isinstance(event := parse(line), str)), None)
    average = (sum(map(len, lines)) + len(lines)) / len(lines)
    seconds = None if time is None else round(max(0.0, site_now.timestamp() - time / 1e6), 1)
    count = len(lines) if len(lines) < _SAMPLE_LINES else max(len(lines), round(waiting / average))
    return {"lag_seconds": seconds, "lag_events": count}


def _stream(settings: EngageSettings) -> dict[str, Any] | None:
    """The streams in Redis; None where the site has none."""
    if settings.stream is None:
        return None
    from redis import RedisError

    from engage_backend.clickstream.stream_status import stream_status

    place = {"place": settings.stream.place, "shards": settings.stream.shards}
    try:
        found = stream_status(settings.stream)
    except (RedisError, OSError, ValueError) as error:
        return {**place, "trouble": str(error) or type(error).__name__}
    return {
        **place,
        "trouble": "",
        "lag_seconds": round(found.seconds, 1),
        "lag_events": found.waiting,
        "dropped": open_drops(found.dropped_by_host),
        "taps": found.taps,
        "evicts": found.policy,
    }


def _history() -> dict[str, Any]:
    whole = HistoryChunk.objects.aggregate(events=Sum("events"), size=Sum(Length("data")), chunks=Count("pk"))
    events, size = whole["events"] or 0, whole["size"] or 0
    return {
        "events": events,
        "bytes": size,
        "chunks": whole["chunks"],
        "bytes_per_event": round(size / events, 2) if events else None,
    }


def _states() -> dict[str, Any]:
    whole = LearnerState.objects.aggregate(
        count=Count("pk"), hidden=Avg(Length("hidden")), rest=Avg(Length("counters"))
    )
    size = round(whole["hidden"] + whole["rest"]) if whole["count"] else None
    return {"count": whole["count"], "bytes_per_learner": size}


def _run(run: CourseRun, site_now: datetime, model: Path) -> dict[str, Any]:
    clicks = latest_clicks(HistoryChunk.objects.filter(learner__course_run=run))
    return {
        "course": run.course_key,
        "learners": run.learners.count(),
        "model": run.model or None,
        "as_of": _iso(run.as_of),
        "understood_share": understood_share(card_in(model), clicks),
        "expected_pass_rate": expected_rate(run.model),
        "drift": colour_of(run.drift),
        "drift_says": sentences(run.drift),
        "passed_today": run.next_pass is not None and run.next_pass > site_now.date(),
        "passed": run.clock_day.isoformat() if run.clock_day else None,
    }


def _model(folder: Path) -> dict[str, Any]:
    card = card_in(folder)
    return {
        "folder": str(folder),
        "name": card.get("name"),
        "trouble": weights_trouble(folder),
        # Which set of trees says `certify`, and why; a model that has one set does not tell.
        "certify_speaks": card.get("certify_speaks", "full"),
        "certify_why": card.get("certify_why", ""),
    }


def _understood(folder: Path, chunks: QuerySet[HistoryChunk]) -> dict[str, Any]:
    """Return, of the latest events in these chunks, the share that the model understands, and the kinds it does not."""
    card, seen = card_in(folder), latest_clicks(chunks)
    return {
        "sampled_events": seen.total(),
        "understood_share": understood_share(card, seen),
        "unknown": [kind for kind, _ in seen.most_common() if not is_known(card, kind)][:5],
    }


def _lease() -> dict[str, Any] | None:
    held = Lease.objects.filter(name="clock").exclude(holder="").first()
    if held is None or held.expires <= datetime.now(UTC):
        return None
    return {"holder": held.holder, "expires": _iso(held.expires)}


def _quarantine(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    sizes = []
    for name in (path, path.with_name(path.name + ".1")):
        try:
            sizes.append(name.stat().st_size)
        except OSError:
            continue
    return {"path": str(path), "bytes": sum(sizes)}


def _todo(found: dict[str, Any]) -> Iterator[str]:
    """What is wrong, and what to do about it, most urgent first."""
    sources = [one for one in found["sources"] if one["seen_seconds"] < GIVEN_UP and not one["replaced"]]
    if not sources:
        yield "no consumer has run: start `engage_consume PATH_OF_TRACKING_LOG` or `engage_consume --source redis`"
    for one in sources:
        if not one["alive"]:
            seen = f"{one['source']}: its consumer was last seen {_span(one['seen_seconds'])} ago"
            yield f"{seen}: start engage_consume; if it was replaced by another: `engage_status --replaced {one['source']}`"
        elif (one["lag_seconds"] or 0.0) > BEHIND:
            yield f"{one['source']}: {_span(one['lag_seconds'])} behind: it catches up, or the machine is too slow"
        is_log = one["source"].startswith("logfile:")
        if one["unreachable_since"]:
            away = "its folder is gone, or it may not be opened," if is_log else "Redis does not answer"
            yield f"{one['source']}: {away} since {one['unreachable_since']}; its consumer waits, and goes on by itself"
        if one["readers"]:
            both = " and ".join(one["readers"])
            advice = "stop one" if is_log else "stop one, or give each its own --shards"
            yield f"{one['source']}: more than one engage_consume reads it ({both}): {advice}; counts cannot be trusted"
        for gap in one["gaps"]:
            when = f"from {gap['from']} to {gap['to']}" if gap["from"] else "at some time"
            yield f"{one['source']}: records that came {when} may be lost: `engage_backfill` {_CLOSE}"
        if refused := one["rejected"].get(REFUSED, 0):
            where = found["quarantine"]["path"] if found["quarantine"] else 'set ENGAGE["QUARANTINE"] to keep them'
            yield f"{one['source']}: {refused:,} records could not be taken in: report them to us ({where})"
        if one["broken"] > LOST_MARK * (one["events"] + sum(one["rejected"].values())):
            where = found["quarantine"]["path"] if found["quarantine"] else 'set ENGAGE["QUARANTINE"] to keep them'
            yield f"{one['source']}: {one['broken']:,} records are broken: look at them ({where})"
    if stream := found["stream"]:
        if stream["trouble"]:
            yield f"Redis at {stream['place']} does not answer: {stream['trouble']}"
        else:
            if stream["dropped"]:
                yield f"the LMS dropped {stream['dropped']:,} records, its log says when: `engage_backfill` {_CLOSE}"
            if stream["evicts"]:
                yield f"Redis at {stream['place']} may throw the stream away ({stream['evicts']}): set noeviction"
    if not found["model"]["name"]:
        yield f'no model in {found["model"]["folder"]}: train one, or leave ENGAGE["MODEL"] out for the base model'
    if found["model"]["trouble"]:
        yield f"no predictions by this model: {found['model']['trouble']}: copy the whole folder again, or train it again"
    for run in found["runs"]:
        yield from (f"{run['course']}: {says}" for says in run["drift_says"] if run["drift"] == RED)
    if late := [run["course"] for run in found["runs"] if not run["passed_today"]]:
        yield f"{late[0]}: not brought to today yet: it follows when a consumer runs, or by `engage_tick`"
    if found["kinds"]["registered"] >= MAX_KINDS:
        yield f"the registry of kinds is full: new ones are counted as their sort; who sends {MAX_KINDS:,} kinds of events?"
    for one in found["kinds"]["made_up"]:
        yield (
            f"learner {one['pseudonym']} of {one['course']} was the first with {one['kinds']} names of events: if they make"
            " names up, nothing is lost (further ones are counted as their sort); look at what their browser sends"
        )


def _span(seconds: float) -> str:
    """A time span as one reads it."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _iso(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if when else None
