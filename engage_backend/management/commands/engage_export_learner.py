"""Write all that is held about one person as JSON, in a form that people can read: for a request of that person."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`engage_export_learner USER_ID [--course KEY] [--out FILE]`: only reads."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom, and where to."""
        parser.add_argument("user", type=int, metavar="USER_ID", help="LMS user id")
        parser.add_argument("--course", metavar="KEY", help="only this course run")
        parser.add_argument("--out", type=Path, metavar="FILE", help="a new file that only its owner may read")

    def handle(self, *args: Any, **options: Any) -> None:
        """Gather and write."""
        # numpy comes in with the history: a web process that lists commands must not load it.
        from engage_backend.engagement.history import unpack
        from engage_backend.governance.export import held_about

        found = held_about(options["user"], unpack=unpack, course_key=options["course"])
        if not found["course_runs"] and not found["elsewhere"]:
            raise CommandError(f"nothing is held about user {options['user']}: is it the LMS user id?")
        text = json.dumps(found, indent=2, ensure_ascii=False)
        if options["out"] is None:
            self.stdout.write(text)
            return
        try:
            handle = os.open(options["out"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}; give the name of a new file") from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        self.stdout.write(f"{options['out']}: {len(found['course_runs'])} course runs")
