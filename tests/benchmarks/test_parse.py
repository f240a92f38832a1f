"""How fast lines become events, beside `json.loads` on the same lines in the same minute."""

from __future__ import annotations

import gzip
import json
import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from engage_backend.clickstream.parse import parse_lines
from engage_backend.clickstream.sources.logfile import LogfileSource

EXCERPT = Path(__file__).resolve().parents[1] / "data" / "tracking" / "lms.jsonl"
LINES = 100_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Lines of a real run from the folder ENGAGE_RUNS, else of the real log, over and over."""
    logs = sorted(Path(os.environ.get("ENGAGE_RUNS", "/tmp/runs")).glob("*/*events.log.gz"))
    if logs:
        with gzip.open(logs[0]) as log:
            return list(islice(log, LINES))
    real = EXCERPT.read_bytes().splitlines(keepends=True)
    return (real * (LINES // len(real) + 1))[:LINES]


def per_second(work: Callable[[], object], count: int, rounds: int = 5) -> float:
    """The best of some rounds: others share this machine."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return count / min(seconds)


def in_batches(lines: list[bytes]) -> int:
    """As the consumer and `inspect` parse: some thousand lines at a time."""
    return sum(len(parse_lines(lines[at : at + 5_000])[0]) for at in range(0, len(lines), 5_000))


@pytest.mark.bench
def test_parsing_beside_bare_json(lines: list[bytes]) -> None:
    assert in_batches(lines) > 0
    json_rate = per_second(lambda: [json.loads(line) for line in lines] and None, len(lines), rounds=3)
    rate = per_second(lambda: in_batches(lines), len(lines))
    size = sum(map(len, lines)) / len(lines)
    print(
        f"\nparse and kind: {rate:,.0f} lines/s of {size:,.0f} B on one core; "
        f"bare json.loads {json_rate:,.0f}/s; ratio {rate / json_rate:.1f}"
    )


@pytest.mark.bench
def test_following_a_log(lines: list[bytes], tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(lines))

    def follow() -> None:
        source = LogfileSource(log)
        while source.read(5_000, 0).records:
            pass
        source.close()

    print(f"\nlog file to records: {per_second(follow, len(lines)):,.0f} lines/s")
