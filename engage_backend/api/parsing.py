"""What callers send: JSON of a size that we are ready to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MOST_BYTES = 1 << 20  # criteria that name 20,000 learners one by one are a quarter of that


class TooLarge(APIException):
    """413: more than any request of ours needs."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class SmallJSONParser(BaseParser):
    """JSON, strictly, and no more than `most` bytes of it.

    Not REST framework's own: that reads whatever comes before it looks, and what is too large or nested too deeply ends in
    an error page in place of a problem document.
    """

    media_type = "application/json"
    most = MOST_BYTES

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(self.most + 1)
        if len(body) > self.most:
            said = _("This is larger than {most} megabytes; it was not read to its end.")
            raise TooLarge(said.format(most=round(self.most / 1e6)))
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no JSON that can be read: {error}.") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
