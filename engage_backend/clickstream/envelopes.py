"""Lines that hold no record by themselves, but records in something: a log collector's envelope, or several on one line.

Docker's json-file, Vector, fluent-bit, journald (`-o json`), Kubernetes (CRI), CloudWatch and others wrap each line of a
container's log. What a container writes besides tracking records, and lines that a collector cut, are named as what they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engage_backend.clickstream.event import Reason

# Where the line is kept: docker, fluent-bit; Vector, Logstash, CloudWatch; journald; Loki; Google; Splunk; OpenTelemetry.
_PLACES = ("log", "message", "MESSAGE", "msg", "line", "textPayload", "jsonPayload", "_raw", "body")
_MARKS = (
    "stream",
    "source_type",
    "__REALTIME_TIMESTAMP",
    "_HOSTNAME",
    "kubernetes",
    "labels",
    "logStream",
    "@timestamp",
)
_BATCHES = ("logEvents", "events", "records")  # CloudWatch: many at once
_CRI = re.compile(rb"\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) ([FP])(?: |$)")
# A record begins like this; values that look like one are quoted, and their quotation marks escaped.
_BEGINS = re.compile(
    r'\{\s*"(?:username|event_type|event_source|name|time|timestamp|context|agent|host|session|accept_language|ip|page|event'
    r'|data|referer|log|message|MESSAGE)"\s*:'
)
# An object of JSON begins here, perhaps in a text of one, or the line is torn off here.
_OBJECT = re.compile(r'\{\s*\\*(?:"|$)')
_MOST = 64  # records looked for on one line
_LONGEST = 1 << 20  # bytes of a line that is searched for more than one record
_DEEPEST = 4  # envelopes in envelopes
_decode = json.JSONDecoder().raw_decode

Found = list[bytes] | Reason


def contents(line: bytes, depth: int = 0) -> Found | None:
    """Return the lines that a line holds, a `Reason` where it is an envelope without a record, or None where it is neither."""
    if depth >= _DEEPEST:
        return None
    if (cri := _CRI.match(line)) and b"{" not in line[cri.end() :]:
        return Reason.PIECE if cri[1] == b"P" else Reason.OTHER_LOG
    text = line.decode("utf-8", "replace")
    try:
        found = json.loads(text if text.lstrip().startswith("[") else text[max(0, text.find("{")) :])
    except (ValueError, RecursionError):
        if cri and cri[1] == b"P":
            return Reason.PIECE
        if (several := _several(text)) is not None:
            return several
        bare = text.strip()
        is_of_words = bare.isprintable() and "}" not in bare if "{" not in bare else not bare.startswith("{")
        if is_of_words and not _OBJECT.search(text):
            return Reason.OTHER_LOG  # `[pid: 17] ... {44 vars in 800 bytes}`, and plain words
        return Reason.PIECE if cri and not _BEGINS.search(text) else None  # the rest of a line that was cut
    return _opened(found) if isinstance(found, Mapping) else _batch(found)


def _opened(envelope: Mapping[str, Any]) -> Found | None:
    if isinstance(envelope.get("event_type"), str) or isinstance(envelope.get("context"), Mapping):
        return None  # a record that lacks something
    for name in _BATCHES:
        if batch := _batch(envelope.get(name)):
            return batch
    reason = None
    for name in _PLACES:  # Filebeat has a `log` of its own beside the `message`
        found = _held(envelope[name], envelope) if name in envelope else None
        if isinstance(found, list):
            return found
        reason = reason or found
    return reason or (Reason.OTHER_LOG if any(mark in envelope for mark in _MARKS) else None)


def _held(held: Any, envelope: Mapping[str, Any]) -> Found | None:
    """Return what one place of an envelope holds: None where that is nothing that could have been a line."""
    if isinstance(held, Mapping):
        held = held.get("stringValue", held)  # OpenTelemetry
    if isinstance(held, Mapping):
        is_one = "event_type" in held or _is_record(held)
        return [json.dumps(held).encode("utf-8", "replace")] if is_one else None
    if isinstance(held, list):  # journald writes what it takes for binary as numbers
        try:
            held = bytes(held).decode("utf-8", "replace")
        except (ValueError, TypeError):
            return None
    if held is None and "MESSAGE" in envelope:
        return Reason.PIECE  # too long for `journalctl` without --all
    return _line_of(held, envelope) if isinstance(held, str) else None


def _batch(found: Any) -> list[bytes] | None:
    if isinstance(found, list) and found and all(isinstance(one, Mapping) for one in found):
        return [json.dumps(one).encode("utf-8", "replace") for one in found]
    return None


def _line_of(held: str, envelope: Mapping[str, Any]) -> Found:
    line = held.strip().encode("utf-8", "replace")
    if b"{" not in line:
        return Reason.OTHER_LOG
    if b"event_type" not in line and b"timestamp" not in line and not _BEGINS.search(held):
        return Reason.OTHER_LOG
    if "stream" in envelope and not held.endswith("\n") and not line.endswith(b"}"):
        return Reason.PIECE  # docker cuts lines at 16 KB
    return [line]


def _several(text: str) -> Found | None:
    """The records of a line that holds more than one, and what is left of torn ones; None where there are none."""
    if len(text) > _LONGEST:
        return None
    pieces: list[bytes] = []
    end, whole = 0, 0
    for number, begin in enumerate(_BEGINS.finditer(text)):
        if number >= _MOST:
            break
        if begin.start() < end:
            continue
        try:
            found, after = _decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        if not _is_record(found):
            continue
        if "{" in (torn := text[end : begin.start()]):  # else it is what a logger wrote before the record
            pieces.append(torn.encode("utf-8", "replace"))
        pieces.append(text[begin.start() : after].encode("utf-8", "replace"))
        end, whole = after, whole + 1
    if not whole:
        return None
    if "{" in (torn := text[end:]):
        pieces.append(torn.encode("utf-8", "replace"))
    return pieces if len(pieces) > 1 else None


def _is_record(found: Any) -> bool:
    if not isinstance(found, Mapping):
        return False
    named = isinstance(found.get("event_type") or found.get("name"), str)
    timed = isinstance(found.get("time") or found.get("timestamp"), str)
    return (named and timed) or any(isinstance(found.get(place), str) for place in ("log", "message", "MESSAGE"))
