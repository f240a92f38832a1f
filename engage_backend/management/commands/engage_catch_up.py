"""Take over what learners handed in before Engage was installed, from the platform's own tables."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`engage_catch_up [COURSE...]`: once, after installing; may be repeated."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which course runs."""
        parser.add_argument("courses", nargs="*", metavar="COURSE", help="course keys; none: all that are going on")

    def handle(self, *args: Any, **options: Any) -> None:
        """One course run after the other."""
        from engage_backend.engagement.live.catch_up import catch_up
        from engage_backend.platform.api import get_platform

        platform = get_platform()
        for course_key in options["courses"] or list(platform.courses()):
            count = catch_up(platform, course_key)
            if count is None and options["courses"]:
                raise CommandError(f"there is no course run {course_key} here, or ENGAGE leaves it out")
            if count is not None:
                self.stdout.write(f"{course_key}: {count:,} submissions")
