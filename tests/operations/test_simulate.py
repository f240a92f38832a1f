"""The load generator writes what an LMS writes: every form, and nothing that is broken."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engage_backend.cli import main
from engage_backend.clickstream.event import Reason
from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.simulate import COURSE, Simulator, history
from engage_backend.streams import FIELD, Stream, shard_of
from tests.operations.sites import ROOT
from tests.services import PATIENCE, RedisServer, until

END = 1_780_000_000.0
DAY = 86_400.0


def made(lines: int = 20_000, **options: Any) -> list[bytes]:
    simulator = Simulator(**{"learners": 300, "rate": 50.0, **options})
    return [line for click in history(simulator, lines=lines, begin=END - DAY, end=END) for _, line in click]


def test_as_many_lines_as_asked_for_and_none_is_broken() -> None:
    lines = made(5_000)
    events, rejected = parse_lines(lines)
    assert len(lines) == 5_000
    assert len(events) + rejected.total() == 5_000
    assert len(events) > 2_500
    dropped = {Reason.BROWSER_TWIN, Reason.ONE_CLICK, Reason.NOT_A_CLICK, Reason.BESIDE, Reason.OUTSIDE, Reason.UNNAMED}
    assert set(rejected) <= dropped | {Reason.NO_COURSE, Reason.NO_LEARNER}
    assert {event.course for event in events} == {COURSE}


def test_every_form_that_edx_writes_is_there() -> None:
    records = [json.loads(line) for line in made()]
    forms = Counter(
        (
            record["event_source"],
            "request" if record["event_type"].startswith("/") else "explicit",
            type(record["event"]).__name__,
            bool(record["context"]["course_id"]),
        )
        for record in records
    )
    assert set(forms) == {
        ("server", "request", "str", True),
        ("server", "request", "str", False),
        ("server", "explicit", "dict", True),
        ("server", "explicit", "dict", False),
        ("browser", "explicit", "str", False),
    }
    assert any(record["name"] != record["event_type"] for record in records)
    assert any(record["context"].get("module") for record in records)
    assert any(record["event"] == "input_q_2_1=choice_1" for record in records)  # no JSON, as the browser sends it


def test_submissions_carry_scores_of_both_outcomes() -> None:
    events, _ = parse_lines(made())
    kinds = Counter(event.kind for event in events if event.score is not None)
    assert kinds["problem_check_correct"] > kinds["problem_check_incorrect"] > 100
    assert kinds["edx.grades.problem.submitted"] > 0


def test_some_lines_come_twice_and_some_late_and_most_do_neither() -> None:
    lines = made()
    times = [event.time for event in parse_lines(lines)[0]]
    assert 0 < len(lines) - len(set(lines)) < 0.01 * len(lines)
    late = sum(now < before for before, now in pairwise(times))
    assert 0 < late < 0.05 * len(times)
    assert (END - DAY - 1) * 1e6 <= min(times) <= max(times) <= END * 1e6


def test_learners_come_in_sessions_and_some_come_far_more_often() -> None:
    events, _ = parse_lines(made(learners=100, first_learner=5_000))
    per_learner = Counter(event.learner for event in events)
    assert all(5_000 <= learner < 5_100 for learner in per_learner)
    assert max(per_learner.values()) > 4 * sorted(per_learner.values())[len(per_learner) // 2]
    per_session = Counter(event.session for event in events)
    assert 10 < len(events) / len(per_session) < 150


def test_the_same_seed_gives_the_same_lines_another_one_others() -> None:
    assert made(500, seed=3) == made(500, seed=3)
    assert made(500, seed=3) != made(500, seed=4)


def test_what_tutor_writes_before_a_line_changes_no_event() -> None:
    lines = made(2_000, tutor=True)
    assert all(b" INFO 25 [tracking] [user " in line.split(b" - {")[0] for line in lines)
    assert parse_lines(lines)[0] == parse_lines(made(2_000))[0]


def test_a_file_is_appended_to_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tracking.log"
    for _ in range(2):
        assert main(["simulate", "--rate", "0", "--lines", "3000", "--out", str(out)]) == 0
    assert len(out.read_bytes().splitlines()) == 6_000
    assert "3,000 lines in" in capsys.readouterr().err


def test_a_rate_is_kept_and_lines_are_of_their_moment(tmp_path: Path) -> None:
    out = tmp_path / "tracking.log"
    began = time.time()
    assert main(["simulate", "--rate", "400", "--lines", "200", "--out", str(out)]) == 0
    ended = time.time()
    events, _ = parse_lines(out.read_bytes().splitlines())
    assert len(out.read_bytes().splitlines()) >= 200
    assert ended - began > 0.4
    assert all(began - 1 <= event.time / 1e6 <= ended for event in events)


def test_sigterm_ends_it_between_two_lines(tmp_path: Path) -> None:
    out = tmp_path / "tracking.log"
    words = [sys.executable, "-m", "engage_backend.cli", "simulate", "--rate", "2000", "--out", str(out)]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE)
    until(lambda: out.exists() and out.stat().st_size > 100_000)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b" a second" in said
    data = out.read_bytes()
    assert data.endswith(b"}\n")
    assert Reason.BROKEN_JSON not in parse_lines(data.splitlines())[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "/nowhere/tracking.log"], "cannot write /nowhere/tracking.log"),
        (["--out", "-", "--course", "A/B/C"], "course-v1:ORG+COURSE+RUN"),
        (["--out", "redis://127.0.0.1:1/0"], "Redis at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--lines", "5", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


def test_redis_gets_each_learners_lines_in_the_learners_shard(redis_server: RedisServer) -> None:
    words = ["--rate", "0", "--lines", "900", "--learners", "40", "--shards", "3", "--out", redis_server.url]
    assert main(["simulate", *words]) == 0
    stream = Stream(redis_server.url, shards=3)
    with redis_server.client() as client:
        entries = {
            shard: [fields[FIELD.decode()] for _, fields in client.xrange(stream.key(shard))] for shard in range(3)
        }
    assert sum(map(len, entries.values())) == 900
    for shard, records in entries.items():
        events, _ = parse_lines(record.encode() for record in records)
        assert events
        assert {shard_of(event.learner, 3) for event in events} == {shard}
