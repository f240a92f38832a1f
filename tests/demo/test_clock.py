"""The site's clock is moved, and only ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engage_backend.demo.clock import advance, set_clock, speed
from engage_backend.platform.api import get_platform

pytestmark = pytest.mark.django_db
THEN = datetime(2013, 4, 5, 9, tzinfo=UTC)


def test_a_stopped_clock_shows_what_it_was_set_to() -> None:
    set_clock(THEN, speed=0)
    assert get_platform().now() == THEN


def test_a_fast_clock_runs_as_fast_as_it_was_told() -> None:
    set_clock(THEN, speed=3600)
    real = datetime.now(UTC)
    shown = get_platform().now()
    assert timedelta() <= shown - THEN <= (datetime.now(UTC) - real + timedelta(seconds=1)) * 3600
    assert speed() == 3600


def test_going_away_moves_the_clock_and_keeps_its_speed() -> None:
    set_clock(THEN, speed=0)
    assert advance(timedelta(days=3)) == THEN + timedelta(days=3)
    assert get_platform().now() == THEN + timedelta(days=3)
    assert speed() == 0


def test_without_a_clock_the_site_keeps_the_worlds_time_and_can_still_go_ahead() -> None:
    before = datetime.now(UTC)
    assert speed() == 1
    assert advance(timedelta(days=3)) >= before + timedelta(days=3)
