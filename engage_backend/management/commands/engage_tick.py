"""Do once what time brings about: rosters, a changed model, the daily pass. For cron, where no consumer runs all day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from engage_backend.management.chores import chores
from engage_backend.management.stopping import needs_tables


class Command(BaseCommand):
    """`engage_tick`: does nothing that is not due; of many at once, and beside consumers, one does the pass."""

    help = __doc__

    @needs_tables()
    def handle(self, *args: Any, **options: Any) -> None:
        """One tick."""
        # numpy comes in with the engine: a web process that lists commands must not load it.
        from engage_backend.engagement.live.engine import Engine
        from engage_backend.platform.api import get_platform

        engine = Engine(get_platform())
        passed = engine.tick()
        for chore in chores():
            chore()
        if engine.watch.model is None:
            self.stderr.write(f"no predictions: {engine.watch.why_none}")
        for course_key in passed:
            self.stdout.write(f"{course_key}: brought to {engine.platform.now():%Y-%m-%d %H:%M} UTC")
        if not passed:
            self.stdout.write("nothing is due")
