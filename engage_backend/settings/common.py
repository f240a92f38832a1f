"""Settings that we add to every LMS and Studio."""

from typing import Any

# Matched at the start of a request's path (`common/djangoapps/track/middleware.py`): a page that polls us every
# two seconds must not fill the tracking log.
OUR_PATHS = r"^/engage/"


def plugin_settings(settings: Any) -> None:
    """Add our paths to those that are never tracked; decide nothing else.

    This runs before a site's own settings (Tutor imports `lms.envs.production` first), so defaults are merged when a
    setting is read: see `engage_backend.conf`.
    """
    if getattr(settings, "ENGAGE", None) is None:
        settings.ENGAGE = {}
    # A new list: the platform's own may be a tuple, or shared with another settings module.
    patterns = list(getattr(settings, "TRACKING_IGNORE_URL_PATTERNS", None) or ())
    if OUR_PATHS not in patterns:
        patterns.append(OUR_PATHS)
    settings.TRACKING_IGNORE_URL_PATTERNS = patterns
