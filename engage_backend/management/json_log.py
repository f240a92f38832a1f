"""Log lines as JSON objects, for whoever collects them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, and the fields that the call gave as `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False, default=str)


def log_json() -> None:
    """Write what this distribution logs, and nothing else, to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    ours = logging.getLogger("engage_backend")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
