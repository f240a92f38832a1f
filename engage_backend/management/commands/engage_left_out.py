"""Print the LMS user ids of those from whom a model must not learn (who objects, who was retired), or had better not."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`engage_left_out --course KEY > FILE`, then `engage train PACKAGE --leave-out FILE`: one id a line."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Of which course run."""
        parser.add_argument("--course", required=True, metavar="KEY", help="the course run that the package is of")
        parser.add_argument(
            "--written-to",
            action="store_true",
            help="also who had a message in that run: what they did may have come of it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask and print."""
        from engage_backend.engagement.live.consent import left_out
        from engage_backend.management.course_runs import course_run
        from engage_backend.messaging.record import written_to

        run = course_run(options["course"])
        for user_id in sorted(left_out(run) | (written_to(run) if options["written_to"] else set())):
            self.stdout.write(str(user_id))
