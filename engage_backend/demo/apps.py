"""The Django app of the standalone site."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Installed by the standalone site only, never by an LMS."""

    name = "engage_backend.demo"
    label = "engage_demo"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the site's Celery the one that tasks are enqueued with."""
        from engage_backend.demo import celery_app  # noqa: F401
