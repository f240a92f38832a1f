"""The whole way: an LMS's tracker, the tap, Redis, `engage consume --source redis`, predictions; beside the log's way."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventtracking.backends.routing import RoutingBackend

from engage_backend.clickstream.stream_status import stream_status
from engage_backend.streams import Stream
from engage_backend.tap.backend import TrackingBackend
from tests.clickstream.records import line
from tests.operations.sites import DiskSite
from tests.services import RedisServer

COURSE = "course-v1:TestX+T101+2024"
PROBLEM = "block-v1:TestX+T101+2024+type@problem+block@p1"
TOLD = """
import django, json
django.setup()
from engage_backend.models import Checkpoint, HistoryChunk, Prediction
print(json.dumps({
    "predictions": sorted(Prediction.objects.values_list("learner__user_id", "certify", "complete", "leave")),
    "histories": sorted(
        (chunk.learner.user_id, chunk.number, bytes(chunk.data).hex()) for chunk in HistoryChunk.objects.all()
    ),
    "checkpoints": {mark.source: [mark.events, mark.position.get("gaps")] for mark in Checkpoint.objects.all()},
}))
"""


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[tuple[DiskSite, DiskSite]]:
    made = DiskSite(tmp_path / "by_log"), DiskSite(tmp_path / "by_redis")
    for site in made:
        site.set_up(12)
    yield made
    for site in made:
        site.end()


def events(count: int) -> list[dict[str, Any]]:
    """What the tracker of an LMS hands its backends, of twelve learners in five weeks."""
    dice = random.Random(3)
    found = []
    for number in range(count):
        name = dice.choice(["play_video", "pause_video", "seq_next", "problem_check"])
        data: dict[str, Any] = {"id": "v1"}
        if name == "problem_check":
            data = {"problem_id": PROBLEM, "success": "correct", "grade": 1, "max_grade": 1, "attempts": 1}
        context = {"user_id": 1 + number % 12, "course_id": COURSE, "path": "/event", "event_source": "server"}
        when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=number, microseconds=dice.randrange(10**6))
        found.append({"name": name, "timestamp": when, "data": data, "context": {**context, "session": "abc"}})
    return found


def test_redis_and_the_log_end_in_the_same_predictions(
    server: RedisServer, sites: tuple[DiskSite, DiskSite], tmp_path: Path, settings: Any
) -> None:
    by_log, by_redis = sites
    stream = Stream(server.url, shards=2)
    settings.ENGAGE = {"STREAM": {"URL": server.url, "SHARDS": 2}}
    tap = TrackingBackend()
    router = RoutingBackend(backends={"engage": tap})
    emitted = events(2_000)
    for event in emitted:
        router.send(event)
    assert tap.close(20.0)
    log = tmp_path / "tracking.log"
    log.write_bytes(
        b"".join(
            line(event_type=event["name"], time=event["timestamp"].isoformat(), event=event["data"], context=context)
            + b"\n"
            for event in emitted
            if (context := event["context"])
        )
    )
    words = ["consume", "--source", "logfile", str(log), "--once"]
    status, _, errors = by_log.run(*words)
    assert status == 0, errors
    for shard in ("0", "1"):
        status, _, errors = by_redis.run("consume", "--source", "redis", server.url, "--shards", shard, "--once")
        assert status == 0, errors
    log_told, redis_told = (json.loads(site.python(TOLD)) for site in sites)
    assert len(redis_told["predictions"]) == 12
    assert redis_told["histories"] == log_told["histories"]
    assert redis_told["predictions"] == log_told["predictions"]
    marks = redis_told["checkpoints"]
    assert set(marks) == {"redis:lms:0", "redis:lms:1"}
    assert sum(count for count, _ in marks.values()) == 2_000
    assert [gaps for _, gaps in marks.values()] == [0, 0]
    assert stream_status(stream).waiting == 0
