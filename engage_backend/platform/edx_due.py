"""When the tasks of an LMS's course run are due: for everybody, and for one learner (files named as in Teak).

edx-when keeps both (edx_when/models.py). It has no call that reads many learners, so its tables are read: three queries a run.
A block without a date has that of the nearest block above it; extensions and dates are looked up level by level.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import GradedBlock, OwnDates, OwnDue

_FLAG_LOG = logging.getLogger("edx_toggles.toggles.internal.waffle.flag")
_OPEN_RESPONSE = "openassessment"
# What an open response's own date is until somebody sets one: `DEFAULT_DUE`, openassessment/xblock/defaults.py of ora2.
_NO_DATE = "2029-01-01T00:00"
_INDIVIDUAL = "IndividualStudentOverrideProvider"  # lms/djangoapps/courseware/student_field_overrides.py


class _Date(NamedTuple):
    """A date of a block, or of one learner for it: a moment, or so long after something else."""

    at: datetime | None
    after: timedelta | None


class CourseDates:
    """The due dates of a run's blocks. Times are microseconds since 1970, UTC."""

    def __init__(self, key: Any, structure: Any) -> None:
        self.key, self.structure = key, structure
        self.self_paced, self.end = _pacing(key)
        self.policies = _policies(key)
        self.longest = max((date.after for date in self.policies.values() if date.after), default=timedelta(0))
        self._responses: dict[str, Any] | None = None

    def of(self, usage_key: Any, subsection: Any) -> tuple[int | None, int | None]:
        """Return the due date of a block, and how long after a learner's own start it is due; one of them, or neither."""
        date = self.date(usage_key)
        if date is not None and date.after is not None:
            return None, date.after // timedelta(microseconds=1)
        at = date.at if date is not None else None
        if date is None and not self.self_paced:  # an authored date is void in a self-paced run
            # `due` is inherited (xmodule/modulestore/inheritance.py); a structure of an old cache may lack it on the problem.
            field = self.structure.get_xblock_field
            at = field(usage_key, "due") or field(subsection, "due")
        if usage_key.block_type == _OPEN_RESPONSE:
            at = self._of_response(usage_key, at)
        return None if at is None else moment(at), None

    def date(self, usage_key: Any) -> _Date | None:
        """Return the date of the nearest block, itself or above, that edx-when has one for."""
        return next((self.policies[level] for level in self.levels(usage_key) if level in self.policies), None)

    def levels(self, usage_key: Any) -> Iterator[str]:
        """Give the block and those above it, the nearest first."""
        while usage_key is not None:
            yield str(usage_key)
            usage_key = next(iter(self.structure.get_parents(usage_key)), None)

    def _of_response(self, usage_key: Any, inherited: datetime | None) -> datetime | None:
        # openassessment/xblock/utils/resolve_dates.py of ora2: its own dates stand in the block, never in edx-when
        if self._responses is None:
            from xmodule.modulestore.django import modulestore

            found = modulestore().get_items(self.key, qualifiers={"category": _OPEN_RESPONSE})
            self._responses = {str(block.location): block for block in found}
        block = self._responses.get(str(usage_key))
        how = getattr(block, "date_config_type", "manual")
        if how == "course_end":
            return self.end
        own = str(getattr(block, "submission_due", None) or "")
        if how != "manual" or not own or own.startswith(_NO_DATE):
            return inherited
        try:
            at = datetime.fromisoformat(own)
        except ValueError:
            return inherited
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at if inherited is None else min(at, inherited if inherited.tzinfo else inherited.replace(tzinfo=UTC))


def own_dates(key: Any, graded: list[GradedBlock]) -> OwnDates:
    """See `Platform.own_dates`."""
    from opaque_keys.edx.keys import UsageKey
    from openedx.core.djangoapps.content.block_structure.api import get_course_in_cache

    dates = CourseDates(key, get_course_in_cache(key))
    starts = _starts(dates) if any(block.relative is not None for block in graded) else {}
    own: list[OwnDue] = []
    levels = {
        block.block: list(dates.levels(UsageKey.from_string(block.block).map_into_course(key))) for block in graded
    }
    for user_id, mine in _extensions(key).items():
        for block, above in levels.items():
            level = next((level for level in above if level in mine or level in dates.policies), None)
            if level is not None and level in mine:
                own.append(
                    OwnDue(user_id, block, _extended(mine[level], dates.policies.get(level), starts.get(user_id)))
                )
    return OwnDates(starts, own)


