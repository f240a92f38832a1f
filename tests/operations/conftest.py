"""The live site of the engine's tests, and a site of its own on disk for tests that start processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engagement.live.conftest import live
from tests.operations.sites import DiskSite

__all__ = ["disk_site", "live"]


@pytest.fixture
def disk_site(tmp_path: Path) -> Iterator[DiskSite]:
    """A standalone site on disk; processes that a test leaves running are ended after it."""
    site = DiskSite(tmp_path / "home")
    yield site
    site.end()
