"""Remove people by hand, as the platform's retirement does: all but a tombstone, so that no backfill brings them back."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`engage_retire USER_ID ...`: may be repeated, also for people of whom nothing is known."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom."""
        parser.add_argument("users", type=int, nargs="+", metavar="USER_ID", help="LMS user id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove them, here and in the streams in Redis and the quarantine file of this machine."""
        from engage_backend.governance.retirement import retire
        from engage_backend.governance.sweep import Sweep
        from engage_backend.models import Tombstone

        for user_id in options["users"]:
            retire(user_id)
        Sweep().run()
        stand = Tombstone.objects.filter(user_id__in=options["users"])
        if failed := set(options["users"]) - set(stand.values_list("user_id", flat=True)):
            raise CommandError(f"not retired, the log says why: {', '.join(map(str, sorted(failed)))}")
        self.stdout.write(f"{len(set(options['users']))} retired")
        if waiting := stand.filter(swept_at=None).count():
            self.stdout.write(f"of {waiting} the streams in Redis may still hold records: the consumer takes them out")
