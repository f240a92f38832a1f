"""Whose a record is.

`users_in` finds the people of a record, broken or not: for taking them out of what has not been read or was put aside.

`name_hash` stands for the user name in a record. Staff who masquerade as a learner write records with the learner's id and
their own name; where the two do not belong together it is nobody's click. Names are not kept: what travels is a hash, keyed by
a secret of the site that is not stored with it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

# A user id wherever edX writes one: `"user_id": 5` (also inside a string, with any number of backslashes, or as text),
# `"target_user_id": "5"`, and Tutor's prefix `[user 5]`.
_USER = re.compile(rb"""(?:user_?id[\\"']*\s*[:=]\s*[\\"']*|\[user\s+)(\d+)""", re.IGNORECASE)


def users_in(record: bytes) -> set[int]:
    """The LMS user ids that a record names; empty where none can be found, as in a piece of one."""
    return {int(number) for number in _USER.findall(record)}


_key = b""


def set_key(key: bytes) -> None:
    """Set the secret that `name_hash` uses in this process. Hashes of different keys are not comparable."""
    global _key
    if key != _key:
        _key = key
        name_hash.cache_clear()


def key_of(secret: str) -> bytes:
    """Return the key that belongs to a site's secret."""
    return blake2b(secret.encode("utf-8", "replace"), person=b"engage names").digest()


def current_key() -> bytes:
    """Return the secret of this process, for a process that it starts."""
    return _key


@lru_cache(maxsize=65_536)
def name_hash(name: str) -> str:
    """Return what stands for a user name: two hexadecimal digits that tell the key, and sixteen that tell the name."""
    tag = blake2b(b"", key=_key, digest_size=1).hexdigest()
    return tag + blake2b(name.casefold().encode("utf-8", "replace"), key=_key, digest_size=8).hexdigest()


def is_other(who: str, known: str) -> bool:
    """Return whether two hashes are of different names; hashes of different keys, or none, say nothing."""
    return bool(who) and bool(known) and who != known and who[:2] == known[:2]
