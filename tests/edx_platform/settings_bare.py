"""Django settings of the same LMS of stand-ins from which Engage was uninstalled."""

from tests.edx_platform.settings_lms import *  # noqa: F403
from tests.edx_platform.settings_lms import INSTALLED_APPS as WITH_US

INSTALLED_APPS = [app for app in WITH_US if not app.startswith("engage")]
ROOT_URLCONF = "tests.edx_platform.urls_bare"
EVENT_TRACKING_BACKENDS: dict[str, object] = {}
del ENGAGE  # noqa: F821  (the plugin's own settings module put it there)
