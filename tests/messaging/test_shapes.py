"""Real answers of writing to learners have the shapes that docs/openapi.yaml tells of."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from engage_backend.api.communication_urls import urlpatterns
from tests.messaging.conftest import Mailing

BODIES: dict[tuple[str, str], Any] = {
    ("communications", "post"): {"subject": "Hello", "body": "At risk of 12 %", "criteria": {"version": 1}},
    ("{one}", "patch"): {"subject": "Another", "automation": "ask", "order": 3},
    ("preview", "post"): {"audience": True, "subject": "You fail"},
    ("send", "post"): {"key": "press-0001", "count": 5},
    ("resend", "post"): {"key": "press-0002"},
}


@pytest.mark.parametrize(
    ("route", "method"),
    [(str(one.pattern), method) for one in urlpatterns for method in one.callback.view_class.calls],  # type: ignore[attr-defined]
)
def test_a_real_answer_has_the_documents_shape(mailing: Mailing, route: str, method: str) -> None:
    view: Any = next(one for one in urlpatterns if str(one.pattern) == route).callback
    call = view.view_class.calls[method]
    name = "{one}" if route.endswith(">") else route.rpartition("/")[2]
    mailing.smtp.at_rcpt = lambda address, number: "550 no" if address.startswith("l1@") else None
    one = mailing.write()
    if (name in ("{one}", "communications", "resend", "stop") and method not in ("delete", "post")) or name == "stop":
        mailing.send(one)
        mailing.minute()
        mailing.work()
    elif name == "undo":
        mailing.send(one)
    body = BODIES.get((name, method), {})
    if (name, method) == ("export", "post"):
        body = mailing.get("/export")
    if call.takes is not None:
        msgspec.convert(body, call.takes)
    url = f"/engage/api/v1/{route}".replace("<path:course_key>", mailing.site.run.course_key)
    url = url.replace("<int:communication>", str(one["id"]))
    answer = mailing.client.generic(method.upper(), url, json.dumps(body), "application/json")
    assert answer.status_code == call.status, answer.content
    assert bool(answer.get("ETag")) is call.is_conditional
    if call.answers is not None:
        msgspec.json.decode(answer.content, type=call.answers)


def test_every_address_is_described_whole() -> None:
    for pattern in urlpatterns:
        view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
        done = {name for name in view.http_method_names if hasattr(view, name)} - {"head", "options"}
        assert set(view.calls) == done, pattern.pattern
