"""How fast messages leave: a Celery worker against a bare loop of smtplib, to one mail server in a process of its own."""

from __future__ import annotations

import json
import os
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from engage_backend.messaging.queueing import BATCH
from tests.messaging.mail_server import Server
from tests.messaging.worker_site import WorkerSite
from tests.operations.sites import ROOT
from tests.services import RedisServer, select_nothing, until

MAILS = 3_000
_SERVER = """
import json, sys, time
from aiosmtpd.controller import Controller
class Handler:
    times, sample = [], b""
    async def handle_DATA(self, server, session, envelope):
        self.times.append(time.perf_counter())
        self.sample = envelope.content
        return "250 OK"
from tests.messaging.mail_server import _Controller, _Smtp
class Own(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
handler = Handler()
controller = Own(handler, hostname="127.0.0.1", port=0)
controller.start()
print(controller.port, flush=True)
for line in sys.stdin:
    if line.strip() == "again":
        print(json.dumps([handler.times, handler.sample.decode()]), flush=True)
        handler.times = []
    else:
        print(len(handler.times), flush=True)
"""


class ServerProcess:
    """Counts mails, and writes down when each one came."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def count(self) -> int:
        """How many mails came. Seldom: whoever asks holds the server up."""
        return int(self._ask("tell"))

    def again(self) -> tuple[float, str]:
        """Mails a second, and one of them; begins anew. The median over stretches of a batch: other work disturbs some."""
        times, sample = self._ask("again")
        assert len(times) == MAILS
        stretches = [later - earlier for earlier, later in zip(times[::BATCH], times[BATCH::BATCH], strict=False)]
        return BATCH / statistics.median(stretches), sample

    def _ask(self, word: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    made = ServerProcess()
    yield made
    made.process.kill()
    made.process.communicate()


def bare(server: ServerProcess, content: bytes) -> float:
    """Mails a second of a loop over one connection, with a letter that is ready."""
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        for number in range(MAILS):
            connection.sendmail("courses@site.example", [f"l{number}@people.example"], content)
    return server.again()[0]


@pytest.mark.bench
def test_mails_a_second_beside_a_bare_loop(server: ServerProcess, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        site = WorkerSite(tmp_path / "home", redis=redis, smtp=cast(Server, server), worker_seconds=300)
        try:
            site.set_up(MAILS)
            site.clock()
            site.worker(processes=1)
            until(lambda: "ready." in (site.home / "worker.log").read_text(errors="replace"), seconds=60)
            site.confirm()
            begun = time.monotonic()
            until(lambda: server.count() == MAILS or select_nothing(0.5), seconds=300)
            seconds = time.monotonic() - begun
            ours, sample = server.again()
            until(lambda: site.left() == 0, seconds=60)
            assert len(site.outcome().those("sent")) == MAILS
        finally:
            site.end()
    content = sample.encode()
    loops = [bare(server, content) for _ in range(2)]
    print(
        f"\n{MAILS:,} mails of {len(content):,} B over loopback, one worker process, SQLite, in {seconds:.1f} s, the"
        f" press included: {ours:,.0f} mails/s; a bare smtplib loop over one connection, in the same minute:"
        f" {loops[0]:,.0f} and {loops[1]:,.0f}; ratio {ours / statistics.mean(loops):.2f}."
        f" Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
