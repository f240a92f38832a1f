"""The tests of the edX side, run in a process of their own into which an LMS, or a Studio, of stand-ins is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
INSIDE = ["tests/lms", "tests/platform/test_contract.py"]


@pytest.mark.parametrize("settings", ["tests.edx_platform.settings_lms", "tests.edx_platform.settings_cms"])
def test_inside_an_lms_and_a_studio(settings: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--ds={settings}", "-p", "no:xdist", *INSIDE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
