"""A real Redis for the tests of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engage_backend.clickstream.sources.redis_stream import RedisSource
from tests.services import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis that keeps nothing when it ends."""
    with RedisServer(tmp_path) as running:
        yield running


@pytest.fixture
def stopped_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that is not running yet, and keeps everything it has answered for."""
    server = RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def sources() -> Iterator[Any]:
    """Makes sources and closes them after the test."""
    made: list[RedisSource] = []

    def make(*arguments: Any, **options: Any) -> RedisSource:
        made.append(RedisSource(*arguments, **options))
        return made[-1]

    yield make
    for source in made:
        source.close()
