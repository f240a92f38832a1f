"""A row for one person in every model that can hold one: made by asking Django, so that a new model is not forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.db.models import (
    BigIntegerField,
    BinaryField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    TextField,
)

from engage_backend.models import CourseRun, Learner

WHEN = datetime(2024, 2, 1, tzinfo=UTC)
MARK = "marked-text"


def models() -> list[type[Model]]:
    return list(apps.get_app_config("engage").get_models())


def fields(model: type[Model], kind: type[Field[Any, Any]]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, kind)]


def ids(model: type[Model]) -> list[str]:
    """Fields that hold an LMS user id: whole numbers that are called an id and are no key of ours."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, IntegerField) and not field.primary_key and field.name.endswith("_id")
    ]


def of_a_learner(model: type[Model]) -> bool:
    return any(field.related_model is Learner for field in model._meta.concrete_fields)


def holds_people(model: type[Model]) -> bool:
    return model is Learner or bool(ids(model)) or of_a_learner(model)


def fill(run: CourseRun, learner: Learner, user_id: int) -> dict[type[Model], Model]:
    """One row in each model, as a learner, as an author, as somebody who is listed."""
    made: dict[type[Model], Model] = {CourseRun: run, Learner: learner}
    waiting = [model for model in models() if model not in made]
    while waiting:
        ready = [model for model in waiting if all(parent in made for parent in _parents(model))]
        assert ready, f"these need each other: {waiting}"
        for model in ready:
            values = {
                field.name: _value(field, made, learner, user_id)
                for field in model._meta.concrete_fields
                if not (field.primary_key and field.get_internal_type().endswith("AutoField"))
            }
            made[model] = model._default_manager.create(**values)
            waiting.remove(model)
    return made


def _parents(model: type[Model]) -> list[type[Model]]:
    return [field.related_model for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]


def _value(field: Field[Any, Any], made: dict[type[Model], Model], learner: Learner, user_id: int) -> Any:
    if isinstance(field, ForeignKey):
        return made[field.related_model]
    if isinstance(field, JSONField):
        return {"learner": learner.pseudonym, "learners": ["other", learner.pseudonym], "deep": [[learner.pseudonym]]}
    if isinstance(field, BinaryField):
        return b"\x01"
    if isinstance(field, BigIntegerField | IntegerField):
        return user_id if field.name.endswith("_id") else 1
    if isinstance(field, DateTimeField):
        return WHEN
    if isinstance(field, DateField):
        return date(2024, 2, 1)
    if isinstance(field, BooleanField):
        return True
    if isinstance(field, FloatField):
        return 1.0
    assert isinstance(field, CharField | TextField), f"{field}: tell tests/governance/people.py what to put into it"
    if field.choices:
        return field.choices[0][0]
    return f"{MARK}@x.org"[: field.max_length or 255]


def dump() -> str:
    """The whole database of ours as text."""
    rows = []
    for model in models():
        for row in model._default_manager.all():
            rows.append(
                repr((model.__name__, {f.attname: getattr(row, f.attname) for f in model._meta.concrete_fields}))
            )
    return "\n".join(rows)
