"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")


class CursorUnknown(APIException):
    """410: the cursor is none of ours, or of a database that has been set back since."""

    status_code = status.HTTP_410_GONE
    default_detail = "This cursor is not known here (any more). Ask again without `since`."


class Conflict(APIException):
    """409: not as things stand now; the text says what stands against it."""

    status_code = status.HTTP_409_CONFLICT


def problem_document(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler: `{type, title, status, detail}`; None leaves it to Django (a 500)."""
    response = exception_handler(exc, context)
    if response is None:
        return None
    code = response.status_code
    detail = response.data.get("detail", response.data) if isinstance(response.data, dict) else response.data
    return Response(
        {
            "type": "about:blank",
            "title": HTTPStatus(code).phrase,
            "status": code,
            "detail": detail if isinstance(detail, str) else str(detail),
        },
        status=code,
        headers={name: response[name] for name in KEPT_HEADERS if name in response},
        content_type="application/problem+json",
    )
