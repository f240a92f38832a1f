"""Bulk e-mail as an LMS has it: whom it reaches, who has said no, which courses may. The part of `edx` for messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_noop as _

from engage_backend.platform.edx_schedule import communicators
from engage_backend.platform.protocol import Recipient

_AT_ONCE = 500  # users a query
_LANGUAGE = "pref-lang"  # `LANGUAGE_KEY` in openedx/core/djangoapps/lang_pref/__init__.py


class EdxMail:
    """See `engage_backend.platform.protocol.Platform`."""

    def recipients(self, course_key: str, user_ids: Iterable[int]) -> Iterator[Recipient]:
        # Whom bulk e-mail reaches: `Target.get_users` in lms/djangoapps/bulk_email/models.py. The full name is the profile's
        # (common/djangoapps/student/models/user.py); `User.first_name` is empty for nearly everybody. The language is a
        # preference: openedx/core/djangoapps/user_api/models.py.
        from common.djangoapps.student.models import CourseEnrollment
        from django.contrib.auth import get_user_model
        from openedx.core.djangoapps.user_api.models import UserPreference

        from engage_backend.platform.edx import team

        key = _key(course_key)
        staff = team(key)
        wanted = sorted(set(user_ids))
        for at in range(0, len(wanted), _AT_ONCE):
            part = wanted[at : at + _AT_ONCE]
            enrolled = CourseEnrollment.objects.filter(course_id=key, is_active=True, user_id__in=part)
            learners = set(enrolled.values_list("user_id", flat=True))
            languages = dict(
                UserPreference.objects.filter(user_id__in=part, key=_LANGUAGE).values_list("user_id", "value")
            )
            users: Any = get_user_model().objects  # whose `profile` our own type checker does not know
            rows = (
                users.filter(pk__in=part)
                .order_by("pk")
                .values_list("pk", "email", "first_name", "profile__name", "is_active", "is_staff", "is_superuser")
            )
            for pk, email, first, name, is_active, is_staff, is_superuser in rows:
                reason = ""
                if not is_active:
                    reason = _("account closed")
                elif is_staff or is_superuser or pk in staff:
                    reason = _("of the course team")
                elif pk not in learners:
                    reason = _("not enrolled")
                elif not email:
                    reason = _("no address")
                language = languages.get(pk) or ""
                yield Recipient(pk, email or "", name or "", first or "", not reason, reason, language)

    def opted_out(self, course_key: str) -> set[int]:
        rows = _optout().objects.filter(course_id=_key(course_key), user__isnull=False)
        return set(rows.values_list("user_id", flat=True))

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


def _key(course_key: str) -> Any:
    from opaque_keys.edx.keys import CourseKey

    return CourseKey.from_string(course_key)


def _optout() -> Any:
    # lms/djangoapps/bulk_email/models.py
    from lms.djangoapps.bulk_email.models import Optout

    return Optout
