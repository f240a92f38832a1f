"""The worker's commands as an operator meets them: figures for Prometheus, logs as JSON, a backfill that can be stopped."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
import signal
import socket
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from engage_backend.cli import main
from engage_backend.clickstream.sources.logfile import LogfileSource
from engage_backend.conf import BASE_MODEL
from engage_backend.engagement.live.consumer import Consumer
from engage_backend.engagement.live.metrics import Metrics
from engage_backend.management.commands.engage_backfill import Progress
from engage_backend.management.json_log import JsonFormatter
from engage_backend.models import Checkpoint, HistoryChunk
from tests.engagement.clicks import COURSE, clicks
from tests.engagement.live.conftest import LiveSite
from tests.engagement.live.test_commands import line
from tests.operations.sites import DiskSite
from tests.services import PATIENCE, free_port, until

EVENTS = sorted(clicks(101, 60), key=lambda event: event.time)


def scrape(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return {text.rpartition(" ")[0]: float(text.rpartition(" ")[2]) for text in lines if not text.startswith("#")}


def test_a_batch_that_comes_again_is_counted_once(live: LiveSite, tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, EVENTS)) + b'{"broken\n')
    for _ in range(2):  # the second reads from where the first began: as where the answer to a commit was lost
        source = LogfileSource(log)
        Consumer(source, live.engine(), max_wait=0).step()
        source.close()
    mark = Checkpoint.objects.get()
    assert mark.events == 60
    assert mark.rejected == {"broken JSON": 1}


def test_prometheus_is_told_of_every_batch_once_and_of_nobody(live: LiveSite, tmp_path: Path) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"".join(map(line, EVENTS)) + b'{"broken\n')
    source = LogfileSource(log)
    metrics = Metrics(source.name, 0)
    try:
        consumer = Consumer(source, live.engine(), max_wait=0, watch=metrics.batch)
        consumer.step()
        consumer.step()
        found = scrape(metrics.port)
    finally:
        metrics.close()
        source.close()
    label = f'{{source="{source.name}"}}'
    assert found[f"engage_records_total{label}"] == 61
    assert found[f"engage_events_total{label}"] == 60
    assert found[f'engage_left_out_total{{reason="broken JSON",source="{source.name}"}}'] == 1
    assert found[f"engage_batch_seconds_count{label}"] == 1
    assert found[f"engage_last_event_timestamp_seconds{label}"] == pytest.approx(EVENTS[-1].time / 1e6)
    assert found[f"engage_last_step_timestamp_seconds{label}"] > 1.7e9
    told = [name.replace(source.name, "") for name in found]  # the path of a test may hold any number
    assert not any("learner" in name or "101" in name for name in told)


def test_a_taken_port_is_refused_in_one_line(live: LiveSite, tmp_path: Path) -> None:
    (tmp_path / "tracking.log").touch()
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"--metrics-port {port}: "):
            call_command("engage_consume", str(tmp_path / "tracking.log"), "--once", "--metrics-port", str(port))


def test_without_the_client_the_port_is_refused_and_the_rest_works(disk_site: DiskSite) -> None:
    disk_site.set_up(learners=1)
    code = """
import sys
sys.modules["prometheus_client"] = None  # as where it is not installed
from engage_backend.cli import main
log = sys.argv[1]
open(log, "a").close()
try:
    main(["consume", log, "--once", "--metrics-port", "0"])
except SystemExit as refused:
    print(refused.code, main(["consume", log, "--once"]))
"""
    assert disk_site.python(code, str(disk_site.home / "tracking.log")) == "1 0\n"


@pytest.mark.parametrize("ships", [False, True], ids=["small model", "the model that ships"])
def test_a_consumer_predicts_and_has_loaded_neither_torch_nor_what_trains(disk_site: DiskSite, ships: bool) -> None:
    disk_site.set_up(learners=3)
    if ships:
        shutil.copytree(BASE_MODEL, disk_site.home / "model", dirs_exist_ok=True)
    log = disk_site.home / "tracking.log"
    log.write_bytes(b"".join(map(line, clicks(1, 40))))
    code = """
