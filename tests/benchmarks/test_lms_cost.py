"""What Engage costs a process of an LMS that starts, beside the same process from which it was uninstalled.

What the tap costs a request, with Redis there and with Redis dead, is in `test_tap.py`; queries are counted in
`tests/lms/test_cost.py`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES, MILLISECONDS = 30.0, 300.0  # more than the same process without us: promised
STARTS = 3
# First what an LMS loads anyway, then Django with its apps, every address with its view, and the blocks of a course.
START = """
import json, os, resource, sys, time
import celery, requests, webob, xblock.core, xblock.fields, rest_framework.views, opaque_keys.edx.keys, web_fragments.fragment
import eventtracking.tracker, openedx_events.learning.signals, lxml.etree, yaml, redis
began, loaded = time.process_time(), len(sys.modules)
pages = int(open("/proc/self/statm").read().split()[1])
import django
django.setup()
from django.urls import get_resolver
def visit(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            visit(pattern)
visit(get_resolver())
from django.conf import settings
if "engage_backend.apps.EngageConfig" in settings.INSTALLED_APPS:
    import engage_xblock, engage_backend.tap.backend
pages = int(open("/proc/self/statm").read().split()[1]) - pages
print(json.dumps([(time.process_time() - began) * 1000, pages * resource.getpagesize() / 2**20, len(sys.modules) - loaded]))
"""


def start(settings: str) -> list[float]:
    """Processor time (ms), memory (MB) and modules that a start takes beyond what is loaded anyway."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-c", START]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.bench
def test_a_process_of_an_lms_that_starts() -> None:
    """Alternating, so that both meet the same machine."""
    without, with_us = [], []
    for _ in range(STARTS):
        without.append(start("tests.edx_platform.settings_bare"))
        with_us.append(start("tests.edx_platform.settings_lms"))
    time_, memory, modules = (
        statistics.median(one[at] for one in with_us) - statistics.median(one[at] for one in without) for at in range(3)
    )
    bare = [statistics.median(one[at] for one in without) for at in range(3)]
    print(
        f"\na process that starts: {time_:+.0f} ms (promised: at most {MILLISECONDS:.0f}), {memory:+.1f} MB (promised: at"
        f" most {MEGABYTES:.0f}), {modules:+.0f} modules with Engage"
    )
    print(
        f"the same without it: {bare[0]:.0f} ms, {bare[1]:.1f} MB, {bare[2]:.0f} modules; with Engage"
        f" {1 + time_ / bare[0]:.2f} and {1 + memory / bare[1]:.2f} times as much"
    )
