"""openedx/features/course_experience/__init__.py: a course waffle flag."""

import logging
from typing import Any

log = logging.getLogger("edx_toggles.toggles.internal.waffle.flag")


class _Flag:
    """Tests switch it by `everyone`. Warns as edx-toggles does where there is no request."""

    everyone = True

    def is_enabled(self, course_key: Any = None) -> bool:
        log.warning("%sFlag '%s' accessed without a request", "", "course_experience.relative_dates")
        return self.everyone


RELATIVE_DATES_FLAG = _Flag()