import sys
from engage_backend.cli import main
assert main(["consume", sys.argv[1], "--once"]) == 0
from engage_backend.models import Prediction
print(Prediction.objects.count(), sorted({"torch", "xgboost", "sklearn", "scipy", "pandas", "rich"} & set(sys.modules)))
"""
    assert disk_site.python(code, str(log)).splitlines()[-1] == "3 []"


def test_a_consumer_serves_its_figures_and_logs_json_until_it_is_told_to_stop(disk_site: DiskSite) -> None:
    disk_site.set_up(learners=3)
    log, port = disk_site.home / "tracking.log", free_port()
    log.write_bytes(b"".join(map(line, clicks(1, 40))) + b'{"broken\n')
    consumer = disk_site.start("consume", str(log), "--metrics-port", str(port), "--log-json")

    def counted() -> bool:
        try:
            return scrape(port).get(f'engage_events_total{{source="logfile:{log}"}}') == 40
        except OSError:
            return False

    until(counted)
    consumer.send_signal(signal.SIGTERM)
    _, said = consumer.communicate(timeout=PATIENCE)
    assert consumer.returncode == 0
    entries = [json.loads(text) for text in said.splitlines() if text.startswith("{")]
    (batch,) = [entry for entry in entries if "records" in entry]
    assert (batch["records"], batch["events"], batch["rejected"]) == (41, 40, {"broken JSON": 1})
    assert {"time", "level", "logger", "message"} <= set(batch)


def test_a_log_line_with_an_exception_is_still_one_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("engage_backend.x", logging.ERROR, "", 1, "went %s", ("wrong",), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert (json.loads(text)["message"], "ValueError" in json.loads(text)["exception"]) == ("went wrong", True)


class Screen(StringIO):
    """A terminal, as far as a command can tell."""

    def isatty(self) -> bool:
        return True


def test_progress_counts_the_bytes_of_packed_files_as_they_lie(tmp_path: Path) -> None:
    logs = []
    for number in range(2):
        path = tmp_path / f"tracking.log.{number}.gz"
        path.write_bytes(gzip.compress(b"".join(map(line, EVENTS))))
        logs.append(path)
    screen = Screen()
    progress = Progress(OutputWrapper(screen), logs, every=0.0)
    progress.begin(logs[0])
    progress.read(logs[0].stat().st_size)
    progress.take(60)
    progress.begin(logs[1])
    progress.parsed = 60
    progress.tell()
    assert " 25%  60 lines, 0 events taken in" in screen.getvalue()
    assert "left  tracking.log.1.gz" in screen.getvalue()
    progress.taken = 60
    progress.tell()
    assert " 50%  60 lines, 60 events taken in" in screen.getvalue()


def test_a_damaged_file_is_taken_in_as_far_as_it_goes_and_named(live: LiveSite, tmp_path: Path) -> None:
    many = sorted((event for user in (101, 102, 103) for event in clicks(user, 900)), key=lambda event: event.time)
    damaged, whole = tmp_path / "tracking.log.2.gz", tmp_path / "tracking.log.1"
    data = gzip.compress(b"".join(map(line, many)))
    damaged.write_bytes(data[: len(data) // 2])
    whole.write_bytes(b"".join(map(line, clicks(104, 5))))
    said, trouble = StringIO(), StringIO()
    call_command("engage_backfill", str(damaged), str(whole), stdout=said, stderr=trouble)
    assert f"{damaged} is damaged" in trouble.getvalue()
    per_user: Counter[int] = Counter()
    for user, events in HistoryChunk.objects.values_list("learner__user_id", "events"):
        per_user[user] += events
    assert per_user[104] == 5
    assert 0 < per_user[101] < 900


def test_a_backfill_keeps_what_is_broken(live: LiveSite, tmp_path: Path, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "QUARANTINE": str(tmp_path / "quarantine.jsonl")}
    log = tmp_path / "tracking.log.1"
    log.write_bytes(line(EVENTS[0]) + b'{"broken\n')
    call_command("engage_backfill", str(log), stdout=StringIO())
    (kept,) = (json.loads(text) for text in (tmp_path / "quarantine.jsonl").read_bytes().splitlines())
    assert (kept["source"], kept["position"], kept["record"]) == (str(log), {"lines": 2}, 2)


@pytest.fixture
def large_log(tmp_path: Path) -> Iterator[Path]:
    log = tmp_path / "tracking.log.1"
    words = ["simulate", "--rate", "0", "--lines", "120000", "--learners", "40", "--course", COURSE, "--out", str(log)]
    assert main(words) == 0
    yield log


def test_a_backfill_that_is_stopped_and_started_again_ends_as_one_that_was_not(
    disk_site: DiskSite, large_log: Path
) -> None:
    disk_site.set_up(learners=40)
    disk_site.follow_the_world()
    backfill = disk_site.start("backfill", str(large_log))
    until(lambda: disk_site.home.joinpath("db.sqlite3").exists())
    # It reads from the moment it has loaded; being told before that is being told at the first block.
    until(lambda: str(large_log) in files_of(backfill.pid) or backfill.poll() is not None)
    backfill.send_signal(signal.SIGINT)
    out, err = backfill.communicate(timeout=PATIENCE)
    assert backfill.returncode == 0, err
    assert "stopped; the same command again" in out
    status, out, err = disk_site.run("backfill", str(large_log))
    assert (status, "120,000 lines" in out) == (0, True), err
    again = disk_site.run("backfill", str(large_log))
    assert again[1].splitlines()[-1] == out.splitlines()[-1]
    found = json.loads(disk_site.run("status", "--json")[1])
    other = DiskSite(disk_site.home.with_name("undisturbed"))
    other.set_up(learners=40)
    other.follow_the_world()
    other.run("backfill", str(large_log))
    assert found["history"] == json.loads(other.run("status", "--json")[1])["history"]
    assert found["history"]["events"] > 50_000


def files_of(pid: int) -> list[str]:
    """The files that a process has open."""
    folder = Path(f"/proc/{pid}/fd")
    found = []
    for link in folder.iterdir() if folder.exists() else ():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue
    return found
