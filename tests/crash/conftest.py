"""Real servers for the tests that break them, and sites on disk for processes that are killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.sites import ServerSite
from tests.databases import SERVERS
from tests.operations.sites import DiskSite
from tests.services import DATABASE_SERVERS, DatabaseServer, RedisServer

# Tests of one server stay in one process: each process starts its own.
ON_EACH_SERVER = [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in SERVERS]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], DatabaseServer]]:
    """Starts database servers by kind, one of each for the whole session; each test has a database of its own there."""
    with ExitStack() as stack:
        running: dict[str, DatabaseServer] = {}

        def start(kind: str) -> DatabaseServer:
            if kind not in running:
                running[kind] = stack.enter_context(DATABASE_SERVERS[kind](tmp_path_factory.mktemp(kind)))
            return running[kind]

        yield start


@pytest.fixture(params=ON_EACH_SERVER)
def server(request: pytest.FixtureRequest, servers: Callable[[str], DatabaseServer]) -> DatabaseServer:
    """Each of the database servers in turn."""
    return servers(request.param)


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
def server_site(server: DatabaseServer, tmp_path: Path) -> Iterator[Callable[[str], ServerSite]]:
    """Makes sites, each with an empty database of its own on the server of this test."""
    made: list[ServerSite] = []

    def make(name: str) -> ServerSite:
        made.append(ServerSite.make(server, tmp_path / name))
        return made[-1]

    yield make
    for site in made:
        site.end()
