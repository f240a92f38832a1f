"""Settings that we add to an LMS once a site's configuration file has been read."""

from typing import Any

from engage_backend.settings.lms import add_tab, add_tap
from engage_backend.settings.production import plugin_settings as production_settings


def plugin_settings(settings: Any) -> None:
    """As in Studio, and tap and tab again where the file replaced the backends or the filters."""
    production_settings(settings)
    add_tap(settings)
    add_tab(settings)
