"""Who of the course team looked at whom, and who sent what: for the course team itself, to read and to take along."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api import answers
from engage_backend.api.views import Call, CourseView, course_run
from engage_backend.models import AccessRecord
from engage_backend.platform.moments import to_text

PAGE = 100
_NUMBER = re.compile(r"[0-9]{1,18}")
_COLUMNS = ("at", "user_id", "action", "detail")
# What a spreadsheet would take for a formula; a detail never begins so, unless something of ours goes wrong.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AccessRecordsView(CourseView):
    """GET: the latest records, a hundred at a time; `?before=` the id that the page before gave goes on; `?as=csv`: all."""

    http_method_names = ["get", "head", "options"]
    calls = {
        "get": Call(
            answers.AccessRecords,
            query={"before": "The `next` of the page before.", "as": "json, or csv for all records as a file."},
        )
    }

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        records = AccessRecord.objects.filter(course_run=course_run(course_key).pk).order_by("-pk")
        form = request.query_params.get("as", "json")
        if form == "csv":
            return _as_csv(records)
        if form != "json":
            raise ParseError(f"'as' is json or csv, not {form[:20]!r}.")
        before = request.query_params.get("before")
        if before is not None:
            if not _NUMBER.fullmatch(before):
                raise ParseError("'before' has to be the number that a page of records gave as 'next'.")
            records = records.filter(pk__lt=int(before))
        found = list(records[: PAGE + 1])
        page = found[:PAGE]
        return Response(
            {
                "records": [{"id": one.pk, **dict(zip(_COLUMNS, _values(one), strict=True))} for one in page],
                "next": page[-1].pk if len(found) > PAGE else None,
            }
        )


def _values(record: AccessRecord) -> tuple[Any, ...]:
    """`user_id` is the LMS's number of the team member; 0: somebody who was retired."""
    return to_text(record.at), record.user_id, record.action, record.detail


class _Line:
    """What `csv.writer` writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


def _as_csv(records: QuerySet[AccessRecord]) -> StreamingHttpResponse:
    writer = csv.writer(_Line())

    def lines() -> Iterator[str]:
        yield writer.writerow(_COLUMNS)
        for record in records.iterator(chunk_size=2_000):
            *rest, detail = _values(record)
            text = json.dumps(detail, ensure_ascii=False)
            yield writer.writerow([*rest, f"'{text}" if text.startswith(_FORMULA) else text])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="access-records.csv"'
    return response
