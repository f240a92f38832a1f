"""How fast messages leave: a Celery worker against a bare loop of smtplib, to one mail server in a process of its own."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.messaging.mail_server import Server
from tests.messaging.worker_site import WorkerSite
from tests.operations.sites import ROOT
from tests.services import RedisServer, until

MAILS = 3_000
_SERVER = """
import json, sys, time
from aiosmtpd.controller import Controller
class Handler:
    count, first, last, sample = 0, 0.0, 0.0, b""
    async def handle_DATA(self, server, session, envelope):
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.count += 1
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
    print(json.dumps([handler.count, handler.last - handler.first, handler.sample.decode()]), flush=True)
    if line.strip() == "again":
        handler.count, handler.first = 0, 0.0
"""


class ServerProcess:
    """Counts mails, and takes the time from the first to the last."""

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

    def ask(self, word: str = "tell") -> tuple[int, float, str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        count, seconds, sample = json.loads(self.process.stdout.readline())
        return count, seconds, sample


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
    count, seconds, _ = server.ask("again")
    assert count == MAILS
    return (MAILS - 1) / seconds


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
            until(lambda: server.ask()[0] == MAILS, seconds=300)
            _, seconds, sample = server.ask("again")
            until(lambda: site.left() == 0, seconds=60)
            assert len(site.outcome().those("sent")) == MAILS
        finally:
            site.end()
    ours = (MAILS - 1) / seconds
    content: Any = sample.encode()
    loops = [bare(server, content) for _ in range(2)]
    print(
        f"\n{MAILS:,} mails of {len(content):,} B over loopback, one worker process, SQLite: {ours:,.0f} mails/s;"
        f" a bare smtplib loop over one connection, in the same minute: {loops[0]:,.0f} and {loops[1]:,.0f};"
        f" ratio {ours / max(loops):.2f}. Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
