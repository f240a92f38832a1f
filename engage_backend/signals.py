"""What happens on the platform, and which of our rooms is told."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from engage_backend.engagement.live.changes import SCHEDULE_DELAY, read_again_soon
from engage_backend.governance.retirement import retire
from engage_backend.models import CourseRun
from engage_backend.platform import edx_signals


class Listener:
    """See `engage_backend.platform.edx_signals.Listener`."""

    def roster_changed(self, course_key: str, user_id: int) -> None:
        read_again_soon(course_key, user=user_id)

    def team_changed(self, org: str, user_id: int) -> None:
        of_org = Q(course_key__startswith=f"course-v1:{org}+") | Q(course_key__startswith=f"{org}/")
        for course_key in CourseRun.objects.filter(of_org).values_list("course_key", flat=True):
            read_again_soon(course_key, user=user_id)

    def schedule_changed(self, course_key: str) -> None:
        read_again_soon(course_key, delay=SCHEDULE_DELAY)

    def retired(self, user_id: int) -> None:
        # After the commit: the platform may still roll the retirement back. If this is missed, `Sweep` finds the person;
        # it also removes what lies in Redis and in files.
        transaction.on_commit(lambda: retire(user_id), robust=True)


def connect() -> list[str]:
    """Listen to the LMS or Studio that this process is; gives the signals that it does not send."""
    return edx_signals.connect(Listener())
