"""Compare scores and hand-ins with the platform's own tables now: after installing, or when something looks wrong."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`engage_catch_up [COURSE...]`: once, after installing; may be repeated. The consumer does it once a day."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which course runs."""
        parser.add_argument("courses", nargs="*", metavar="COURSE", help="course keys; none: all that are going on")

    def handle(self, *args: Any, **options: Any) -> None:
        """One course run after the other."""
        # numpy comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.engagement.live.catch_up import catch_up
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.platform.api import get_platform

        engine = Engine(get_platform())
        for course_key in options["courses"] or list(engine.platform.courses()):
            count = catch_up(engine, course_key)
            if count is None and options["courses"]:
                raise CommandError(f"there is no course run {course_key} here, or ENGAGE leaves it out")
            if count is not None:
                self.stdout.write(f"{course_key}: {count:,} facts from the platform")
