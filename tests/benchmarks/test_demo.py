"""How long somebody waits for `make demo`, once everything is installed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.services import PATIENCE


@pytest.mark.bench
def test_from_the_command_to_a_page_that_answers(tmp_path: Path) -> None:
    start = time.perf_counter()
    demo = subprocess.Popen(
        [sys.executable, "-m", "engage_backend.cli", "demo", "--home", str(tmp_path / "home"), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert demo.stdout is not None
        ready = next((line for line in demo.stdout if re.search(r"http://127\.0\.0\.1:\d+/", line)), None)
        seconds = time.perf_counter() - start
    finally:
        demo.terminate()
        demo.communicate(timeout=PATIENCE)
    assert ready is not None
    print(f"\nmake demo: ready after {seconds:.0f} s (promised: 60)")
