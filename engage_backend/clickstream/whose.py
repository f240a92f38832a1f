"""Whose a record is, broken or not: for taking people out of what has not been read or was put aside."""

from __future__ import annotations

import re

# A user id wherever edX writes one: `"user_id": 5` (also inside a string, with any number of backslashes, or as text),
# `"target_user_id": "5"`, and Tutor's prefix `[user 5]`.
_USER = re.compile(rb"""(?:user_?id[\\"']*\s*[:=]\s*[\\"']*|\[user\s+)(\d+)""", re.IGNORECASE)


def users_in(record: bytes) -> set[int]:
    """The LMS user ids that a record names; empty where none can be found, as in a piece of one."""
    return {int(number) for number in _USER.findall(record)}
