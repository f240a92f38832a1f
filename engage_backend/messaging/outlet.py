"""The way out that all workers share: how fast mails may go, and when the provider wants to be left in peace.

By the world's clock: a provider knows no other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from engage_backend.conf import engage_settings
from engage_backend.models import Outlet

LONGEST_REST = 3600.0  # seconds
_ADDRESS = re.compile(r"[^\s<>]{1,254}@[^\s<>]{1,254}")
_SAID = 200  # characters of what a server says


def resting() -> datetime | None:
    """Until when nothing goes out; None when mails may go."""
    now = datetime.now(UTC)
    return (
        Outlet.objects.filter(name=engage_settings().channel, resting_until__gt=now)
        .values_list("resting_until", flat=True)
        .first()
    )


def rest(said: str) -> datetime:
    """The provider throttles, or does not answer: rest, each time in a row twice as long; until when."""
    first = engage_settings().retry_seconds
    with transaction.atomic():
        outlet = lock()
        now = datetime.now(UTC)
        if outlet.resting_until is None or outlet.resting_until <= now:  # else another worker was told the same
            outlet.rests = min(outlet.rests + 1, 1_000)
            seconds = min(LONGEST_REST, first * 2.0 ** min(outlet.rests - 1, 20))
            outlet.resting_until = now + timedelta(seconds=seconds)
            outlet.said = without_addresses(said)
            outlet.save()
        return outlet.resting_until


def rested() -> None:
    """A mail was taken: the next rest is a short one again."""
    name = engage_settings().channel
    Outlet.objects.filter(Q(rests__gt=0) | Q(resting_until__isnull=False), name=name).update(
        rests=0, resting_until=None, said=""
    )


def take_turn(mails: int) -> datetime | None:
    """Keep room for so many mails at the site's rate; when the first may go. None: there is no limit, or no wait."""
    rate = engage_settings().mails_per_second
    if rate is None:
        return None
    with transaction.atomic():
        outlet = lock()
        begin = max(datetime.now(UTC), outlet.free_at or datetime.now(UTC))
        outlet.free_at = begin + timedelta(seconds=mails / rate)
        outlet.save(update_fields=["free_at"])
    return begin


def without_addresses(said: str) -> str:
    """What a server says, without the addresses that it likes to repeat: they are stored nowhere."""
    return _ADDRESS.sub("…", " ".join(said.split()))[:_SAID]


def lock() -> Outlet:
    """The row of our channel, locked until the transaction ends."""
    name = engage_settings().channel
    outlet = Outlet.objects.select_for_update().filter(name=name).first()
    if outlet is None:
        try:
            with transaction.atomic():
                Outlet.objects.create(name=name)
        except IntegrityError:
            pass  # another worker was first
        outlet = Outlet.objects.select_for_update().get(name=name)
    return outlet
