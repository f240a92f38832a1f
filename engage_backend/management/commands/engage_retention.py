"""Delete now what is older than ENGAGE["RETENTION_DAYS"] allows. The consumer's clock does the same once an hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`engage_retention`: may be repeated, and run beside consumers."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how much."""
        from engage_backend.governance.retention import expire
        from engage_backend.platform.api import get_platform

        gone = expire(get_platform().now())
        for what, count in gone.items():
            self.stdout.write(f"{count:>10,} {what} deleted")
        if not gone:
            self.stdout.write("nothing is older than the site keeps it")
