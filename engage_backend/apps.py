"""The Django app, and how LMS and Studio plug it in.

The keys are those of `edx_django_utils/plugins/constants.py`, written out: an LMS reads them as plain strings, and the
standalone site has no edx-django-utils.
"""

from typing import Any, ClassVar

from django.apps import AppConfig

_LMS_SETTINGS = {
    "common": {"relative_path": "settings.lms"},
    "production": {"relative_path": "settings.lms_production"},
}
_STUDIO_SETTINGS = {
    "common": {"relative_path": "settings.common"},
    "production": {"relative_path": "settings.production"},
}
_URLS = {"namespace": "engage", "regex": "^engage/", "relative_path": "urls"}
_STUDIO_URLS = {**_URLS, "relative_path": "studio_urls"}  # nobody is written to from Studio


class EngageConfig(AppConfig):
    """Engage in LMS, Studio and the standalone site."""

    name = "engage_backend"
    label = "engage"
    verbose_name = "Engage"
    # Set here, or the `DEFAULT_AUTO_FIELD` of the LMS would ask for migrations of its own.
    default_auto_field = "django.db.models.BigAutoField"

    plugin_app: ClassVar[dict[str, Any]] = {
        "url_config": {"lms.djangoapp": _URLS, "cms.djangoapp": _STUDIO_URLS},
        "settings_config": {"lms.djangoapp": _LMS_SETTINGS, "cms.djangoapp": _STUDIO_SETTINGS},
    }

    def ready(self) -> None:
        """Register what `manage.py check` asks of our settings, and listen to the platform where there is one."""
        from django.core.checks import register

        from engage_backend.conf import check_settings
        from engage_backend.messaging.presets import check_presets
        from engage_backend.platform.api import is_edx

        register(check_settings)
        register(check_presets)
        if is_edx():
            from engage_backend.signals import connect

            connect()
