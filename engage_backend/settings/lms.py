"""Settings that we add to every LMS, and not to Studio: the tap, beside those of `common`."""

from collections.abc import Mapping
from typing import Any

from engage_backend.settings.common import plugin_settings as common_settings

TAP = "engage_backend.tap.backend.TrackingBackend"


def plugin_settings(settings: Any) -> None:
    """Add the tap to the event-tracking backends. It does nothing until `ENGAGE["STREAM"]` says where to."""
    common_settings(settings)
    add_tap(settings)


def add_tap(settings: Any) -> None:
    """A new dict with one entry more: the platform's own may be shared, and an entry of our name is the site's."""
    backends = getattr(settings, "EVENT_TRACKING_BACKENDS", None) or {}
    if isinstance(backends, Mapping) and "engage" not in backends:
        settings.EVENT_TRACKING_BACKENDS = {**backends, "engage": {"ENGINE": TAP, "OPTIONS": {}}}
