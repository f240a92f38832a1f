"""These tests run inside an LMS: in the process that `tests/platform/test_in_an_lms.py` starts, or where a real one is."""

from __future__ import annotations

from typing import Any

import pytest

from engage_backend.platform.api import edx_platform_is_here

if not edx_platform_is_here():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    """As in a process that has just started, which has not said yet that a course run is to be read again."""
    from engage_backend.engagement.live import changes

    changes.forget()


@pytest.fixture
def run(db: None) -> Any:
    """A course run with people of every role."""
    from tests.edx_platform.course import make_run

    return make_run()


@pytest.fixture
def platform(run: Any) -> Any:
    """The edX side, chosen as it is there."""
    from engage_backend.platform.api import get_platform

    return get_platform()
