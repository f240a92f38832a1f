"""The tap among the settings of an LMS: where it joins, and what is said of a stream that is none."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from engage_backend.conf import check_settings, engage_settings
from engage_backend.settings import common, lms, lms_production, production
from engage_backend.tap.backend import TrackingBackend


@pytest.mark.parametrize("plugin", [lms, lms_production])
def test_the_tap_joins_the_backends_of_an_lms_and_changes_none(plugin: types.ModuleType) -> None:
    theirs = {"tracking_logs": {"ENGINE": "a.B", "OPTIONS": {}}}
    holder = types.SimpleNamespace(EVENT_TRACKING_BACKENDS=theirs, TRACKING_IGNORE_URL_PATTERNS=[])
    plugin.plugin_settings(holder)
    plugin.plugin_settings(holder)
    assert theirs == {"tracking_logs": {"ENGINE": "a.B", "OPTIONS": {}}}
    assert list(holder.EVENT_TRACKING_BACKENDS) == ["tracking_logs", "engage"]
    assert holder.EVENT_TRACKING_BACKENDS["tracking_logs"] is theirs["tracking_logs"]
    assert holder.TRACKING_IGNORE_URL_PATTERNS == ["^/engage/"]


@pytest.mark.parametrize("theirs", [None, {}, {"engage": {"ENGINE": "the.sites.Own"}}])
def test_an_entry_of_our_name_is_the_sites(theirs: Any) -> None:
    holder = types.SimpleNamespace(EVENT_TRACKING_BACKENDS=theirs)
    lms.plugin_settings(holder)
    ours = {"engage": {"ENGINE": f"{TrackingBackend.__module__}.TrackingBackend", "OPTIONS": {}}}
    assert dict(holder.EVENT_TRACKING_BACKENDS) == (theirs or ours)


@pytest.mark.parametrize("plugin", [common, production])
def test_studio_has_no_tap(plugin: types.ModuleType) -> None:
    holder = types.SimpleNamespace(EVENT_TRACKING_BACKENDS={})
    plugin.plugin_settings(holder)
    assert holder.EVENT_TRACKING_BACKENDS == {}


@pytest.mark.parametrize("project", ["lms.djangoapp", "cms.djangoapp"])
def test_the_platforms_own_loader_gives_the_tap_to_the_lms_alone(project: str) -> None:
    from edx_django_utils.plugins import add_plugins

    module: Any = types.ModuleType("settings_of_a_platform")
    module.EVENT_TRACKING_BACKENDS = {"tracking_logs": {}}
    sys.modules[module.__name__] = module
    try:
        for kind in ("common", "production"):
            add_plugins(module.__name__, project, kind)
    finally:
        del sys.modules[module.__name__]
    assert ("engage" in module.EVENT_TRACKING_BACKENDS) == (project == "lms.djangoapp")


@pytest.mark.parametrize(
    "value",
    [
        {"URL": "http://:sesame@x"},
        {"url": "redis://:sesame@x"},
        {"URL": "redis://:sesame@x", "SHARDS": 0},
        {"URL": "redis://:sesame@x", "MAXLEN": 10},
        {"URL": "redis://:sesame@x", "PREFIX": "a:b"},
        "redis://:sesame@x",
    ],
)
def test_a_stream_that_is_not_usable_is_reported_without_its_password(settings: Any, value: Any) -> None:
    settings.ENGAGE = {"STREAM": value}
    assert engage_settings().stream is None
    (message,) = check_settings()
    assert "STREAM" in message.msg
    assert "sesame" not in message.msg + (message.hint or "")
