"""docs/openapi.yaml from the code: addresses, methods, and the shapes that views declare. `engage_openapi` writes it.

Why not drf-spectacular: docs/decisions/0012.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
import yaml
from django.urls import URLPattern

from engage_backend import __version__
from engage_backend.api.answers import Problem
from engage_backend.api.views import Call, CourseView

WHERE = "/engage/api/v1"
_TYPES = {"int": "integer", "str": "string", "path": "string"}
_PART = re.compile(r"<(\w+):(\w+)>")
_REFERENCE = "#/components/schemas/{name}"


def described(patterns: list[URLPattern]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of those addresses whose views say what they take and answer."""
    calls = [(str(pattern.pattern), *one) for pattern in patterns for one in _calls(pattern)]
    shapes = [shape for _, _, _, call in calls for shape in (call.takes, call.answers) if shape is not None]
    _, components = msgspec.json.schema_components([*shapes, Problem], ref_template=_REFERENCE)
    for component in components.values():
        if "description" in component:
            # A docstring keeps its indentation in msgspec before 0.23.
            component["description"] = inspect.cleandoc(component["description"])
    paths: dict[str, Any] = {}
    for route, method, view, call in calls:
        address = _PART.sub(r"{\2}", f"{WHERE}/{route}")
        paths.setdefault(address, {})[method] = _operation(route, method, view, call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Engage",
            "version": __version__,
            "description": "For the course team of one course run; everybody else is refused. Learners are pseudonyms."
            " Errors are problem documents. What a reader of the page can meet is told in their language; what only a call"
            " that was written by hand can do wrong, such as a key that is not known, in English.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
                "forgery": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
        },
    }


def _calls(pattern: URLPattern) -> Iterator[tuple[str, type[CourseView], Call]]:
    view = getattr(pattern.callback, "view_class", None)
    if view is not None and issubclass(view, CourseView):
        for method, call in view.calls.items():
            yield method, view, call


def _operation(route: str, method: str, view: type[CourseView], call: Call) -> dict[str, Any]:
    done: dict[str, Any] = {"description": HTTPStatus(call.status).phrase}
    if call.answers is not None:
        done["content"] = {"application/json": {"schema": _schema(call.answers)}}
    answers: dict[str, Any] = {str(call.status): done}
    if call.is_conditional:
        done["headers"] = {"ETag": {"schema": {"type": "string"}}}
        answers["304"] = {"description": "Not changed since the answer whose ETag came as If-None-Match"}
    problem = {"application/problem+json": {"schema": _schema(Problem)}}
    answers["4XX"] = {"description": "What was wrong, and what to do", "content": problem}
    parts = [
        {"name": name, "in": "path", "required": True, "schema": {"type": _TYPES[kind]}}
        for kind, name in _PART.findall(route)
    ]
    asked = [
        {"name": name, "in": "query", "required": False, "description": words, "schema": {"type": "string"}}
        for name, words in call.query.items()
    ]
    said = {
        "operationId": f"{method}_{view.__name__.removesuffix('View')}",
        "summary": " ".join(inspect.cleandoc(view.__doc__ or "").split("\n\n")[0].split()),
        "security": [{"session": []}] if method == "get" else [{"session": [], "forgery": []}],
        "parameters": parts + asked,
        "responses": answers,
    }
    if call.takes is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(call.takes)}}}
    return said


def _schema(shape: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def as_text() -> str:
    """The document of all our addresses, as it is stored."""
    from engage_backend.api.communication_urls import urlpatterns as of_communications
    from engage_backend.api.urls import urlpatterns

    text: str = yaml.safe_dump(
        described([*urlpatterns, *of_communications]), sort_keys=False, allow_unicode=True, width=120
    )
    return f"# Made from the code by `manage.py engage_openapi`; a test compares the two.\n{text}"
