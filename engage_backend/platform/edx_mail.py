"""Bulk e-mail as an LMS has it: whom it reaches, who has said no, which courses may. The part of `edx` for messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import formataddr, parseaddr
from typing import Any

from engage_backend.platform.edx_schedule import communicators
from engage_backend.platform.edx_team import authz_team, has_team_row
from engage_backend.platform.protocol import MailFrom, Recipient
from engage_backend.platform.reach import why_not

_AT_ONCE = 500  # users a query
_MOST_IN_FROM = 320  # characters, encoded
_LANGUAGE = "pref-lang"  # `LANGUAGE_KEY` in openedx/core/djangoapps/lang_pref/__init__.py


class EdxMail:
    """See `engage_backend.platform.protocol.Platform`."""

    def recipients(self, course_key: str, user_ids: Iterable[int]) -> Iterator[Recipient]:
        # Whom bulk e-mail reaches: `Target.get_users` in lms/djangoapps/bulk_email/models.py, and whom tasks.py beside it
        # leaves out when it goes out. The full name is the profile's
        # (common/djangoapps/student/models/user.py); `User.first_name` is empty for nearly everybody. The language is a
        # preference: openedx/core/djangoapps/user_api/models.py. Who has asked to be retired is still active and enrolled; the
        # address of the account is no longer theirs.
        from common.djangoapps.student.models import CourseEnrollment
        from django.contrib.auth import get_user_model
        from django.db.models import Exists, OuterRef, Q, Subquery
        from openedx.core.djangoapps.user_api.models import UserPreference, UserRetirementRequest

        key, user = _key(course_key), OuterRef("pk")
        enrolments = CourseEnrollment.objects.filter(course_id=key, is_active=True, user=user)
        languages = UserPreference.objects.filter(key=_LANGUAGE, user=user)
        users: Any = get_user_model().objects  # whose `profile` our own type checker does not know
        users = users.order_by("pk").annotate(
            language=Subquery(languages.values("value")[:1]),
            in_team=has_team_row(key, user),
            is_enrolled=Exists(enrolments),
            is_out=Exists(_optout().objects.filter(course_id=key, user=user)),
            is_leaving=Exists(UserRetirementRequest.objects.filter(user=user)),
            is_disabled=Q(password__startswith="!"),  # asked in the database: no hash is read
            is_long_away=_is_long_away(),
        )
        of_person = ("pk", "email", "first_name", "profile__name", "language")
        of_standing = (
            *("is_active", "is_staff", "is_superuser", "in_team", "is_enrolled"),
            *("is_out", "is_leaving", "is_disabled", "is_long_away"),
        )
        wanted, by_authz = sorted(set(user_ids)), authz_team(key)
        for at in range(0, len(wanted), _AT_ONCE):
            for one in users.filter(pk__in=wanted[at : at + _AT_ONCE]).values(*of_person, *of_standing):
                reason = why_not(
                    is_active=one["is_active"] and not one["is_leaving"],
                    is_of_team=one["is_staff"] or one["is_superuser"] or one["in_team"] or one["pk"] in by_authz,
                    is_enrolled=one["is_enrolled"],
                    address=one["email"] or "",
                    has_opted_out=one["is_out"],
                    is_disabled=one["is_disabled"],
                    is_long_away=bool(one["is_long_away"]),
                )
                yield Recipient(
                    user_id=one["pk"],
                    email="" if one["is_leaving"] else one["email"] or "",
                    full_name=one["profile__name"] or "",
                    first_name=one["first_name"] or "",
                    is_reachable=not reason,
                    reason=reason,
                    language=one["language"] or "",
                )

    def mail_from(self, course_key: str, display_name: str) -> MailFrom:
        # `_get_source_address` in lms/djangoapps/bulk_email/tasks.py
        from django.conf import settings
        from openedx.core.djangoapps.site_configuration import helpers

        name, address = parseaddr(getattr(settings, "BULK_EMAIL_DEFAULT_FROM_EMAIL", "") or settings.DEFAULT_FROM_EMAIL)
        if not getattr(settings, "EMAIL_USE_COURSE_ID_FROM_FOR_BULK", False):
            return MailFrom(name, address)
        key = _key(course_key)
        own = parseaddr(helpers.get_value_for_org(key.org, "email_from_address", address))[1] or address
        local = re.sub(r"[^\w.-]", "_", key.course, flags=re.ASCII)
        title = display_name.replace('"', "")
        made = MailFrom(f"{title} Course Staff", f"{local}-{own}", is_course=True)
        # Some providers take no more than 320 characters, and a title may be long.
        is_long = len(formataddr((made.name, made.address))) >= _MOST_IN_FROM
        return made._replace(name=f"{local} Course Staff") if is_long else made

    def has_opted_out(self, course_key: str, user_id: int) -> bool:
        return bool(_optout().objects.filter(course_id=_key(course_key), user_id=user_id).exists())

    def opt_out(self, course_key: str, user_id: int, out: bool) -> None:
        # As the learner's own dashboard writes it: `change_email_settings`, common/djangoapps/student/views/management.py
        rows = _optout().objects
        if out:
            rows.get_or_create(user_id=user_id, course_id=_key(course_key))
        else:
            rows.filter(user_id=user_id, course_id=_key(course_key)).delete()

    def may_send(self, course_key: str) -> bool:
        # lms/djangoapps/bulk_email/models_api.py
        from lms.djangoapps.bulk_email.models_api import (
            is_bulk_email_disabled_for_course,
            is_bulk_email_feature_enabled,
        )

        key = _key(course_key)
        return bool(is_bulk_email_feature_enabled(key)) and not is_bulk_email_disabled_for_course(key)

    def may_automate(self, course_key: str) -> bool:
        # Where there are several Communicators, one that allows it is enough; where there is none, nobody has forbidden it.
        blocks = communicators(_key(course_key))
        return not blocks or any(getattr(block, "automation_allowed", True) for block in blocks)


def _is_long_away() -> Any:
    """A condition: the last login lies further back than the site writes to. Who never logged in is written to."""
    from dateutil.relativedelta import relativedelta
    from django.conf import settings
    from django.db.models import BooleanField, Q, Value

    months = getattr(settings, "BULK_COURSE_EMAIL_LAST_LOGIN_ELIGIBILITY_PERIOD", None)
    if not isinstance(months, int) or isinstance(months, bool) or months <= 0:
        return Value(False, output_field=BooleanField())
    return Q(last_login__isnull=False, last_login__lte=datetime.now(UTC) - relativedelta(months=months))


def _key(course_key: str) -> Any:
    from opaque_keys.edx.keys import CourseKey

    return CourseKey.from_string(course_key)


def _optout() -> Any:
    # lms/djangoapps/bulk_email/models.py
    from lms.djangoapps.bulk_email.models import Optout

    return Optout
