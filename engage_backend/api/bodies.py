"""What the body of a request says, strictly: a key that is not known is an error, not a thing to pass over."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from engage_backend.messaging.criteria import Criteria, CriteriaProblem

_NOT_STORED = re.compile("[\0\ud800-\udfff]")


def body_of(request: Request, keys: Collection[str]) -> dict[str, Any]:
    """The body, an object with these keys and no others; a missing one is a ParseError (400) that names it."""
    body = request.data
    if not isinstance(body, dict):
        raise ParseError(f"The body has to be a JSON object with {', '.join(sorted(keys))}.")
    for key in body:
        if key not in keys:
            raise ParseError(f"{key[:40]!r} is not known here; known are {', '.join(sorted(keys))}.")
    for key in sorted(keys):
        if key not in body:
            raise ParseError(f"{key!r} is missing.")
    return body


def text_of(body: dict[str, Any], key: str, longest: int) -> str:
    """A text that says something, without the blanks around it. ParseError (400) for anything else."""
    value = body[key]
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > longest or _NOT_STORED.search(text):
        said = _("'{key}' has to be a text of 1 to {longest} characters.")
        raise ParseError(said.format(key=key, longest=longest))
    return text


def criteria_of(body: dict[str, Any]) -> Criteria:
    """The criteria under `criteria`. ParseError (400) names the key that cannot be used."""
    try:
        return Criteria.from_json(body["criteria"])
    except CriteriaProblem as problem:
        raise ParseError(f"{problem}.") from None
