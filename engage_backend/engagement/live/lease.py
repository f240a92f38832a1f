"""A lease on a job: of many processes on one database, one does it; when that one dies, another does, a little later.

Nothing goes wrong when two do the job at once, it is only done twice. Leases are rows and not locks of the database's
own, which a pooler of connections would give to somebody else. They run out by the clock of the database, the one clock that
all processes share.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from engage_backend.models import Lease

SECONDS = 120.0  # longer than one transaction of the job may take
# Not CURRENT_TIMESTAMP, which stands still within a transaction of PostgreSQL.
_CLOCK = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT UTC_TIMESTAMP(6)"}


def database_time() -> datetime:
    """Return the time by the clock of the database, time zone aware; SQLite has this machine's. Raises DatabaseError."""
    if (question := _CLOCK.get(connection.vendor)) is None:
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(question)
        moment: datetime = cursor.fetchone()[0]
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def instance_name() -> str:
    """Return a name that no other process, and no other call, has: host/process/random part."""
    return f"{socket.gethostname()[:200]}/{os.getpid()}/{secrets.token_hex(4)}"


def instance_in_words(instance: str) -> str:
    """Return where a consumer runs, for people. `instance`: what `instance_name` gave it."""
    host, _, rest = instance.partition("/")
    return f"host {host}, process {rest.partition('/')[0]}" if rest else "of an earlier release"


class JobLease:
    """One process's hold on the job `name`."""

    def __init__(self, name: str, *, seconds: float = SECONDS) -> None:
        self.name = name
        self.holder = instance_name()
        self.lasts = timedelta(seconds=seconds)

    def take(self, now: datetime | None = None) -> bool:
        """Take the lease, or keep what is ours for its full time from now; False while another one holds it.

        `now` (time zone aware) is the database's time unless a caller knows another.
        """
        now = now or database_time()
        row = Lease.objects.filter(name=self.name)
        free = Q(holder=self.holder) | Q(holder="") | Q(expires__lte=now)
        # One statement compares and sets: the database lets one of two through.
        if row.filter(free).update(holder=self.holder, expires=now + self.lasts):
            return True
        if row.exists():
            return False
        try:
            with transaction.atomic():
                Lease.objects.create(name=self.name, holder=self.holder, expires=now + self.lasts)
        except IntegrityError:
            return False  # another one was first, in this moment
        return True

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        Lease.objects.filter(name=self.name, holder=self.holder).update(holder="")
