"""Lines that hold records in something else: envelopes of log collectors, torn lines, several records on one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from engage_backend.clickstream.event import ClickEvent, Reason
from engage_backend.clickstream.parse import parse, parse_lines
from tests.clickstream.records import REAL, line, record

WHOLE = line()
TUTOR = b"2026-11-01 10:00:00,000 INFO 25 [tracking] [user 5] [ip 10.0.0.1] logger.py:41 - " + WHOLE
EVENT = parse(WHOLE)

text = TUTOR.decode()
ENVELOPES: dict[str, Any] = {
    "docker json-file": {"log": text + "\n", "stream": "stderr", "time": "2026-11-01T10:00:00.100000000Z"},
    "vector, docker_logs": {"message": text, "source_type": "docker_logs", "timestamp": "2026-11-01T10:00:00.1Z"},
    "vector, kubernetes_logs": {"message": WHOLE.decode(), "kubernetes": {"pod_name": "lms"}, "stream": "stderr"},
    "vector, parsed": {"message": record(), "source_type": "file", "file": "/openedx/data/logs/tracking.log"},
    "journald -o json": {"MESSAGE": text, "__REALTIME_TIMESTAMP": "1793527200000000", "_HOSTNAME": "lms"},
    "journald, bytes": {"MESSAGE": list(TUTOR), "__REALTIME_TIMESTAMP": "1793527200000000"},
    "fluent-bit": {"date": 1793527200.1, "log": text, "stream": "stderr", "kubernetes": {}},
    "filebeat": {"@timestamp": "2026-11-01T10:00:00.000Z", "message": text, "agent": {"type": "filebeat"}},
    "filebeat, whole": {
        "@timestamp": "2026-11-01T10:00:00.000Z",
        "log": {"offset": 0, "file": {"path": "/openedx/data/logs/tracking.log"}},
        "message": text,
        "agent": {"type": "filebeat"},
    },
    "loki": {"labels": {"app": "lms"}, "line": text, "timestamp": "2026-11-01T10:00:00Z"},
    "google": {"insertId": "x", "textPayload": text, "timestamp": "2026-11-01T10:00:00Z"},
    "google, parsed": {"insertId": "x", "jsonPayload": record(), "timestamp": "2026-11-01T10:00:00Z"},
    "cloudwatch": {"timestamp": 1793527200000, "message": text, "ingestionTime": 1793527201000},
    "one in another": {"message": json.dumps({"log": text + "\n", "stream": "stderr"}), "source_type": "file"},
}
UWSGI = (
    b"[pid: 17|app: 0|req: 1/1] 172.18.0.1 () {44 vars in 800 bytes} [Sun Nov  1] GET /heartbeat => generated 20 bytes"
)
PREFIXES = {
    "CRI": b"2026-11-01T10:00:00.123456789Z stderr F ",
    "cloudwatch export": b"2026-11-01T10:00:00.000Z ",
    "aws logs tail": b"2026-11-01T10:00:00+00:00 lms/lms/0f1e ",
    "kubectl logs --timestamps": b"2026-11-01T10:00:00.123456789Z ",
    "syslog": b"<13>Nov  1 10:00:00 lms openedx[25]: ",
}


def of(*lines: bytes) -> tuple[list[ClickEvent], Counter[Reason]]:
    return parse_lines(lines)


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_is_opened(envelope: dict[str, Any]) -> None:
    wrapped = json.dumps(envelope).encode()
    assert parse(wrapped) == EVENT
    assert of(wrapped) == ([EVENT], {})


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_what_a_collector_writes_before_a_line_changes_nothing(prefix: bytes) -> None:
    assert of(prefix + TUTOR) == ([EVENT], {})


def test_many_at_once_are_many() -> None:
    events = [{"id": str(n), "timestamp": 1793527200000, "message": line(session=f"s{n}").decode()} for n in range(3)]
    batch = {"messageType": "DATA_MESSAGE", "logGroup": "lms", "logEvents": events}
    for wrapped in (json.dumps(batch).encode(), json.dumps(events).encode()):
        found, rejected = of(wrapped)
        assert [event.session for event in found] == ["s0", "s1", "s2"]
        assert not rejected


@pytest.mark.parametrize("raw", REAL)
def test_any_real_line_is_the_same_in_an_envelope(raw: bytes) -> None:
    wrapped = json.dumps({"log": raw.decode() + "\n", "stream": "stderr", "time": "2026-11-01T10:00:00Z"}).encode()
    assert parse(wrapped) == parse(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"2026-11-01T10:00:00.1Z stderr F [pid: 17] GET /heartbeat => generated 2 bytes", Reason.OTHER_LOG),
        (
            b'{"log": "[pid: 17] GET /heartbeat\\n", "stream": "stdout", "time": "2026-11-01T10:00:00Z"}',
            Reason.OTHER_LOG,
        ),
        (b'{"MESSAGE": "Started Session 3.", "__REALTIME_TIMESTAMP": "1"}', Reason.OTHER_LOG),
        (b'{"log": "{\\"level\\": \\"info\\"}\\n", "stream": "stdout"}', Reason.OTHER_LOG),
        (b'{"message": "GET /heartbeat", "source_type": "docker_logs"}', Reason.OTHER_LOG),
        (b"2026-11-01T10:00:00.1Z stderr P " + TUTOR[:150], Reason.PIECE),
        (json.dumps({"log": text[:150], "stream": "stderr"}).encode(), Reason.PIECE),
        (b'{"MESSAGE": null, "__REALTIME_TIMESTAMP": "1"}', Reason.PIECE),
        (b'{"MESSAGE": null, "_PID": "1"}', Reason.PIECE),
        (b"2026-11-01T10:00:00.1Z stderr F " + WHOLE[150:], Reason.PIECE),
        (b'{"@timestamp": "x", "log": {"offset": 0}, "message": "GET /heartbeat"}', Reason.OTHER_LOG),
        *((prefix + UWSGI, Reason.OTHER_LOG) for prefix in (b"", b"lms-1  | ", *PREFIXES.values())),
        (b"Task x[1] succeeded in 0.1s: {'a': 1}", Reason.OTHER_LOG),
        (b'  File "x.py", line 1, in {name}', Reason.OTHER_LOG),
    ],
)
def test_what_holds_no_record_is_named_as_what_it_is(raw: bytes, reason: Reason) -> None:
    assert parse(raw) is reason
    assert of(raw) == ([], {reason: 1})


@pytest.mark.parametrize("cut", [40, 90, 150, len(WHOLE) - 1])
@pytest.mark.parametrize("whole", [WHOLE, TUTOR], ids=["plain", "Tutor's"])
def test_a_torn_line_before_a_whole_one_costs_the_torn_one_alone(whole: bytes, cut: int) -> None:
    torn = whole[: len(whole) - len(WHOLE) + cut]
    assert of(torn + whole) == ([EVENT], {Reason.BROKEN_JSON: 1})
    assert parse(torn + whole) == EVENT


@pytest.mark.parametrize("between", [b"", b" ", b"\r", TUTOR[: -len(WHOLE)]])
def test_two_records_on_a_line_are_two(between: bytes) -> None:
    other = line(session="other")
    found, rejected = of(WHOLE + between + other)
    assert [event.session for event in found] == ["abc", "other"]
    assert not rejected
    found, rejected = of(WHOLE + between + other + between + WHOLE[:70])
    assert len(found) == 2
    assert rejected == {Reason.BROKEN_JSON: 1}


def test_two_records_in_one_envelope_are_two() -> None:
    wrapped = json.dumps({"log": (WHOLE + WHOLE).decode() + "\n", "stream": "stderr"}).encode()
    assert of(wrapped) == ([EVENT, EVENT], {})


def test_a_context_that_is_json_text_is_read() -> None:
    plain = record()
    assert parse(json.dumps({**plain, "context": json.dumps(plain["context"])}).encode()) == EVENT
    assert parse({**plain, "context": json.dumps(plain["context"])}) == EVENT
    assert parse({**plain, "context": "{"}) is Reason.NO_LEARNER
