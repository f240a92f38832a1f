"""Moving the site's clock. Reading it is `get_platform().now()`, here as everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction

from engage_backend.platform.api import get_platform
from engage_backend.platform.standalone.models import Clock


def set_clock(site_time: datetime, *, speed: float) -> None:
    """Make it `site_time` now (time zone aware), from here on `speed` seconds of the site to a second of the world.

    A speed of 0 stops the clock.
    """
    values = {"site_time": site_time, "real_time": datetime.now(UTC), "speed": speed}
    Clock.objects.update_or_create(pk=1, defaults=values)


def advance(by: timedelta) -> datetime:
    """Move the clock ahead at once, at its speed as before; the time it shows then."""
    with transaction.atomic():
        now = get_platform().now()
        set_clock(now + by, speed=get_platform().speed())
        return now + by


def speed() -> float:
    """Seconds of the site to a second of the world."""
    return get_platform().speed()
