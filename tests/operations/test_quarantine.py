"""Broken records are kept, within bounds, and nothing that the disk does stops the consumer."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engage_backend.clickstream.quarantine import KEPT, Quarantine
from engage_backend.models import Checkpoint
from tests.clickstream.records import line
from tests.engagement.live.conftest import LiveSite

BAD = [b'{"broken', b"[1, 2]", line(time="yesterday")]
NOT_BAD = [b"", line(), line(context={"course_id": ""}), line(event_type="/heartbeat"), line(event_type="page_close")]


def kept(path: Path) -> list[dict[str, Any]]:
    return [json.loads(one) for one in path.read_bytes().splitlines()]


def test_only_broken_records_are_kept_each_with_reason_and_place(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    records = [NOT_BAD[0], BAD[0], *NOT_BAD[1:], BAD[1], BAD[2]]
    assert Quarantine(path).keep("logfile:/x", records, {"offset": 77}) == 3
    found = kept(path)
    assert [(one["reason"], one["record"], one["text"]) for one in found] == [
        ("broken JSON", 2, BAD[0].decode()),
        ("not an event", 7, BAD[1].decode()),
        ("no time", 8, BAD[2].decode()),
    ]
    assert all((one["source"], one["position"], one["of"]) == ("logfile:/x", {"offset": 77}, 8) for one in found)


def test_of_a_long_record_the_beginning_is_kept_whatever_its_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    record = b'{"x": "\xff\xfe\n' + b"a" * 1_000_000
    Quarantine(path).keep("s", [record], {})
    (found,) = kept(path)
    assert found["bytes"] == len(record)
    assert len(found["text"]) <= KEPT


def test_the_file_is_bounded_and_one_older_is_there(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path, max_bytes=5_000)
    for batch in range(60):
        quarantine.keep("s", [b'{"%d' % n for n in range(7)], {"batch": batch})
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"quarantine.jsonl", "quarantine.jsonl.1"}
    assert max(sizes.values()) <= 5_000
    newest = kept(path)[-1]
    assert (newest["position"], newest["record"]) == ({"batch": 59}, 7)
    older = kept(path.with_name("quarantine.jsonl.1"))
    assert older[-1]["position"]["batch"] <= kept(path)[0]["position"]["batch"]


def test_nobody_but_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    Quarantine(path).keep("s", BAD, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_it_cannot_be_written_the_records_are_counted_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quarantine = Quarantine(tmp_path / "no such folder" / "quarantine.jsonl")
    for _ in range(5):
        assert quarantine.keep("s", BAD, {}) == 3
    assert quarantine.dropped == 15
    assert len(caplog.records) == 1
    (tmp_path / "no such folder").mkdir()
    quarantine.keep("s", BAD, {})
    assert len(kept(quarantine.path)) == 3


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110
def test_a_full_disk_costs_the_records_alone(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    path.symlink_to("/dev/full")
    quarantine = Quarantine(path)
    assert quarantine.keep("s", BAD, {}) == 3
    assert quarantine.dropped == 3


def test_a_consumer_keeps_what_is_broken_and_goes_on_when_it_cannot(
    live: LiveSite, tmp_path: Path, settings: Any
) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(b"\n".join([*BAD, *NOT_BAD]) + b"\n")
    live.clock(1_500)  # what is later than the site's clock would be kept, too
    for number, path in enumerate((tmp_path / "quarantine.jsonl", tmp_path / "nowhere" / "quarantine.jsonl")):
        settings.ENGAGE = {**settings.ENGAGE, "QUARANTINE": str(path)}
        Checkpoint.objects.all().delete()
        call_command("engage_consume", str(log), "--once", "--max-wait", "0")
        assert Checkpoint.objects.get().rejected["broken JSON"] == 1
        assert path.exists() == (number == 0)
    (first, *_) = found = kept(tmp_path / "quarantine.jsonl")
    assert len(found) == 3
    assert first["source"] == f"logfile:{log}"
    assert first["position"]["offset"] == log.stat().st_size
