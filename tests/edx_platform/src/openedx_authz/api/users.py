"""openedx_authz/api/users.py (1.14; 1.35 knows the scope of the whole platform, too): roles that people have in a scope."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

ASSIGNMENTS: list[tuple[str, str, str]] = []  # user name, role, scope: the real ones are in a table
SCOPES = re.compile(r"course-v1:[^+*]+\+(\*|[^+*]+\+[^+*]+)")


def assign_role_to_user_in_scope(user_external_key: str, role_external_key: str, scope_external_key: str) -> bool:
    _check(scope_external_key)
    ASSIGNMENTS.append((user_external_key, role_external_key, scope_external_key))
    return True


def get_all_user_role_assignments_in_scope(scope_external_key: str) -> list[Any]:
    """One element a user, with a list of roles."""
    _check(scope_external_key)
    roles: dict[str, list[Any]] = {}
    for username, role, scope in ASSIGNMENTS:
        if scope == scope_external_key:
            roles.setdefault(username, []).append(SimpleNamespace(external_key=role))
    return [SimpleNamespace(subject=SimpleNamespace(username=name), roles=found) for name, found in roles.items()]


def _check(scope: str) -> None:
    if not SCOPES.fullmatch(scope):
        raise ValueError(f"Invalid external_key format: {scope}")
