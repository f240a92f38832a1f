"""Django settings of a Studio of stand-ins, beside the same database tables."""

from edx_django_utils.plugins import add_plugins

from tests.edx_platform.settings_lms import *  # noqa: F403

PROJECT = "cms.djangoapp"
ROOT_URLCONF = "cms.urls"
EVENT_TRACKING_BACKENDS: dict[str, object] = {}

add_plugins(__name__, PROJECT, "common")
add_plugins(__name__, PROJECT, "production")
