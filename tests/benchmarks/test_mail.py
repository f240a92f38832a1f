"""How fast messages leave: a Celery worker against a bare loop of smtplib, to one mail server in a process of its own."""

from __future__ import annotations

import os
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from engage_backend.messaging.queueing import BATCH
from tests.messaging.mail_server import Server
from tests.messaging.worker_site import WorkerSite
from tests.operations.sites import ROOT
from tests.services import RedisServer, select_nothing, until

MAILS = 6_000
TURN, SLICE = 0.25, 200  # seconds of the worker, and mails of the loop, in one turn
_SERVER = """
import sys
from aiosmtpd.controller import Controller
class Handler:
    mails, sample = 0, b""
    async def handle_DATA(self, server, session, envelope):
        self.mails += 1
        self.sample = envelope.content
        return "250 OK"
class Own(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
handler = Handler()
controller = Own(handler, hostname="127.0.0.1", port=0)
controller.start()
print(controller.port, flush=True)
for line in sys.stdin:
    print(handler.sample.hex() if line.strip() == "sample" else handler.mails, flush=True)
"""


class ServerProcess:
    """Counts mails, in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._not_counted = 0
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def count(self) -> int:
        """How many mails came, but for those to forget."""
        return int(self._ask("count")) - self._not_counted

    def forget(self, mails: int) -> None:
        """So many were the loop's."""
        self._not_counted += mails

    def sample(self) -> bytes:
        """The last mail."""
        return bytes.fromhex(self._ask("sample"))

    def _ask(self, word: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    made = ServerProcess()
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.mark.bench
def test_mails_a_second_beside_a_bare_loop(server: ServerProcess, tmp_path: Path) -> None:
    """By turns of a quarter of a second, since a machine is twice as fast in one moment as in the next."""
    with RedisServer(tmp_path) as redis:
        site = WorkerSite(tmp_path / "home", redis=redis, smtp=cast(Server, server), worker_seconds=300)
        try:
            site.set_up(MAILS)
            site.clock()
            worker = site.worker(processes=1)
            until(lambda: "ready." in (site.home / "worker.log").read_text(errors="replace"))
            site.confirm()
            until(lambda: server.count() > BATCH)
            turns, size = by_turns(server, worker)
            until(lambda: site.left() == 0)
            assert len(site.outcome().those("sent")) == MAILS
        finally:
            site.end()
    ours, bare = (statistics.median(rates) for rates in zip(*turns, strict=True))
    ratios = statistics.quantiles([mine / other for mine, other in turns], n=4)
    print(
        f"\n{MAILS:,} mails of {size:,} B over loopback, one worker process, SQLite: {ours:,.0f} mails/s; a bare smtplib loop"
        f" over one connection, {len(turns)} times by turns with it: {bare:,.0f}; ratio {ratios[1]:.2f} (median; half of them"
        f" between {ratios[0]:.2f} and {ratios[2]:.2f}). Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


def by_turns(server: ServerProcess, worker: subprocess.Popen[str]) -> tuple[list[tuple[float, float]], int]:
    """Mails a second of the worker and of the loop, of each turn; and the bytes of a mail."""
    turns: list[tuple[float, float]] = []
    os.killpg(worker.pid, signal.SIGSTOP)
    content = server.sample()
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        done = server.count()
        while done < MAILS - BATCH:
            begun = time.perf_counter()
            os.killpg(worker.pid, signal.SIGCONT)
            select_nothing(TURN)
            os.killpg(worker.pid, signal.SIGSTOP)
            seconds, sent = time.perf_counter() - begun, server.count() - done
            begun = time.perf_counter()
            for number in range(SLICE):
                connection.sendmail("courses@site.example", [f"l{number}@people.example"], content)
            turns.append((sent / seconds, SLICE / (time.perf_counter() - begun)))
            done += sent
            server.forget(SLICE)
    os.killpg(worker.pid, signal.SIGCONT)
    return turns, len(content)
