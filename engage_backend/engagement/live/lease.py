"""A lease on a job: of many processes on one database, one does it; when that one dies, another does, a little later.

Nothing goes wrong when two do the job at once, it is only done twice. So the processes' own clocks are good enough to
tell when a lease has run out.
"""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from engage_backend.models import Lease

SECONDS = 120.0  # longer than one transaction of the job may take


class JobLease:
    """One process's hold on the job `name`. Times are the world's, time zone aware."""

    def __init__(self, name: str, *, seconds: float = SECONDS) -> None:
        self.name = name
        self.holder = f"{socket.gethostname()[:200]}/{os.getpid()}/{secrets.token_hex(4)}"
        self.lasts = timedelta(seconds=seconds)

    def take(self, now: datetime) -> bool:
        """Take the lease, or keep what is ours for its full time from now; False while another one holds it."""
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
