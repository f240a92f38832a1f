"""Running a management command on the standalone site."""

from __future__ import annotations

import os
from collections.abc import Sequence


def run_command(name: str, words: Sequence[str]) -> int:
    """Run `manage.py NAME WORDS...` under the standalone site's settings, or those of DJANGO_SETTINGS_MODULE."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "engage_backend.demo.settings")
    import django
    from django.core.management import ManagementUtility

    django.setup()
    # Says a CommandError in one line, and exits with status 1, by itself.
    ManagementUtility(["engage", name, *words]).fetch_command(name).run_from_argv(["engage", name, *words])
    return 0
