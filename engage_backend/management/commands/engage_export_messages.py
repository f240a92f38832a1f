"""Print which learner had which message when, as CSV with LMS user ids: for whoever runs the site, not for course teams."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`engage_export_messages --course KEY > FILE`."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Of which course run."""
        parser.add_argument("--course", required=True, metavar="KEY", help="the course run")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask and print."""
        from engage_backend.management.course_runs import course_run
        from engage_backend.messaging.record import Had, had_messages

        run = course_run(options["course"])
        table = csv.writer(self.stdout, lineterminator="\n")
        table.writerow(Had._fields)
        table.writerows(_harmless(row) for row in had_messages(run))


def _harmless(row: tuple[Any, ...]) -> list[Any]:
    """A subject that a spreadsheet would take for a formula is text."""
    return [f"'{one}" if isinstance(one, str) and one[:1] in "=+-@" and one else one for one in row]
