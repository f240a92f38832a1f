"""`manage.py engage_openapi > docs/openapi.yaml`: the API's document, from the code."""

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Write the OpenAPI document to standard output."""

    help = "Write the OpenAPI document of Engage's REST API to standard output."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        from engage_backend.api.openapi import as_text

        self.stdout.write(as_text(), ending="")
