"""The registry of kinds is bounded, and forgets nothing that was given out."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import unpack
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.registry import OTHER, register_kinds
from engage_backend.models import Checkpoint, CourseRun, Kind, Learner, LearnerState, Submission
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import KINDS, clicks
from tests.engagement.live.conftest import LiveSite

pytestmark = pytest.mark.django_db


def names() -> list[str]:
    return list(Kind.objects.order_by("number").values_list("name", flat=True))


def test_beyond_its_bound_new_names_are_one_kind_which_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    table = KindTable()
    with caplog.at_level(logging.WARNING):
        first = register_kinds(table, ["a", "b", "c"], most=5)
        second = register_kinds(table, ["b", "d", "e", "f"], most=5)
        third = register_kinds(table, ["f", "g", "a"], most=5)
    assert names() == ["a", "b", "c", "d", OTHER]
    assert first == {"a": 0, "b": 1, "c": 2}
    assert second == {"b": 1, "d": 3, "e": 4, "f": 4}
    assert third == {"f": 4, "g": 4, "a": 0}
    assert [record.message for record in caplog.records if "full" in record.message] == [
        f"the registry of kinds is full (5): e and all later ones are {OTHER!r}"
    ]


def test_a_kind_that_is_called_other_takes_no_second_place() -> None:
    table = KindTable()
    assert register_kinds(table, [OTHER, "a"], most=3) == {"a": 0, OTHER: 1}
    assert register_kinds(table, ["b", "c"], most=3) == {"b": 2, "c": 1}
    assert names() == ["a", OTHER, "b"]


def test_two_processes_give_out_each_number_once() -> None:
    one, other = KindTable(), KindTable()
    register_kinds(one, ["a", "b"])
    assert register_kinds(other, ["b", "c"]) == {"b": 1, "c": 2}
    assert register_kinds(one, ["d", "c"]) == {"c": 2, "d": 3}
    assert names() == ["a", "b", "c", "d"]


def test_names_that_differ_in_their_letters_case_are_two_kinds() -> None:
    table = KindTable()
    assert len(set(register_kinds(table, ["Play", "play"]).values())) == 2
    assert connection.vendor != "mysql" or names() == ["Play", "play"]


def test_an_engine_with_a_full_registry_takes_every_event_in(live: LiveSite) -> None:
    engine = Engine(get_platform(), pass_seconds=0.0, max_kinds=4)
    engine.ingest(clicks(101, 80))
    assert len(names()) == 4
    rows = [row for data in live.histories().values() for row in unpack(data)]
    assert len(rows) == 80
    other = names().index(OTHER)
    assert sum(row.kind == other for row in rows) == sum(
        event.kind not in names() or event.kind == OTHER for event in clicks(101, 80)
    )
    before = live.histories()
    engine.ingest(clicks(101, 80))
    assert live.histories() == before


def test_what_a_transaction_gave_out_that_did_not_last_is_forgotten(live: LiveSite) -> None:
    engine, other = live.engine(), live.engine()
    with transaction.atomic():
        engine.ingest(clicks(101, 40))
        transaction.set_rollback(True)
    assert names() == []
    engine.forget()
    other.ingest([event._replace(kind="zzz") for event in clicks(102, 3)])
    engine.ingest(clicks(101, 40))
    assert names() == ["zzz", *sorted({event.kind for event in clicks(101, 40)})]
    kinds = {row.kind for (user, _), data in live.histories().items() if user == 101 for row in unpack(data)}
    assert 0 not in kinds


def test_kinds_that_another_consumer_registered_are_known_when_its_learner_is_moved(live: LiveSite) -> None:
    engine, other = live.engine(), live.engine()
    engine.tick()
    other.ingest([event for event in clicks(102, 60) if event.kind == KINDS[1]])
    engine.ingest([event for event in clicks(102, 60) if event.kind != KINDS[1]])  # no tick in between
    shown = live.shown()
    LearnerState.objects.all().delete()
    whole = live.engine()
    whole.ingest(clicks(102, 60))
    assert live.shown() == shown


def test_runs_blocks_and_sources_that_differ_in_a_capital_are_two() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    runs = [CourseRun.objects.create(course_key=f"course-v1:TestX+T101+{name}", start=start) for name in ("Run", "run")]
    learner = Learner.objects.create(course_run=runs[0], user_id=1, enrolled_at=start)
    for block in ("Block", "block"):
        Submission.objects.create(learner=learner, block=block, score=1.0, possible=1.0, last_at=0)
        Checkpoint.objects.create(source=f"logfile:/{block}.log")
    assert CourseRun.objects.get(course_key="course-v1:TestX+T101+run") == runs[1]
    assert Submission.objects.filter(block="Block").count() == 1
    assert Checkpoint.objects.filter(source="logfile:/Block.log").count() == 1
