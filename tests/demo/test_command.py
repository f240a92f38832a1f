"""`engage demo` and `engage replay` as a person runs them, with their real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.demo.conftest import ROOT, package_lines
from tests.services import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


def engage(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engage_backend.cli", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def processes_of(home: Path) -> dict[int, str]:
    """Running processes that work in a home: {process id: command line}."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if f"ENGAGE_HOME={home}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
    return found


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """What the process said up to the line with a pattern; the test fails when it ends before."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
    pytest.fail(f"it ended: {said}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_package_is_replayed_whole_and_ctrl_c_leaves_no_process(
    package_folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    demo = engage("demo", "--package", str(package_folder), "--home", str(home), "--port", "0")
    try:
        said = read_until(demo, "Replayed")
        assert "Replayed" in said
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address is not None
        assert requests.get(address[0], timeout=PATIENCE).ok
        assert (home / "tracking.log").read_bytes().splitlines() == package_lines()
        assert len(processes_of(home)) >= 2
        demo.send_signal(number)
        rest, _ = demo.communicate(timeout=PATIENCE)
        assert demo.returncode == 0
        assert "Ended." in rest
        assert processes_of(home) == {}
        with pytest.raises(requests.ConnectionError):
            requests.get(address[0], timeout=5)
    finally:
        demo.kill()
        demo.communicate(timeout=PATIENCE)


def test_a_home_that_is_kept_goes_on_where_it_stood(package_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    clocks = []
    for _ in range(2):
        demo = engage("demo", "--package", str(package_folder), "--home", str(home), "--port", "0")
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", read_until(demo, "Replayed"))
            assert address is not None
            session = requests.Session()
            session.get(address[0], timeout=PATIENCE).raise_for_status()
            clocks.append(datetime.fromisoformat(session.get(f"{address[0]}now/", timeout=PATIENCE).json()["time"]))
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=PATIENCE)
        finally:
            demo.kill()
            demo.communicate(timeout=PATIENCE)
    assert timedelta() <= clocks[1] - clocks[0] < timedelta(minutes=5), "the clock stood still in between"
    assert (home / "tracking.log").read_bytes().splitlines() == package_lines(), "and no line was written twice"


def test_when_a_process_dies_the_demo_names_it_and_ends(package_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    demo = engage("demo", "--package", str(package_folder), "--home", str(home), "--port", "0")
    try:
        read_until(demo, "Ctrl-C")
        consumer = next(pid for pid, command in processes_of(home).items() if "engage_consume" in command)
        os.kill(consumer, signal.SIGKILL)
        said, _ = demo.communicate(timeout=PATIENCE)
        assert demo.returncode == 1
        assert "the consumer process was ended by SIGKILL" in said
        assert processes_of(home) == {}
    finally:
        demo.kill()
        demo.communicate(timeout=PATIENCE)


def test_a_package_with_a_missing_file_is_refused_in_one_line(package_folder: Path, tmp_path: Path) -> None:
    next(package_folder.glob("*courseenrollment*")).unlink()
    for command in (["demo", "--package", str(package_folder), "--port", "0"], ["replay", str(package_folder)]):
        ended = engage(*command, "--home", str(tmp_path / "home"))
        said, _ = ended.communicate(timeout=PATIENCE)
        assert ended.returncode == 1
        assert said.strip().splitlines()[-1].startswith(f"engage {command[0]}: ")
        assert "student_courseenrollment" in said
        assert "Traceback" not in said


def test_replay_fills_a_fresh_site_and_says_how_to_go_on(package_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    replay = engage("replay", str(package_folder), "--home", str(home))
    said, _ = replay.communicate(timeout=PATIENCE)
    assert replay.returncode == 0, said
    assert "40 lines" in said
    assert (home / "tracking.log").read_bytes().splitlines() == package_lines()
    assert json.loads((home / "replay.json").read_bytes())["lines"] == 40


def test_a_replay_at_a_speed_keeps_to_the_clock_and_can_be_stopped(package_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    replay = engage("replay", str(package_folder), "--speed", "1", "--home", str(home))
    try:
        read_until(replay, "learners")
        log = home / "tracking.log"
        while not log.exists() or not log.read_bytes():
            assert replay.poll() is None
        replay.send_signal(signal.SIGINT)
        said, _ = replay.communicate(timeout=PATIENCE)
        assert replay.returncode == 0
        assert "goes on from here" in said
        assert log.read_bytes().splitlines() == package_lines()[:5], "up to the course's start, and not a day further"
    finally:
        replay.kill()
        replay.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast"])
def test_a_speed_that_is_none_is_refused(package_folder: Path, speed: str) -> None:
    ended = engage("replay", str(package_folder), "--speed", speed)
    said, _ = ended.communicate(timeout=PATIENCE)
    assert ended.returncode == 2
    assert "--speed" in said


def test_a_folder_called_var_that_is_somebody_elses_is_left_as_it_is(tmp_path: Path) -> None:
    precious = tmp_path / "var" / "logs" / "precious.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    command = [sys.executable, "-m", "engage_backend.cli", "demo", "--port", "0"]
    refused = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert refused.returncode == 1
    assert f"{tmp_path / 'var'}: holds logs" in refused.stderr
    assert "--home" in refused.stderr
    assert precious.read_text() == "mine"
