"""The Django app that holds the standalone site's tables."""

from django.apps import AppConfig


class StandaloneConfig(AppConfig):
    """Installed by the standalone site only, never by an LMS."""

    name = "engage_backend.platform.standalone"
    label = "engage_standalone"
    default_auto_field = "django.db.models.BigAutoField"
