"""Real servers for the tests that break them, and sites on disk for processes that are killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.sites import MariaSite
from tests.operations.sites import DiskSite
from tests.services import MariaDbServer, RedisServer


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDbServer]:
    """One for the whole session; each test has a database of its own there."""
    with MariaDbServer(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that keeps what it has answered for."""
    with RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as running:
        yield running


@pytest.fixture
def disk_site(tmp_path: Path) -> Iterator[DiskSite]:
    """A standalone site on SQLite; processes that a test leaves running are ended after it."""
    site = DiskSite(tmp_path / "home")
    yield site
    site.end()


@pytest.fixture
def maria_site(mariadb: MariaDbServer, tmp_path: Path) -> Iterator[Callable[[str], MariaSite]]:
    """Makes sites, each with an empty database of its own."""
    made: list[MariaSite] = []

    def make(name: str) -> MariaSite:
        site = MariaSite(tmp_path / name, server=mariadb, name=f"engage_{name}")
        made.append(site)
        site.make_database()
        site.home.mkdir()
        return site

    yield make
    for site in made:
        site.end()
