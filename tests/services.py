"""Real servers for the tests, from Debian's packages, on free loopback ports and in folders of their own."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

T = TypeVar("T")
# The one limit of all waiting, in seconds: a test that waits goes on at once when what it waits for has come, so a high
# limit costs nothing but where something is broken. A machine that does other things may take its time.
PATIENCE = float(os.environ.get("ENGAGE_TEST_PATIENCE", "240"))


def select_nothing(seconds: float) -> None:
    """Let others run for a moment between two questions."""
    select.select([], [], [], seconds)


def until(what: Callable[[], T], *, seconds: float = PATIENCE, pause: Callable[[float], object] = select_nothing) -> T:
    """Return what `what` returns as soon as it is true. Fails after so many seconds of asking; `pause` waits in between."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what!r} (last answer: {found!r})")
        pause(0.005)


def free_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A real server in a process of its own."""

    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """As a machine that loses its power does it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None


class RedisServer(Server):
    """One redis-server without persistence, unless it is told to keep its data; started, killed, held and woken."""

    def __init__(self, folder: Path, *options: str) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server on the PATH: sudo apt-get install redis-server")
        self.folder, self.options, self.program = folder, options, program
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """Start, or start again on the same port, and wait until it answers."""
        assert self.process is None
        self.process = subprocess.Popen(
            [
                *(self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
                *("--save", "", "--appendonly", "no", "--daemonize", "no", *self.options),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers)
        return self

    def client(self) -> Any:
        """A patient client of this server, for looking into it."""
        import redis

        return redis.Redis(port=self.port, decode_responses=True)

    def command(self, *words: str | int) -> Any:
        """One command, on a connection of its own."""
        with self.client() as client:
            return client.execute_command(*words)

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()

    def hold(self) -> None:
        """Connections are taken by the system, and nothing ever answers."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def wake(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        import redis

        try:
            return bool(self.command("PING"))
        except redis.ConnectionError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class MariaDbServer(Server):
    """One MariaDB with a data folder of its own, where everybody may do everything; started, killed, started again."""

    PROGRAMS = ("mariadb-install-db", "mariadbd")

    def __init__(self, folder: Path) -> None:
        programs = [shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in self.PROGRAMS]
        if not all(programs):
            pytest.skip("MariaDB is not on this machine: sudo apt-get install mariadb-server")
        self.folder, (self._install, self._program) = folder, programs
        self.port = free_port()

    def start(self) -> Self:
        """Start, or start again on the same port and data, and wait until it answers."""
        assert self.process is None
        data, user = self.folder / "data", ["--user=root"] if os.geteuid() == 0 else []
        if not data.exists():
            words = [self._install, "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
            subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=PATIENCE)
        everybody = self.folder / "everybody.sql"
        everybody.write_text(
            "CREATE USER IF NOT EXISTS engage@'%' IDENTIFIED BY '';\nGRANT ALL ON *.* TO engage@'%';\n",
            encoding="ascii",
        )
        with (self.folder / "errors.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(str(self._program), "--no-defaults", *user, f"--datadir={data}", f"--init-file={everybody}"),
                    *(f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-networking=0"),
                    *(
                        f"--socket={self.folder}/socket",
                        f"--pid-file={self.folder}/pid",
                        "--innodb-buffer-pool-size=128M",
                    ),
                    *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"),
                ],
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        try:
            until(self._answers)
        except BaseException:
            self.kill()
            raise
        return self

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Statements on a connection of their own; the rows of the last one."""
        import pymysql

        link = pymysql.connect(host="127.0.0.1", port=self.port, user="engage", autocommit=True)
        with link, link.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def _answers(self) -> bool:
        import pymysql

        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"MariaDB did not start:\n{(self.folder / 'errors.log').read_text(errors='replace')[-2_000:]}")
        try:
            return bool(self.execute("SELECT 1"))
        except pymysql.err.OperationalError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.kill()
