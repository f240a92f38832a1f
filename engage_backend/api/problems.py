"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import DatabaseError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from engage_backend.engagement.live.retry import lacks_tables

log = logging.getLogger(__name__)

KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")


class CursorUnknown(APIException):
    """410: the cursor is none of ours, of a database that has been set back since, or older than the last deletion."""

    status_code = status.HTTP_410_GONE
    default_detail = "This cursor is not known here (any more). Ask again without `since`."


class Conflict(APIException):
    """409: not as things stand now; the text says what stands against it."""

    status_code = status.HTTP_409_CONFLICT


class TablesMissing(APIException):
    """503: the package is installed, and its migrations have not been run."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = _(
        "Engage cannot be used yet: its database tables are missing or older than the program."
        " The platform's operator has to run `./manage.py lms migrate engage`."
    )


def needs_tables(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Have a page answer 503 in plain words where our tables are missing, in place of the site's error page."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except DatabaseError as error:
            if not lacks_tables(error):
                raise
            _log_first_line(error)
            set_rollback()  # PostgreSQL does nothing more in the request's transaction
            return HttpResponse(str(TablesMissing.default_detail), status=503, content_type="text/plain; charset=utf-8")

    return answer


def _log_first_line(error: Exception) -> None:
    """Log which table or column is missing; PostgreSQL quotes the statement below, with its values."""
    log.error("%s", str(error).partition("\n")[0])


def problem_document(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler: `{type, title, status, detail}`; None leaves it to Django (a 500)."""
    if lacks_tables(exc):
        _log_first_line(exc)
        exc = TablesMissing()
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
