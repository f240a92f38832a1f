"""Starts the workbench beside a test, and ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SITE = Path(__file__).with_name("workbench_site.py")


@contextmanager
def running_workbench(folder: Path) -> Iterator[str]:
    """The address of a workbench whose database lies in `folder`."""
    errors = folder / "stderr"
    command = [sys.executable, "-W", "ignore", str(SITE), str(folder)]
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()  # it prints it once it listens
            assert address, errors.read_text()
            yield address
        finally:
            process.kill()
