"""Real servers for the tests, from Debian's packages, on free loopback ports and in folders of their own."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

from tests.databases import SERVERS, environment

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


class DatabaseServer(Server):
    """A database server with a data folder of its own, where everybody may do everything; started, killed, started again."""

    kind: str  # as `tests.databases` calls it
    package: str  # of Debian

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def environment(self, name: str) -> dict[str, str]:
        """What a process needs whose settings use `tests.databases`, for the database `name`."""
        return environment(self.kind, self.port, name)

    def start(self) -> Self:
        """Start, or start again on the same port and data, and wait until it answers."""
        assert self.process is None
        self._launch()
        try:
            until(self._answers)
        except BaseException:
            self.kill()
            raise
        return self

    def make_database(self, name: str) -> None:
        """An empty database."""
        self.execute(f"DROP DATABASE IF EXISTS {name}")
        self.execute(f"CREATE DATABASE {name}")

    def execute(self, *statements: str, database: str = "") -> list[tuple[Any, ...]]:
        """Statements on a connection of their own; the rows of the last one, none if it gives none."""
        with closing(self.connect(database)) as link, closing(link.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connect(self, database: str = "") -> Any:
        """A connection in autocommit, by the DB-API."""
        raise NotImplementedError

    def _launch(self) -> None:
        raise NotImplementedError

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            said = (self.folder / "errors.log").read_text(errors="replace")[-2_000:]
            pytest.fail(f"{type(self).__name__} did not start:\n{said}")
        try:
            return bool(self.execute("SELECT 1"))
        except Exception as error:
            if type(error).__name__ != "OperationalError":
                raise
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.kill()


class MariaDbServer(DatabaseServer):
    """One MariaDB."""

    kind, package = "mariadb", "mariadb-server"
    PROGRAMS = ("mariadb-install-db", "mariadbd")

    def __init__(self, folder: Path) -> None:
        programs = [shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in self.PROGRAMS]
        if not all(programs):
            pytest.skip(f"MariaDB is not on this machine: sudo apt-get install {self.package}")
        super().__init__(folder)
        self._install, self._program = programs

    def connect(self, database: str = "") -> Any:
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="engage", database=database or None, autocommit=True
        )

    def _launch(self) -> None:
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


class PostgresServer(DatabaseServer):
    """One PostgreSQL. It refuses to run as root: there it runs as Debian's user postgres, in a folder of that user's."""

    kind, package = "postgresql", "postgresql"

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        if not found:
            pytest.skip(f"PostgreSQL is not on this machine: sudo apt-get install {self.package}")
        super().__init__(folder)
        self._programs = found[-1].parent
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data = folder / "data"
        if self._user:  # pytest's folders are open to their owner alone
            self._data = Path(tempfile.mkdtemp(prefix="engage-postgres-")) / "data"
            shutil.chown(self._data.parent, self._user)

    def connect(self, database: str = "") -> Any:
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="engage", dbname=database or "postgres", autocommit=True
        )

    def kill(self) -> None:
        """As a machine that loses its power does it: the processes of its connections are gone, too."""
        assert self.process is not None
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children")
        others = list(map(int, children.read_text().split())) if children.exists() else []
        super().kill()
        for other in others:
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)

    def _launch(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            words = ["initdb", "-D", str(self._data), "-U", "engage", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
            words[0] = str(self._programs / words[0])
            subprocess.run(
                [*words, "--no-sync"], check=True, capture_output=True, timeout=120, user=self._user, cwd="/"
            )
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options |= {"fsync": "off", "shared_buffers": "128MB", "max_connections": "60"}
        with (self.folder / "errors.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(str(self._programs / "postgres"), "-D", str(self._data)),
                    *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
                ],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                user=self._user,
                cwd="/",
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        shutil.rmtree(self._data.parent if self._user else self._data, ignore_errors=True)


DATABASE_SERVERS: dict[str, type[DatabaseServer]] = {one.kind: one for one in (MariaDbServer, PostgresServer)}
assert set(DATABASE_SERVERS) == set(SERVERS)
