"""`engage inspect`, as an operator calls it."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engage_backend.cli import main

EXCERPT = Path(__file__).resolve().parents[1] / "data" / "tracking" / "lms.jsonl"


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*logs: Path | str) -> dict[str, Any]:
        assert main(["inspect", *map(str, logs), "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    return call


def test_every_line_is_an_event_or_left_out_for_a_reason(inspect: Any) -> None:
    found = inspect(EXCERPT)
    assert list(found) == [
        "lines",
        "events",
        "learners",
        "first",
        "last",
        "kinds",
        "kinds_the_model_does_not_know",
        "share_of_events_it_knows",
        "courses",
        "rejected",
    ]
    assert found["lines"] == len(EXCERPT.read_bytes().splitlines())
    assert found["events"] == sum(found["kinds"].values()) == sum(found["courses"].values())
    assert found["events"] + sum(found["rejected"].values()) == found["lines"]
    assert found["first"] < found["last"]
    assert list(found["kinds"].values()) == sorted(found["kinds"].values(), reverse=True)
    assert "browser's twin of a server event" in found["rejected"]


def test_kinds_that_the_model_does_not_use_are_named_most_frequent_first(
    inspect: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = inspect(EXCERPT)["kinds"]
    most, *_, least = every
    (tmp_path / "card.json").write_text(json.dumps({"vocabulary": [most, least]}), encoding="utf-8")
    found = inspect(EXCERPT, "--model", tmp_path)
    unused = found["kinds_the_model_does_not_know"]
    assert unused == {kind: count for kind, count in every.items() if kind not in (most, least)}
    assert list(unused.values()) == sorted(unused.values(), reverse=True)
    assert found["share_of_events_it_knows"] == round((every[most] + every[least]) / found["events"], 4)
    assert main(["inspect", str(EXCERPT), "--model", str(tmp_path / "none")]) == 1
    assert "holds no model" in capsys.readouterr().err


def test_packed_files_and_standard_input_say_the_same(
    inspect: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = inspect(EXCERPT)
    (tmp_path / "a.gz").write_bytes(gzip.compress(EXCERPT.read_bytes()))
    (tmp_path / "a.xz").write_bytes(lzma.compress(EXCERPT.read_bytes()))
    assert inspect(tmp_path / "a.gz") == plain
    assert inspect(tmp_path / "a.xz") == plain
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(EXCERPT.read_bytes())))
    assert inspect("-") == plain
    assert inspect(EXCERPT, tmp_path / "a.gz")["lines"] == 2 * plain["lines"]


def test_an_empty_file_holds_nothing(inspect: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    found = inspect(tmp_path / "empty")
    assert (found["lines"], found["first"], found["kinds"]) == (0, None, {})


def test_a_damaged_file_is_counted_as_far_as_it_goes_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "cut.gz"
    whole = gzip.compress(EXCERPT.read_bytes() * 20)
    packed.write_bytes(whole[: len(whole) // 2])
    assert main(["inspect", str(packed), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert 100 < found["lines"] < 20 * len(EXCERPT.read_bytes().splitlines())
    assert found["events"] + sum(found["rejected"].values()) == found["lines"]
    assert "cut.gz" in err
    assert "damaged" in err


def test_a_file_that_is_not_there_is_one_line_that_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path / "no.log")]) == 1
    assert main(["inspect", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 2
    assert "no.log" in err


def test_without_json_there_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(EXCERPT)]) == 0
    out = capsys.readouterr().out
    assert "xblock_view:vertical" in out
    assert "no learner" in out


@pytest.mark.parametrize("subcommand", ["demo", "train"])
def test_a_command_whose_extra_is_not_installed_says_which(subcommand: str) -> None:
    # As Python finds it where it is not installed.
    code = "import sys; sys.modules['rich'] = None; from engage_backend.cli import main; sys.exit(main(sys.argv[1:]))"

    def engage(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=False)

    asked, helped = engage(subcommand), engage("--help")
    assert (asked.returncode, helped.returncode) == (1, 0)
    expected = f"engage {subcommand}: rich is not installed here; pip install 'openedx-engage[{subcommand}]'\n"
    assert asked.stderr == expected
    assert "inspect" in helped.stdout


@pytest.mark.parametrize("words", [["tick"], ["consume", "x.log"], ["backfill", "x.log"]], ids=lambda words: words[0])
def test_a_command_of_the_worker_says_so_where_its_packages_are_missing(words: list[str], tmp_path: Path) -> None:
    code = "import sys; sys.modules['numpy'] = None; from engage_backend.cli import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "x.log").touch()
    home = {
        **os.environ,
        "ENGAGE_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "engage_backend.demo.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "numpy is not installed here. Run this where the consumer runs" in done.stderr
