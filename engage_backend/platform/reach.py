"""Why bulk e-mail of a course run does not reach somebody: the same for every platform."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _


def why_not(*, is_active: bool, is_of_team: bool, is_enrolled: bool, has_address: bool, has_opted_out: bool) -> str:
    """The reason, in English and in the catalogue; empty where mail reaches them."""
    if not is_active:
        return _("account closed")
    if is_of_team:
        return _("of the course team")
    if not is_enrolled:
        return _("not enrolled")
    if not has_address:
        return _("no address")
    return _("opted out") if has_opted_out else ""
