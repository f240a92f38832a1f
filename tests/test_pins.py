"""The base install moves no pin of an LMS: pip is asked what it would do, and does nothing.

It resolves with the Python that runs the tests. It needs an index; where there is none, it is skipped and says so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.services import PATIENCE

PINS = Path(__file__).parent / "data" / "pins"
# All that the base install may bring along, on any release: names that no LMS has.
NEW = {"markdown-it-py", "mdurl", "msgspec"}
# fs brings it to every LMS, but pip-compile writes no pin of it.
UNPINNED = {"setuptools"}


def name_of(line: str) -> str:
    """The package that a requirement is of, in the form in which an index compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", line)[0]).lower()


def pinned(release: str) -> dict[str, str]:
    """Package -> version."""
    lines = (PINS / f"{release}.txt").read_text().splitlines()
    return {name_of(line): line.partition("==")[2] for line in lines if line and not line.startswith("#")}


def ours(extra: str | None = None) -> list[str]:
    """What the base install, and one extra, ask for."""
    wanted = []
    for line in requires("openedx-engage") or []:
        requirement, _, marker = line.partition(";")
        if not marker or (extra and re.search(rf"extra == ['\"]{extra}['\"]", marker)):
            wanted.append(requirement.strip())
    return wanted


def would_install(*words: str) -> subprocess.CompletedProcess[str]:
    """Ask pip what it would install; changes nothing."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def resolved(release: str, wanted: list[str]) -> dict[str, str]:
    """Package -> version, of all that pip would install where the pins hold. Fails where one cannot hold."""
    done = would_install("--constraint", str(PINS / f"{release}.txt"), *wanted)
    if done.returncode != 0 and would_install("--no-deps", "msgspec").returncode != 0:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)["install"]
    return {name_of(one["metadata"]["name"]): one["metadata"]["version"] for one in found}


# With the extra `mail` on Teak: django-anymail's newest would move Django.
@pytest.mark.parametrize(
    ("release", "extra", "more"),
    [("teak", "mail", {"django-anymail"}), ("ulmo", None, set()), ("verawood", None, set())],
)
def test_an_install_moves_no_pin_and_brings_the_names_that_we_know(
    release: str, extra: str | None, more: set[str]
) -> None:
    pins, found = pinned(release), resolved(release, ours(extra))
    assert {name: version for name, version in found.items() if pins.get(name, version) != version} == {}
    assert set(found) - set(pins) - UNPINNED == NEW | more
    assert int(found.get("django-anymail", "0").split(".")[0]) < 15


@pytest.mark.parametrize(
    ("release", "seen"),
    [
        ("teak", "django 4.2.22, xblock 5.2.0, celery 5.5.3, openedx-events 10.2.1, event-tracking 3.3.0"),
        ("ulmo", "django 5.2.11, openedx-events 10.5.0, openedx-filters 2.1.0"),
        ("verawood", "django 5.2.13, xblock 6.1.0, openedx-events 11.2.0, openedx-filters 3.4.1"),
    ],
)
def test_the_lists_hold_the_versions_that_were_seen_elsewhere(release: str, seen: str) -> None:
    pins = pinned(release)
    assert [f"{name} {pins[name]}" for name in re.findall(r"([a-z-]+) ", f"{seen},")] == seen.split(", ")
    assert pins["numpy"].startswith("1.26")
