"""Answers that are asked for again and again: nothing is read or sent while they would say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response


def weak_etag(*stands_on: object) -> str:
    """The tag of an answer, from all that it stands on. Weak: a proxy may compress the same answer in two ways."""
    return f'W/"{hashlib.blake2b(repr(stands_on).encode(), digest_size=12).hexdigest()}"'


def conditional(request: HttpRequest, etag: str, body: Callable[[], bytes]) -> HttpResponseBase:
    """304 where the caller has this answer, or the answer: JSON, made only then."""
    unchanged = get_conditional_response(request, etag=etag)
    response = unchanged or HttpResponse(body(), content_type="application/json")
    response["ETag"] = etag
    return response


def unless_same(request: HttpRequest, body: object) -> HttpResponseBase:
    """The answer as JSON, or 304 where the caller has just that: for small answers that stand on very much."""
    made = to_json(body)
    return conditional(request, weak_etag(made), lambda: made)


def to_json(body: object) -> bytes:
    """A large answer as JSON; some times as fast as REST framework's renderer."""
    return msgspec.json.encode(body)
