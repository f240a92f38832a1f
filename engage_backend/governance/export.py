"""All that is held about one person, as plain values that somebody can read: for requests under GDPR article 15 and FERPA."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.db.models import BinaryField, Field, ForeignKey, JSONField, Model, Q, TextField
from django.db.models.functions import Cast

from engage_backend.governance.retirement import AUTHOR
from engage_backend.models import CourseRun, HistoryChunk, Kind, Learner
from engage_backend.platform.moments import from_microseconds

Unpack = Callable[[bytes], list[Any]]
MICROSECONDS = frozenset({"first", "last", "last_at", "due"})  # fields that hold a moment as a number


def held_about(user_id: int, *, unpack: Unpack, course_key: str | None = None) -> dict[str, Any]:
    """JSON-ready: what this person (LMS user id) did, and what is said of them, by course run; what they did as course team.

    Kinds of clicks by name, times in ISO 8601 UTC, rows by the name of their model and of its fields. `unpack` reads the bytes
    of a chunk (`engagement.history.unpack`, which needs numpy and is therefore given by whoever may load that).
    """
    learners = Learner.objects.filter(user_id=user_id).select_related("course_run").order_by("pk")
    if course_key is not None:
        learners = learners.filter(course_run__course_key=course_key)
    kinds = dict(Kind.objects.values_list("number", "name"))
    return {
        "user_id": user_id,
        "as_of": _plain(datetime.now(UTC)),
        "course_runs": {one.course_run.course_key: _of_learner(one, kinds, unpack) for one in learners},
        "elsewhere": {} if course_key is not None else _of_person(user_id),
    }


def _of_learner(learner: Learner, kinds: dict[int, str], unpack: Unpack) -> dict[str, Any]:
    found: dict[str, Any] = {"Learner": _row(learner)}
    for model in _models():
        if _belongs(model, Learner) and model is not HistoryChunk:
            found[model.__name__] = [_row(row) for row in model._default_manager.filter(learner=learner).order_by("pk")]
    chunks = HistoryChunk.objects.filter(learner=learner).order_by("number").values_list("data", flat=True)
    found["clicks"] = [_click(row, kinds) for data in chunks for row in unpack(bytes(data))]
    found["named in"] = list(_mentions(learner))
    return found


def _of_person(user_id: int) -> dict[str, Any]:
    """Rows that hold the user id itself and are no learner's: objections, a tombstone, and what a course team member did."""
    found: dict[str, Any] = {}
    for model in _models():
        for name in ("user_id", AUTHOR):
            if model is not Learner and any(field.name == name for field in model._meta.concrete_fields):
                rows = [_row(row) for row in model._default_manager.filter(**{name: user_id}).order_by("pk")]
                if rows:
                    found[model.__name__] = rows
    return found


def _mentions(learner: Learner) -> Iterator[dict[str, Any]]:
    """Lists in which the course team has this pseudonym: as a selection, in a segment, in a record of who looked."""
    for model in _models():
        for field in model._meta.concrete_fields:
            if isinstance(field, JSONField):
                text = f"{field.name}_text"
                rows = model._default_manager.annotate(**{text: Cast(field.name, TextField())})
                for key in rows.filter(Q(**{f"{text}__contains": f'"{learner.pseudonym}"'})).values_list(
                    "pk", flat=True
                ):
                    yield {"model": model.__name__, "row": key, "field": field.name}


def _click(row: Any, kinds: dict[int, str]) -> dict[str, Any]:
    found = {"time": _plain(from_microseconds(row.time)), "kind": kinds.get(row.kind, f"kind {row.kind}")}
    if row.block:
        found["block"] = f"{row.block:012x}"  # the name's hash: histories hold no other
    if row.session:
        found["session"] = f"{row.session:08x}"
    if row.possible >= 0:
        found |= {"score": row.score, "possible": row.possible, "attempt": row.attempt}
    return found


def _row(row: Model) -> dict[str, Any]:
    """The fields of a row by name. A course run by its key; bytes by how many there are."""
    return {field.name: _value(row, field) for field in row._meta.concrete_fields if field.name != "learner"}


def _value(row: Model, field: Field[Any, Any]) -> Any:
    value = getattr(row, field.attname)
    if isinstance(field, BinaryField):
        return f"{len(value)} bytes"
    if isinstance(field, ForeignKey) and field.related_model is CourseRun and value is not None:
        return str(getattr(row, field.name))
    if field.name in MICROSECONDS and isinstance(value, int):
        return _plain(from_microseconds(value))
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return json.loads(json.dumps(value, default=str))


def _models() -> list[type[Model]]:
    return list(apps.get_app_config("engage").get_models())


def _belongs(model: type[Model], to: type[Model]) -> bool:
    """Whether the rows of a model are of one learner."""
    return any(
        isinstance(field, ForeignKey) and field.name == "learner" and field.related_model is to
        for field in model._meta.concrete_fields
    )
