"""Running a management command on the standalone site."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engage_backend.cli import Refusal


def run_command(name: str, words: Sequence[str]) -> int:
    """Run `manage.py NAME WORDS...` under the standalone site's settings, or those of DJANGO_SETTINGS_MODULE."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "engage_backend.demo.settings")
    import django
    from django.core.management import ManagementUtility
    from django.core.management.base import CommandError

    django.setup()
    try:
        ManagementUtility(["engage", name, *words]).fetch_command(name).run_from_argv(["engage", name, *words])
    except CommandError as error:
        raise Refusal(str(error)) from error
    return 0
