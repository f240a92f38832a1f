"""What an LMS or Studio tells us of itself: which signals there are, and what each says (files named as in Teak).

Receivers run inside the platform's own requests and tasks. They do next to nothing, and what goes wrong in one is logged and
not raised: some of these signals are sent with plain `send`, where an error of ours would be the platform's.

A user who is renamed needs no signal: names are read from the platform when they are used, and kept nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, Protocol

log = logging.getLogger(__name__)


class Listener(Protocol):
    """What is done about it."""

    def roster_changed(self, course_key: str, user_id: int) -> None:
        """The user came, left, changed mode or cohort, joined or left the team, passed, or was given a certificate."""
        ...

    def team_changed(self, org: str, user_id: int) -> None:
        """The user joined or left the team of all courses of an organisation."""
        ...

    def schedule_changed(self, course_key: str) -> None:
        """The course was published: its dates, pacing, grading or blocks may have changed."""
        ...

    def retired(self, user_id: int) -> None:
        """Somebody leaves the platform for good."""
        ...


class _Signal(NamedTuple):
    path: str  # module, and what to take from it
    method: str
    what: Callable[
        [dict[str, Any]], tuple[Any, ...] | None
    ]  # from the signal's arguments to the method's; None: not for us


def _course(argument: str) -> Callable[[dict[str, Any]], tuple[str, int]]:
    """From an event whose data has a course and a user: openedx_events/learning/data.py."""
    return lambda sent: (str(sent[argument].course.course_key), int(sent[argument].user.id))


def _passed(sent: dict[str, Any]) -> tuple[str, int] | None:
    """A grade is written at every submission; one that has passed is news."""
    grade = sent["grade"]
    return (str(grade.course.course_key), int(grade.user_id)) if grade.passed_timestamp is not None else None


def _role(sent: dict[str, Any]) -> tuple[str, int] | None:
    role = sent["course_access_role_data"]
    return (str(role.course_key), int(role.user.id)) if role.course_key else None


def _org_role(sent: dict[str, Any]) -> tuple[str, int] | None:
    """A role of a whole organisation names no course."""
    role = sent["course_access_role_data"]
    return (str(role.org_key), int(role.user.id)) if role.org_key and not role.course_key else None


def _user(sent: dict[str, Any]) -> tuple[int]:
    return (int(sent["user"].id),)


_ACCOUNTS = "openedx.core.djangoapps.user_api.accounts.signals."
_EVENTS = "openedx_events.learning.signals."
SIGNALS = (
    # common/djangoapps/student/models/course_enrollment.py sends these three
    _Signal(_EVENTS + "COURSE_ENROLLMENT_CREATED", "roster_changed", _course("enrollment")),
    _Signal(_EVENTS + "COURSE_ENROLLMENT_CHANGED", "roster_changed", _course("enrollment")),
    _Signal(_EVENTS + "COURSE_UNENROLLMENT_COMPLETED", "roster_changed", _course("enrollment")),
    # openedx/core/djangoapps/course_groups/models.py
    _Signal(_EVENTS + "COHORT_MEMBERSHIP_CHANGED", "roster_changed", _course("cohort")),
    # common/djangoapps/student/signals/signals.py
    _Signal(_EVENTS + "COURSE_ACCESS_ROLE_ADDED", "roster_changed", _role),
    _Signal(_EVENTS + "COURSE_ACCESS_ROLE_REMOVED", "roster_changed", _role),
    _Signal(_EVENTS + "COURSE_ACCESS_ROLE_ADDED", "team_changed", _org_role),
    _Signal(_EVENTS + "COURSE_ACCESS_ROLE_REMOVED", "team_changed", _org_role),
    # lms/djangoapps/certificates/models.py
    _Signal(_EVENTS + "CERTIFICATE_CREATED", "roster_changed", _course("certificate")),
    _Signal(_EVENTS + "CERTIFICATE_CHANGED", "roster_changed", _course("certificate")),
    _Signal(_EVENTS + "CERTIFICATE_REVOKED", "roster_changed", _course("certificate")),  # invalidated ones too
    # lms/djangoapps/grades/models.py and events.py
    _Signal(_EVENTS + "PERSISTENT_GRADE_SUMMARY_CHANGED", "roster_changed", _passed),
    _Signal(_EVENTS + "COURSE_PASSING_STATUS_UPDATED", "roster_changed", _course("course_passing_status")),
    # xmodule/modulestore/django.py; sent where somebody publishes: in Studio, or by an import
    _Signal(
        "xmodule.modulestore.django.SignalHandler.course_published",
        "schedule_changed",
        lambda sent: (str(sent["course_key"]),),
    ),
    # openedx/core/djangoapps/user_api/accounts/signals.py; sent with plain `send` by accounts/views.py. `retire_misc` is no
    # state of the default RETIREMENT_STATES; the final `retire` always comes, before the account is closed and renamed.
    _Signal(_ACCOUNTS + "USER_RETIRE_LMS_MISC", "retired", _user),
    _Signal(_ACCOUNTS + "USER_RETIRE_LMS_CRITICAL", "retired", _user),
)


def connect(listener: Listener) -> list[str]:
    """Listen to every signal that this release of the platform has; gives the paths of those that it has not."""
    missing = []
    for one in SIGNALS:
        try:
            signal = _find(one.path)
        except (ImportError, AttributeError):
            missing.append(one.path)
            continue
        receiver = _receiver(one, listener)
        signal.connect(receiver, weak=False, dispatch_uid=f"{receiver.__module__}.{receiver.__qualname__}")
    if missing:
        log.warning("This platform does not send: %s. What they say is read within the hour.", ", ".join(missing))
    return missing


def _find(path: str) -> Any:
    """What the longest importable beginning of the path leads to."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        owner, _, attribute = module.rpartition(".")
        return getattr(getattr(import_module(owner), attribute), name)


def _receiver(one: _Signal, listener: Listener) -> Callable[..., None]:
    def receive(sender: Any = None, **sent: Any) -> None:
        try:
            if (about := one.what(sent)) is not None:
                getattr(listener, one.method)(*about)
        except Exception as error:
            # No traceback: it may quote what the signal carried, names and addresses among it.
            log.error("%s was not understood: %s", one.path, type(error).__name__)

    # The LMS logs receivers by their names.
    of_org = "_of_org" if one.method == "team_changed" else ""
    receive.__name__ = receive.__qualname__ = f"engage_on_{one.path.rpartition('.')[2].lower()}{of_org}"
    return receive
