"""Settings that we add once a site's configuration file has been read."""

from typing import Any

from engage_backend.settings.common import plugin_settings as common_settings


def plugin_settings(settings: Any) -> None:
    """Take `ENGAGE` from the site's file, and add our paths again where the file replaced the list."""
    tokens = getattr(settings, "ENV_TOKENS", None) or {}
    if "ENGAGE" in tokens:
        settings.ENGAGE = tokens["ENGAGE"]
    common_settings(settings)
