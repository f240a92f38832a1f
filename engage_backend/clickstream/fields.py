"""The fields of a record that anything of ours reads. The tap sends these alone, so that the two cannot drift apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec

BAD_JSON = (msgspec.DecodeError, ValueError, RecursionError)
_QUOTE = ord('"')
_BEGINNINGS = frozenset('{" \t\r\n')  # of text that may spell an object
_NO_RAW = msgspec.Raw()


class Module(msgspec.Struct, gc=False, omit_defaults=True):
    """The block at work, in a context."""

    usage_key: Any = None


class Context(msgspec.Struct, gc=False, omit_defaults=True):
    """Who, where and in which course."""

    user_id: Any = None
    course_id: Any = None
    path: Any = None
    module: Module | None = None
    # The backend's form keeps here what the log has at the top.
    session: Any = None
    page: Any = None
    event_source: Any = None
    event_type: Any = None
    timestamp: datetime | None = None
    received_at: Any = None  # of a mobile app's event: when the server had it, by the server's clock
    username: Any = None  # never sent by the tap, which sends `who`


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """A record of either form; its payload is left as it came."""

    context: Context | None = None
    event_type: Any = None
    name: Any = None
    event_source: Any = None
    time: datetime | None = None  # read at once: as text first it took twice as long
    timestamp: datetime | None = None
    session: Any = None
    page: Any = None
    username: Any = None  # never sent by the tap,
    who: Any = None  # which sends this in its place: see `whose.name_hash`
    status: Any = None  # of a request, where a site's own logger adds what was answered
    event: msgspec.Raw = _NO_RAW
    data: msgspec.Raw = _NO_RAW


class Payload(msgspec.Struct, gc=False, omit_defaults=True):
    """What an event says of itself."""

    problem_id: Any = None
    usage_key: Any = None
    block_id: Any = None
    module_id: Any = None
    id: Any = None
    problem: Any = None
    course_id: Any = None
    user_id: Any = None
    success: Any = None
    grade: Any = None
    max_grade: Any = None
    attempts: Any = None
    weighted_earned: Any = None
    weighted_possible: Any = None
    new_weighted_earned: Any = None
    new_weighted_possible: Any = None
    url: Any = None
    current_tab: Any = None
    tab_count: Any = None
    GET: Any = None  # of an implicit request


def finite(value: Any) -> Any:
    """Return a value of a field as JSON can hold it: None for NaN and the infinities, which the tap sends as null."""
    return None if isinstance(value, float) and not isfinite(value) else value


_decode_payload = msgspec.json.Decoder(Payload).decode
_decode_text = msgspec.json.Decoder(str).decode


def payload_of(payload: Any) -> Payload | None:
    """The fields of a payload that is, or spells, a JSON object; None for anything else."""
    if isinstance(payload, msgspec.Raw):
        if not payload:  # the record had none
            return None
        if memoryview(payload)[0] == _QUOTE:
            try:
                return payload_of(_decode_text(payload))
            except BAD_JSON:
                return _odd_payload(bytes(payload))
        return _payload_of_bytes(payload)
    if isinstance(payload, str):
        if payload[:1] not in _BEGINNINGS:  # a form's answers, mostly: an exception would cost ten times the rest
            return None
        return _payload_of_bytes(payload.encode("utf-8", "replace"))
    if isinstance(payload, Mapping):
        return Payload(**{name: finite(payload.get(name)) for name in Payload.__struct_fields__})
    return None


def _payload_of_bytes(payload: Any) -> Payload | None:
    try:
        return _decode_payload(payload)
    except BAD_JSON:
        return _odd_payload(bytes(payload))


def _odd_payload(payload: bytes) -> Payload | None:
    try:
        found = json.loads(payload.decode("utf-8", "replace"))
        if isinstance(found, str):
            found = json.loads(found)
    except (ValueError, RecursionError):
        return None
    return payload_of(found) if isinstance(found, dict) else None
