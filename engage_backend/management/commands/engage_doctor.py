"""Is this site set up so that Engage works, and what is to be done where it is not."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


class Command(BaseCommand):
    """`engage_doctor [--log PATH] [--json]`: changes nothing, sends nothing; ends with status 1 where something is wrong."""

    help = __doc__
    requires_system_checks: list[str] = []  # what is wrong with the settings is part of the answer

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the log is, and in which form to answer."""
        parser.add_argument(
            "--log", type=Path, metavar="PATH", help="the tracking log that a consumer here would follow"
        )
        parser.add_argument("--json", action="store_true", help="print a list of {about, state, says, do}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask and print."""
        from engage_backend.management.doctor import examine

        found = list(examine(options["log"]))
        if options["json"]:
            self.stdout.write(json.dumps([finding._asdict() for finding in found], indent=2))
        else:
            for about, state, says, do in found:
                self.stdout.write(f"{MARKS[state]} {about:<12} {says}")
                if do:
                    self.stdout.write(f"{'':18} -> {do}")
        wrong = sum(finding.state == "wrong" for finding in found)
        if not options["json"]:
            self.stdout.write(f"{wrong} to mend" if wrong else "nothing to mend")
        if wrong:
            raise SystemExit(1)
