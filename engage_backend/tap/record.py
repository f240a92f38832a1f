"""From an event of the event-tracking library to the record that leaves the LMS: only the fields that parsing reads.

Names, addresses, answers, posts, browsers and IP addresses stay where they are. The record is serialised at once, in
the request: the event belongs to all backends, and one of them may change it later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from engage_backend.clickstream.fields import Context, Module, Payload, Record, payload_of
from engage_backend.clickstream.names import FACTS, NOBODY, OUR_BLOCK, STATES_DELETED
from engage_backend.clickstream.whose import name_hash

LONGEST = 1 << 13  # bytes of a record; real ones have some hundred
LONGEST_PAYLOAD = 1 << 20  # characters of a payload that a browser sent as text; looking into it takes a millisecond
_CONTEXT_FIELDS = tuple(name for name in Context.__struct_fields__ if name != "username")
_PAYLOAD_FIELDS = Payload.__struct_fields__
_FLAT_FIELDS = tuple(name for name in _PAYLOAD_FIELDS if name != "GET")
_flat_values = attrgetter(*_FLAT_FIELDS)
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
    learner = (data.user_id if data is not None and name in FACTS else None) or context.get("user_id")
    if name == STATES_DELETED:
        learner = NOBODY
    elif not learner:
        return None
    kept = Context(*map(context.get, _CONTEXT_FIELDS))  # `username` is the last, and stays
    if kept.module is not None:
        module = context.get("module")
        kept.module = Module(module.get("usage_key")) if isinstance(module, Mapping) else None
    small = Record(kept, get("event_type"), name, get("event_source"), get("time"), get("timestamp"))
    small.session, small.page = get("session"), get("page")
    who = get("username") or context.get("username")
    small.who = name_hash(who) if isinstance(who, str) and who else None
    if data is not None:
        small.data = data  # type: ignore[assignment]  # JSON of one is what the other holds
    record = _encoded(small)
    if _OUR_BLOCK in record:
        return None
    if len(record) > LONGEST:
        raise TooLong
    return Packed(learner, record)


def _small(payload: Any) -> Payload | None:
    """What a payload says, without what is nested in it: answers have depth, what parsing reads has none."""
    if payload.__class__ is dict or isinstance(payload, Mapping):
        small = Payload(*map(payload.get, _PAYLOAD_FIELDS))
    else:
        found = payload_of(payload)
        if found is None:
            return None
        small = found
    if not _NESTED.isdisjoint(map(type, _flat_values(small))):
        for field in _FLAT_FIELDS:
            if getattr(small, field).__class__ in _NESTED:
                setattr(small, field, None)
    query = small.GET
    if query is not None:
        named = isinstance(query, Mapping) and "course_id" in query
        small.GET = {"course_id": query["course_id"]} if named else None
    return small


def _encoded(small: Record) -> bytes:
    try:
        return _encode(small)
    except Exception:  # letters without a partner, numbers beyond all bounds: slower, and it takes more
        return json.dumps(msgspec.to_builtins(small, enc_hook=_text), skipkeys=True).encode()


def _text(value: Any) -> str:
    """What JSON has no word for, as text: lazy translations, keys of courses. The text is a plain one."""
    return str.__str__(str(value))


_encode = msgspec.json.Encoder(enc_hook=_text, decimal_format="number").encode
