"""Migrations on real servers: done, undone without a trace, and done again. On SQLite: `tests/test_distribution.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import SERVERS
from tests.services import DATABASE_SERVERS, PATIENCE

ROOT = Path(__file__).resolve().parents[2]
THERE_AND_BACK = """
import django
django.setup()
from django.core.management import call_command
from django.db import connection
def ours():
    return sorted(name for name in connection.introspection.table_names() if name.startswith("engage_"))
call_command("migrate", verbosity=0)
there = ours()
for app in ("engage_demo", "engage_standalone", "engage"):
    call_command("migrate", app, "zero", verbosity=0)
undone = ours()
call_command("migrate", verbosity=0)
print(len(there) > 15, undone, ours() == there)
"""


@pytest.mark.parametrize("kind", SERVERS)
def test_migrations_are_undone_without_a_trace_and_done_again(tmp_path: Path, kind: str) -> None:
    with DATABASE_SERVERS[kind](tmp_path) as server:
        server.make_database("engage_there_and_back")
        environment = {**os.environ, **server.environment("engage_there_and_back"), "PYTHONPATH": str(ROOT)}
        environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings_server", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", THERE_AND_BACK]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    assert done.stdout.splitlines()[-1:] == ["True [] True"], done.stderr[-3000:]