def moment(when: datetime | None) -> int | None:
    """Microseconds since 1970 of a date that the platform keeps; some of its caches drop the time zone, which is UTC."""
    if when is None:
        return None
    return to_microseconds(when if when.tzinfo is not None else when.replace(tzinfo=UTC))


def _extended(own: _Date, policy: _Date | None, start: int | None) -> int | None:
    """Return when something is due for a learner who has a date of their own."""
    if own.at is not None:
        return moment(own.at)
    after = (own.after or timedelta(0)) // timedelta(microseconds=1)
    if policy is not None and policy.at is not None:
        return to_microseconds(policy.at) + after
    if policy is not None and policy.after is not None and start is not None:
        return start + policy.after // timedelta(microseconds=1) + after
    return None


def _pacing(key: Any) -> tuple[bool, datetime | None]:
    from openedx.core.djangoapps.content.course_overviews.models import CourseOverview

    found = CourseOverview.objects.filter(id=key).values_list("self_paced", "end").first()
    return (bool(found[0]), found[1]) if found else (False, None)


def _is_on(flag: Any, key: Any) -> bool:
    """Whether a course's waffle flag is on. Outside of a request its value for everyone counts, which is what we want.

    edx-toggles warns of that at each call (edx_toggles/toggles/internal/waffle/flag.py): every few minutes, in a consumer.
    """

    def is_news(record: logging.LogRecord) -> bool:
        return "accessed without a request" not in record.getMessage()

    _FLAG_LOG.addFilter(is_news)
    try:
        return bool(flag.is_enabled(key))
    finally:
        _FLAG_LOG.removeFilter(is_news)


def _policies(key: Any) -> dict[str, _Date]:
    """Return block -> its date in edx-when, of those that count."""
    from edx_when.models import ContentDate

    # openedx/features/course_experience/__init__.py
    from openedx.features.course_experience import RELATIVE_DATES_FLAG

    is_relative = _is_on(RELATIVE_DATES_FLAG, key)
    self_paced, _ = _pacing(key)
    rows = ContentDate.objects.filter(course_id=key, active=True, field="due")
    found = {}
    for location, at, after in rows.values_list("location", "policy__abs_date", "policy__rel_date"):
        after = after if is_relative else None
        at = None if self_paced or after is not None else at
        if at is not None or after is not None:
            found[str(location.map_into_course(key))] = _Date(at, after)
    return found


def _starts(dates: CourseDates) -> dict[int, int]:
    """Return user -> where their own schedule begins; who has none, or came too late for one, is left out."""
    # openedx/core/djangoapps/schedules/models.py
    from openedx.core.djangoapps.schedules.models import Schedule

    rows = Schedule.objects.filter(enrollment__course_id=dates.key, enrollment__is_active=True)
    end = dates.end
    return {
        user_id: to_microseconds(start)
        for user_id, start, created in rows.values_list("enrollment__user_id", "start_date", "created")
        if start is not None and (end is None or (created <= end - dates.longest and start <= end))
    }


def _extensions(key: Any) -> Mapping[int, Mapping[str, _Date]]:
    """Return user -> block -> the learner's own date there. One whose date was revoked has none."""
    from django.conf import settings
    from edx_when.models import UserDate

    found: dict[int, dict[str, _Date]] = defaultdict(dict)
    if any(_INDIVIDUAL in str(name) for name in getattr(settings, "FIELD_OVERRIDE_PROVIDERS", None) or ()):
        from lms.djangoapps.courseware.models import StudentFieldOverride

        old = StudentFieldOverride.objects.filter(course_id=key, field="due").order_by("pk")
        for user_id, location, value in old.values_list("student_id", "location", "value"):
            at = _from_json(value)
            if at is not None:
                found[user_id][str(location.map_into_course(key))] = _Date(at, None)
    of_course = {"content_date__course_id": key, "content_date__active": True, "content_date__field": "due"}
    rows = UserDate.objects.filter(**of_course).order_by("modified")
    for user_id, location, at, after in rows.values_list("user_id", "content_date__location", "abs_date", "rel_date"):
        place = str(location.map_into_course(key))
        found[user_id].pop(place, None)
        if at is not None or after is not None:
            found[user_id][place] = _Date(at, after)
    return found


def _from_json(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(json.loads(value)))
    except ValueError:
        return None
