"""The processes of the demo under one command: started, watched, and ended by their ids."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engage_backend.demo.home import Home, last_lines

STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


class ChildEnded(Exception):
    """A process of the demo ended by itself. The message says which, how, and what it said last."""


class PortTaken(Exception):
    """The port that was asked for belongs to somebody else."""


@dataclass
class Child:
    """One process, and the file with what it says."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    may_end: bool = False


class Supervisor:
    """Starts processes and ends them all, whichever way the `with` block is left."""

    def __init__(self, home: Home, *, stop_seconds: float = STOP_SECONDS) -> None:
        self.home = home
        self._stop_seconds = stop_seconds
        self.children: list[Child] = []

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(
        self, name: str, arguments: Sequence[str], *, pass_fds: Sequence[int] = (), may_end: bool = False
    ) -> Child:
        """Start `python ARGUMENTS` as a child; `may_end`: that it finishes by itself, without an error, is well."""
        output = self.home.logs / f"{name}.log"
        environment = {**os.environ, "ENGAGE_HOME": str(self.home.folder), "PYTHONUNBUFFERED": "1"}
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=tuple(pass_fds),
                # A session of its own: Ctrl-C reaches us alone, and we end the children in order.
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        child = Child(name, process, output, may_end)
        self.children.append(child)
        return child

    def check(self) -> None:
        """Raise ChildEnded when a process ended that should not have."""
        for child in self.children:
            status = child.process.poll()
            if status is None or (status == 0 and child.may_end):
                continue
            how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
            said = last_lines(child.output)
            raise ChildEnded(f"the {child.name} process {how}" + (f"; it said last:\n{said}" if said else ""))

    def stop(self) -> None:
        """End every child, last started first: SIGTERM to its group, and SIGKILL to what is still there later."""
        running = [child for child in reversed(self.children) if child.process.poll() is None]
        for child in running:
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + self._stop_seconds
        for child in running:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        for child in running:
            if child.process.poll() is None:
                _signal_group(child, signal.SIGKILL)
                child.process.wait()


def listen(port: int | None, *, usual: int = 8000) -> socket.socket:
    """A listening socket on this machine alone; without a port the usual one, or any free one where that is taken.

    Raises PortTaken where a port was asked for and is not free.
    """
    for attempt in (port,) if port is not None else (usual, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", attempt))
        except OSError:
            listener.close()
            continue
        listener.listen(128)
        return listener
    raise PortTaken(f"port {port} is taken; give another with --port, or none")


def _signal_group(child: Child, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """Ask the kernel to end this child when we are killed and cannot do it ourselves."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
