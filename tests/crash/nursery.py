"""Consumers that live for a second: real processes, born of one that has already imported everything.

Loading Django and numpy takes a second; a consumer that is killed a hundred times would spend most of its lives on it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

from tests.operations.sites import ROOT, DiskSite

# Reads a list of words a line, forks `engage_consume WORDS`, tells its pid and, when it has ended, how.
_MOTHER = """
import json, os, sys
import django
django.setup()
import engage_backend.engagement.live.consumer, engage_backend.engagement.live.engine, engage_backend.engagement.live.metrics
import engage_backend.clickstream.sources.redis_stream
from django.core.management import call_command
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call_command("engage_consume", *json.loads(line))
            status = 0
        except BaseException as error:
            print("engage_consume:", repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Starts `engage_consume` on a site within a tenth of a second, one at a time."""

    def __init__(self, site: DiskSite) -> None:
        self._log = (site.home / "consumers.log").open("wb")
        self._mother = subprocess.Popen(
            [sys.executable, "-c", _MOTHER],
            cwd=ROOT,
            env=site.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.log = site.home / "consumers.log"

    def start(self, *words: str) -> int:
        """Start it; its process id."""
        assert self._mother.stdin is not None
        self._mother.stdin.write(json.dumps(words) + "\n")
        self._mother.stdin.flush()
        return int(self._answer())

    def ended(self) -> int:
        """Wait until the last one started has ended; its status, or the negative number of the signal that killed it."""
        return int(self._answer())

    def kill(self, pid: int) -> int:
        """As the kernel does it when memory is short; how the process ended."""
        os.kill(pid, signal.SIGKILL)  # not reaped before `ended` asks, so that the id is nobody else's
        return self.ended()

    def _answer(self) -> str:
        assert self._mother.stdout is not None
        line = self._mother.stdout.readline()
        assert line, self.log.read_text(errors="replace")[-3_000:]
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mother.kill()
        self._mother.communicate()
        self._log.close()
