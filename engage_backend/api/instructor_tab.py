"""The Communicator's tab in the LMS's instructor dashboard, for releases that have the filter (Verawood on).

The one module that imports openedx-filters. Nothing of ours imports it: an LMS that runs the filter does, by the path that
`settings.lms` writes into `OPEN_EDX_FILTERS_CONFIG`. The legacy dashboard has no such filter.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from crum import get_current_request
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from openedx_filters import PipelineStep

from engage_backend.api.access import canonical_course_key
from engage_backend.conf import engage_settings
from engage_backend.messaging.unsubscribe import root_url
from engage_backend.platform.api import get_platform
from engage_backend.platform.protocol import Role
from engage_xblock.shell import TITLE

log = logging.getLogger(__name__)

TAB_ID = "engage_communicator"
SORT_ORDER = (
    105  # behind "Bulk Email" (100), before "Special Exams" (110): lms/djangoapps/instructor/views/serializers_v2.py
)


class CommunicatorTab(PipelineStep):  # type: ignore[misc]  # openedx-filters has no types in older releases
    """Step of `org.openedx.learning.instructor.dashboard.tabs.requested.v1`."""

    def run_filter(self, tabs: Any, user: Any, course_key: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the tabs, with ours at the end where `user` may see the page. Never raises."""
        try:
            # A savepoint: an error of the database here must not spoil the transaction of the dashboard's request.
            with transaction.atomic():
                ours = _tab(user, course_key)
            if ours is not None and all(tab.get("tab_id") != TAB_ID for tab in tabs or ()):
                tabs = [*(tabs or ()), ours]
        except Exception as error:
            log.error("The instructor dashboard has no tab of Engage: %s", type(error).__name__, exc_info=True)
        return {"tabs": tabs, "user": user, "course_key": course_key}


def _tab(user: Any, course_key: Any) -> dict[str, Any] | None:
    """Return the tab; None for whoever may not see the page, and for a course that `ENGAGE["COURSES"]` leaves out."""
    key, root = canonical_course_key(str(course_key)), root_url()
    if root is None or not engage_settings().covers(key):
        return None
    if get_platform().role(_request_of(user), key) is not Role.STAFF:
        return None
    # Absolute: the dashboard's front end takes what begins with "/" for a page of its own.
    url = root + reverse("engage:course_page", kwargs={"course_key": key})
    return {"tab_id": TAB_ID, "title": TITLE, "url": url, "sort_order": SORT_ORDER}


def _request_of(user: Any) -> HttpRequest:
    """Return a request of `user` to ask the platform's permission with: the current one, where it is theirs.

    A copy with a copy of the user: setting up masquerading marks the user, and the dashboard goes on with the same one.
    """
    current = get_current_request()
    if current is not None and current.user == user:
        request: HttpRequest = copy.copy(current)
    else:
        request = HttpRequest()
        request.session = {}  # type: ignore[assignment]  # nobody masquerades outside of a request
    request.user = copy.copy(user)
    return request
