"""Settings that we add to every LMS, and not to Studio: the tap and the dashboard's tab, beside those of `common`."""

from collections.abc import Mapping
from typing import Any

from engage_backend.settings.common import plugin_settings as common_settings

TAP = "engage_backend.tap.backend.TrackingBackend"
# Verawood's instructor dashboard asks this filter for its tabs; earlier releases never run it, nor import the step.
TABS_FILTER = "org.openedx.learning.instructor.dashboard.tabs.requested.v1"
TAB_STEP = "engage_backend.api.instructor_tab.CommunicatorTab"


def plugin_settings(settings: Any) -> None:
    """Add the tap, which does nothing until `ENGAGE["STREAM"]` says where to, and the tab of the instructor dashboard."""
    common_settings(settings)
    add_tap(settings)
    add_tab(settings)


def add_tap(settings: Any) -> None:
    """A new dict with one entry more: the platform's own may be shared, and an entry of our name is the site's."""
    backends = getattr(settings, "EVENT_TRACKING_BACKENDS", None) or {}
    if isinstance(backends, Mapping) and "engage" not in backends:
        settings.EVENT_TRACKING_BACKENDS = {**backends, "engage": {"ENGINE": TAP, "OPTIONS": {}}}


def add_tab(settings: Any) -> None:
    """Append our step to the filter of the instructor dashboard's tabs, once, behind the steps of others.

    A configuration may be a dict with a pipeline, a list of steps or one step (`get_pipeline_configuration`,
    openedx_filters/tooling.py). New objects: the site's own may be shared. What is none of these is left as it is.
    """
    filters = getattr(settings, "OPEN_EDX_FILTERS_CONFIG", None) or {}
    if not isinstance(filters, Mapping) or TAB_STEP in steps(settings):
        return
    given: Any = filters.get(TABS_FILTER)
    if not given:
        made: Any = {"fail_silently": True, "pipeline": [TAB_STEP]}
    elif isinstance(given, Mapping):
        made = {**given, "pipeline": [*steps(settings), TAB_STEP]}
    elif isinstance(given, str | list | tuple):
        made = [*steps(settings), TAB_STEP]
    else:
        return
    settings.OPEN_EDX_FILTERS_CONFIG = {**filters, TABS_FILTER: made}


def steps(settings: Any) -> list[str]:
    """Return the steps that are configured for the instructor dashboard's tabs."""
    filters = getattr(settings, "OPEN_EDX_FILTERS_CONFIG", None)
    given: Any = filters.get(TABS_FILTER) if isinstance(filters, Mapping) else None
    pipeline = given.get("pipeline") if isinstance(given, Mapping) else given
    if isinstance(pipeline, str):
        return [pipeline]
    return list(pipeline) if isinstance(pipeline, list | tuple) else []
