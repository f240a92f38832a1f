"""Why bulk e-mail of a course run does not reach somebody: the same for every platform."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _


def why_not(
    *,
    is_active: bool,
    is_of_team: bool,
    is_enrolled: bool,
    address: str,
    has_opted_out: bool,
    is_disabled: bool = False,
    is_long_away: bool = False,
) -> str:
    """Return the reason, in English and in the catalogue; empty where mail reaches them.

    `is_disabled`: the account has no usable password. `is_long_away`: the last login is older than the site writes to.
    """
    if not is_active:
        return _("account closed")
    if is_disabled:
        return _("account disabled")
    if is_of_team:
        return _("of the course team")
    if not is_enrolled:
        return _("not enrolled")
    if not address:
        return _("no address")
    if not address.isascii():
        return _("an address that bulk e-mail cannot reach")
    if is_long_away:
        return _("not logged in for a long time")
    return _("opted out") if has_opted_out else ""
