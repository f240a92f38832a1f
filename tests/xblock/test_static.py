"""The front end's own tests, and that the bundle which ships is the one that its source makes."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
PUBLIC = ROOT / "engage_xblock" / "public"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
needs_modules = pytest.mark.skipif(
    not (STATIC / "node_modules" / "crossfilter2").is_dir(), reason="run `npm ci` in static/ first"
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=STATIC, capture_output=True, text=True, timeout=PATIENCE, check=False)


@needs_node
@needs_modules
def test_the_front_ends_own_tests_pass() -> None:
    files = sorted(str(path) for path in (STATIC / "test").glob("*.test.js"))
    assert files
    result = run("node", "--test", *files)
    assert result.returncode == 0, result.stdout + result.stderr


@needs_node
@needs_modules
def test_the_bundle_that_ships_is_what_its_source_makes(tmp_path: Path) -> None:
    result = run("node", "build.js", str(tmp_path))
    assert result.returncode == 0, result.stderr
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_bytes() for path in PUBLIC.iterdir() if path.is_file()}
    assert sorted(built) == sorted(shipped)
    stale = [name for name in built if built[name] != shipped[name]]
    assert stale == [], "run `make static` and commit engage_xblock/public"


def test_the_bundle_is_smaller_than_75_kilobytes_compressed() -> None:
    assert len(gzip.compress((PUBLIC / "communicator.js").read_bytes(), 9)) < 75_000


def test_the_bundle_asks_nothing_of_another_host_and_runs_under_a_strict_policy() -> None:
    for path in PUBLIC.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert "eval(" not in text
        assert "new Function(" not in text
        # Names of XML namespaces, and the example of a link, are no addresses: nothing is fetched from them.
        elsewhere = text.replace("http://www.w3.org/", "").replace("https://example.org", "")
        assert "http://" not in elsewhere
        assert "https://" not in elsewhere
    for path in PUBLIC.glob("*.css"):
        assert "url(" not in path.read_text(encoding="utf-8")
