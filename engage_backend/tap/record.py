"""From an event of the event-tracking library to the record that leaves the LMS: only the fields that parsing reads.

Names, addresses, answers, posts, browsers and IP addresses stay where they are. The record is serialised at once, in
the request: the event belongs to all backends, and one of them may change it later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from engage_backend.clickstream.fields import Context, Payload, Record, payload_of
from engage_backend.clickstream.kinds import OUR_BLOCK, SUBMITTED

LONGEST = 1 << 13  # bytes of a record; real ones have some hundred
LONGEST_PAYLOAD = 1 << 20  # characters of a payload that a browser sent as text; looking into it takes a millisecond
_RECORD_FIELDS = tuple(name for name in Record.__struct_fields__ if name not in ("context", "event", "data"))
_CONTEXT_FIELDS = tuple(name for name in Context.__struct_fields__ if name != "module")
_PAYLOAD_FIELDS = tuple(name for name in Payload.__struct_fields__ if name != "GET")
_payload_values = attrgetter(*_PAYLOAD_FIELDS)
_NESTED = frozenset({dict, list, tuple, set, frozenset})
_OURS = "/engage/"
_OUR_BLOCK = OUR_BLOCK.encode()


class Packed(NamedTuple):
    """A record on its way, and whose it is."""

    learner: Any  # user id as the event has it
    record: bytes  # JSON on one line


class TooLong(ValueError):
    """A record that nobody's click makes."""


def pack(event: Mapping[str, Any]) -> Packed | None:
    """The record of an event, which is only read; None for what never becomes a click: our own pages, nobody's.

    Raises `TooLong`, and whatever an event that is none provokes.
    """
    get = event.get
    context = get("context") or {}
    name = get("name")
    if (name or "").startswith(_OURS) or (context.get("path") or "").startswith(_OURS):
        return None
    payload = get("event")
    payload = get("data") if payload is None else payload
    if payload.__class__ is str and len(payload) > LONGEST_PAYLOAD:
        raise TooLong
    data = _small(payload)
    learner = (data.get("user_id") if data is not None and name == SUBMITTED else None) or context.get("user_id")
    if not learner:
        return None
    small = _told(_RECORD_FIELDS, map(get, _RECORD_FIELDS))
    small["context"] = kept = _told(_CONTEXT_FIELDS, map(context.get, _CONTEXT_FIELDS))
    module = context.get("module")
    if module and isinstance(module, Mapping):
        kept["module"] = {"usage_key": module.get("usage_key")}
    if data is not None:
        small["data"] = data
    record = _encoded(small)
    if _OUR_BLOCK in record:
        return None
    if len(record) > LONGEST:
        raise TooLong
    return Packed(learner, record)


def _small(payload: Any) -> dict[str, Any] | None:
    """What a payload says, without what is nested in it: answers have depth, what parsing reads has none."""
    if payload.__class__ is dict or isinstance(payload, Mapping):
        small = _told(_PAYLOAD_FIELDS, map(payload.get, _PAYLOAD_FIELDS))
        query = payload.get("GET")
    else:
        found = payload_of(payload)
        if found is None:
            return None
        small = _told(_PAYLOAD_FIELDS, _payload_values(found))
        query = found.GET
    if query and isinstance(query, Mapping) and "course_id" in query:
        small["GET"] = {"course_id": query["course_id"]}
    return small


def _told(fields: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    return {
        field: value
        for field, value in zip(fields, values, strict=True)
        if value is not None and value.__class__ not in _NESTED
    }


def _encoded(small: dict[str, Any]) -> bytes:
    try:
        return _encode(small)
    except Exception:  # letters without a partner, keys that are no text: slower, and it takes more
        return json.dumps(small, default=_text, skipkeys=True).encode()


def _text(value: Any) -> str:
    """What JSON has no word for, as text: lazy translations, keys of courses. The text is a plain one."""
    return str.__str__(str(value))


_encode = msgspec.json.Encoder(enc_hook=_text, decimal_format="number").encode
