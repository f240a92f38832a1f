"""The processes under one command: all of them start, and none is left."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engage_backend.demo.home import Home, HomeError, claim, clear
from engage_backend.demo.supervisor import ChildEnded, PortTaken, Supervisor, listen

FOREVER = ["-c", "import signal; signal.pause()"]
# A child with a child of its own, which writes its number to a file.
PARENT = "import subprocess, sys; p = subprocess.Popen([sys.executable, *{!r}]); print(p.pid, flush=True); p.wait()"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "logs").mkdir()
    return Home(tmp_path)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_leaving_ends_children_and_their_children(home: Home, until: Callable[..., None]) -> None:
    with Supervisor(home) as children:
        child = children.start("family", ["-c", PARENT.format(FOREVER)])
        until(lambda: child.output.read_text(encoding="ascii").endswith("\n"))
        grandchild = int(child.output.read_text(encoding="ascii"))
        assert is_running(grandchild)
    assert child.process.returncode == -signal.SIGTERM
    until(lambda: not is_running(grandchild))


def test_leaving_by_an_error_ends_them_too(home: Home) -> None:
    with pytest.raises(KeyError), Supervisor(home) as children:
        child = children.start("forever", FOREVER)
        raise KeyError
    assert child.process.poll() is not None


def test_a_child_that_will_not_end_is_killed(home: Home, until: Callable[..., None]) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True)\nwhile 1: signal.pause()"
    with Supervisor(home, stop_seconds=0.5) as children:
        child = children.start("deaf", ["-c", deaf])
        until(lambda: child.output.read_text(encoding="ascii") == "deaf\n")
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_dies_is_named_with_what_it_said(home: Home) -> None:
    with Supervisor(home) as children:
        child = children.start("consumer", ["-c", "import sys; sys.exit('no such model')"])
        children.start("site", FOREVER)
        child.process.wait(30)
        with pytest.raises(ChildEnded, match=r"the consumer process ended with status 1.*\nno such model"):
            children.check()


def test_a_child_that_is_killed_is_named_with_the_signal(home: Home) -> None:
    with Supervisor(home) as children:
        child = children.start("site", FOREVER)
        child.process.kill()
        child.process.wait(30)
        with pytest.raises(ChildEnded, match="the site process was ended by SIGKILL"):
            children.check()


def test_a_replay_that_has_come_to_its_end_is_no_failure(home: Home) -> None:
    with Supervisor(home) as children:
        children.start("replay", ["-c", ""], may_end=True).process.wait(30)
        children.check()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_do_not_outlive_a_supervisor_that_is_killed(home: Home, until: Callable[..., None]) -> None:
    code = (
        "import sys, signal; from pathlib import Path\n"
        "from engage_backend.demo.home import Home; from engage_backend.demo.supervisor import Supervisor\n"
        f"s = Supervisor(Home(Path({str(home.folder)!r}))); c = s.start('x', {FOREVER!r}); print(c.process.pid, flush=True)\n"
        "signal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(30)
    parent.stdout.close()
    until(lambda: not is_running(child))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_usual_port_gives_way_to_a_free_one(taken: int) -> None:
    with listen(None, usual=taken) as listener:
        host, port = listener.getsockname()
    assert host == "127.0.0.1"
    assert port != taken


def test_a_taken_port_that_was_asked_for_is_refused(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"port {taken} is taken"):
        listen(taken)


def test_one_home_is_for_one_site_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(HomeError, match="in use"):
        claim(tmp_path)
    claim(tmp_path).close()


def test_a_home_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="cannot be written"):
        claim(tmp_path / "file" / "home")


def test_a_fresh_start_removes_the_old_site_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "card.json").touch()
    for name in ("db.sqlite3", "tracking.log", "notes.txt"):
        (tmp_path / name).touch()
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
