"""Criteria with names that a site offers to every course team, as the settings hold them. What criteria mean is not known
here: see `messaging.criteria`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MOST_PRESETS = 20
LONGEST_NAME = 100
MOST_HOURS = 24 * 60


@dataclass(frozen=True)
class Preset:
    """A name, in the site's own words or to be translated, and criteria of the API without their version."""

    name: str | Promise
    criteria: Mapping[str, Any]
    # Adds "has not handed in the task due next", and the preset is offered only while one is due within so many hours.
    task_due_hours: int | None = None

    @classmethod
    def from_setting(cls, given: Any) -> Preset:
        """{"NAME": ..., "CRITERIA": {...}, "TASK_DUE_HOURS": 48 or absent}; ValueError for anything else."""
        if not isinstance(given, Mapping) or not {"NAME", "CRITERIA"} <= set(given) <= {
            "NAME",
            "CRITERIA",
            "TASK_DUE_HOURS",
        }:
            raise ValueError
        name, criteria, hours = given["NAME"], given["CRITERIA"], given.get("TASK_DUE_HOURS")
        if not isinstance(name, str | Promise) or not 0 < len(str(name).strip()) <= LONGEST_NAME:
            raise ValueError
        if not isinstance(criteria, Mapping) or "version" in criteria:
            raise ValueError
        if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int) or not 0 < hours <= MOST_HOURS):
            raise ValueError
        return cls(name, dict(criteria), hours)


# The first two are those of the publication.
PRESETS = (
    Preset(_("Completes, but does not certify"), {"ranges": {"complete": [800, 1000], "certify": [0, 200]}}),
    Preset(_("About to leave"), {"ranges": {"leave": [800, 1000], "complete": [0, 700], "certify": [0, 700]}}),
    Preset(_("Silent for a week"), {"days_inactive": [7, None]}),
    Preset(_("Task due in 48 hours, not handed in"), {}, task_due_hours=48),
    Preset(_("Never started"), {"states": ["never_started"]}),
)
