"""The commands of `docs/recipes.md`, on files of the form that each is for."""

from __future__ import annotations

import gzip
import io
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from engage_backend.cli import main
from engage_backend.models import HistoryChunk, Learner
from tests.engagement.clicks import DAY, START
from tests.engagement.live.conftest import LEARNERS, LiveSite, live
from tests.engagement.live.test_own import record

__all__ = ["live"]
RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", RECIPES, re.DOTALL) for line in block.splitlines()]
HEAD = "2024-02-11 10:00:00,000 INFO 25 [tracking] [user 101] [ip 10.0.0.1] logger.py:41 - "
LINES = [HEAD + json.dumps(record(day=day)) for day in (10.0, 20.0, 30.0)]
OTHER = "[pid: 17] GET /heartbeat => generated 2 bytes"


def wrapped(form: str, line: str) -> str:
    if form == "docker":
        return json.dumps({"log": line + "\n", "stream": "stderr", "time": "2024-02-11T10:00:00.100000000Z"})
    if form == "vector":
        return json.dumps({"message": line, "source_type": "docker_logs", "timestamp": "2024-02-11T10:00:00.1Z"})
    if form == "journald":
        return json.dumps({"MESSAGE": line, "__REALTIME_TIMESTAMP": "1707645600000000", "_HOSTNAME": "lms"})
    if form == "CRI":
        return f"2024-02-11T10:00:00.123456789Z stderr F {line}"
    if form == "kubectl":
        return f"2024-02-11T10:00:00.123456789Z {line}"
    if form == "cloudwatch":
        return f"2024-02-11T10:00:00.000Z {line}"
    return line


def text(form: str) -> bytes:
    others = [] if form == "plain" or form == "cloudwatch" or form == "kubectl" else [OTHER]
    return "".join(wrapped(form, line) + "\n" for line in [*others, *LINES]).encode()


FILES = {
    "vector.json": text("vector"),
    "pod.log": text("CRI"),
    "container-json.log": text("docker"),
    "exported/000000.gz": gzip.compress(text("cloudwatch")),
}
PIPES = {"aws s3 cp": text("plain"), "journalctl": text("journald"), "kubectl logs": text("kubectl")}


@contextmanager
def standing_in(folder: Path, monkeypatch: pytest.MonkeyPatch, before: str) -> Iterator[None]:
    """The files that the recipes name, and what the command before the pipe would print."""
    monkeypatch.chdir(folder)
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    printed = next((output for start, output in PIPES.items() if before.startswith(start)), b"")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(printed)))
    yield


def split(command: str) -> tuple[str, list[str]]:
    """The command before the pipe, and the words of ours."""
    before, _, last = command.rpartition(" | ")
    words = [
        name for word in shlex.split(last) for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ]
    return before, words


INSPECTING = [command for command in COMMANDS if "engage inspect" in command]
TAKING_IN = [command for command in COMMANDS if "manage.py lms" in command]


@pytest.mark.parametrize("command", INSPECTING)
def test_what_is_in_a_log_of_each_form_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with standing_in(tmp_path, monkeypatch, command):
        _, (engage, *words) = split(command)
        assert engage == "engage"
        assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["events"] == len(LINES)
    assert set(found["rejected"]) <= {"a line of another log"}


@pytest.mark.parametrize("command", TAKING_IN)
def test_a_log_of_each_form_is_taken_in(
    command: str, live: LiveSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_in(tmp_path, monkeypatch, command):
        _, (manage, lms, name, *words) = split(command)
        assert (manage, lms) == ("./manage.py", "lms")
        call_command(
            name, *words, **({"once": True, "max_wait": 0.0} if name == "engage_consume" else {"stdout": io.StringIO()})
        )
    assert HistoryChunk.objects.get().events == len(LINES)
    last = Learner.objects.get(user_id=LEARNERS[0]).last_active
    assert last is not None
    assert last.timestamp() * 1e6 == START + 30 * DAY


def test_each_recipe_is_run() -> None:
    assert len(INSPECTING) >= 6
    assert len(TAKING_IN) >= 6
    assert len(COMMANDS) == len({*INSPECTING, *TAKING_IN}) + sum(
        one.startswith(("aws s3 cp --r", "curl", "  -H", "0 18 ")) for one in COMMANDS
    )


@pytest.mark.parametrize("path", ["s3://bucket/tracking.log.gz", "https://site.example/tracking.log"])
def test_an_object_in_storage_is_named_as_what_it_is(path: str, db: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", path]) == 1
    assert "through a pipe" in capsys.readouterr().err
    with pytest.raises(CommandError, match="through a pipe"):
        call_command("engage_backfill", path)
