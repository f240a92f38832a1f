"""The registry of kinds is bounded, and forgets nothing that was given out."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction

from engage_backend.engagement.categories import Category, category_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.history import unpack
from engage_backend.engagement.live.engine import Engine
from engage_backend.engagement.live.registry import _FOLDED, MOST_A_DAY, OTHER, register_kinds
from engage_backend.engagement.live.status import status
from engage_backend.models import Checkpoint, CourseRun, Kind, Learner, LearnerState, Submission
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import KINDS, clicks
from tests.engagement.live.conftest import LiveSite

pytestmark = pytest.mark.django_db
TODAY = date(2024, 3, 1)


def names() -> list[str]:
    return list(Kind.objects.order_by("number").values_list("name", flat=True))


def register(table: KindTable, *asked: str, by: int = 1, **most: int) -> dict[str, int]:
    return register_kinds(table, dict.fromkeys(asked, by), today=TODAY, **most)


def test_beyond_its_bound_a_new_name_is_counted_as_its_sort_which_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = KindTable()
    with caplog.at_level(logging.WARNING):
        first = register(table, "a", "b", "my_video", most=3)
        second = register(table, "b", "d", "your_video", "play_video", most=3)
        third = register(table, "his_video", "g", "a", most=3)
    assert names() == ["a", "b", "my_video", OTHER, "other:video", "play_video"]
    assert first == {"a": 0, "b": 1, "my_video": 2}
    assert second == {"b": 1, "d": 3, "your_video": 4, "play_video": 5}  # the table's names always find room
    assert third == {"his_video": 4, "g": 3, "a": 0}
    assert [record.message for record in caplog.records] == [
        "the registry of kinds is full: 'd' and all later ones are counted as their sort"
    ]


def test_what_a_name_is_folded_into_is_of_its_category() -> None:
    assert {category: category_of(kind) for category, kind in _FOLDED.items()} == {one: one for one in _FOLDED}
    assert set(Category) - set(_FOLDED) == {Category.CORRECT, Category.INCORRECT}  # whose names are the table's


def test_one_learner_cannot_fill_the_registry(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(clicks(102, 60))
    before = len(names())
    vandal = [
        event._replace(kind=f"made_up_{at}", time=event.time + at) for at, event in enumerate(clicks(101, 1) * 2_000)
    ]
    engine.ingest(vandal[:1_000])
    live.engine().ingest(vandal[1_000:])  # a consumer that knows nothing of the first
    assert len(names()) == before + MOST_A_DAY + 1
    engine.ingest([event._replace(kind="a_block_of_a_third_party") for event in clicks(102, 1)])
    assert names()[-1] == "a_block_of_a_third_party", "others still find room"
    assert sum(len(unpack(data)) for (user, _), data in live.histories().items() if user == 101) == 2_000


def test_status_names_who_makes_up_names(live: LiveSite) -> None:
    live.engine().ingest([event._replace(kind=f"made_up_{at}") for at, event in enumerate(clicks(101, 200))])
    vandal = Learner.objects.get(user_id=101)
    found = status()
    assert found["kinds"]["made_up"] == [
        {"course": vandal.course_run.course_key, "pseudonym": vandal.pseudonym, "kinds": MOST_A_DAY}
    ]
    assert any(vandal.pseudonym in line for line in found["todo"])
    vandal.delete()
    assert status()["kinds"]["made_up"] == []


def test_what_the_model_knows_always_finds_room() -> None:
    table = KindTable()
    found = register_kinds(table, {"a": 1, "b": 1}, today=TODAY, reserved={"b"}, most=0)
    assert (names(), found) == (["b", OTHER], {"a": 1, "b": 0})


def test_a_kind_that_is_called_other_takes_no_second_place() -> None:
    table = KindTable()
    assert register(table, OTHER, "a", most=2) == {"a": 0, OTHER: 1}
    assert register(table, "b", "c", most=2) == {"b": 2, "c": 1}
    assert names() == ["a", OTHER, "b"]


def test_two_processes_give_out_each_number_once() -> None:
    one, other = KindTable(), KindTable()
    register(one, "a", "b")
    assert register(other, "b", "c") == {"b": 1, "c": 2}
    assert register(one, "d", "c") == {"c": 2, "d": 3}
    assert names() == ["a", "b", "c", "d"]


def test_names_that_differ_in_their_letters_case_are_two_kinds() -> None:
    table = KindTable()
    assert len(set(register(table, "Play", "play").values())) == 2
    assert connection.vendor != "mysql" or names() == ["Play", "play"]


def test_an_engine_with_a_full_registry_takes_every_event_in(live: LiveSite) -> None:
    engine = Engine(get_platform(), pass_seconds=0.0, max_kinds=4)
    made_up = [event._replace(kind=f"made_up_{at % 9}") for at, event in enumerate(clicks(101, 80))]
    engine.ingest(made_up)
    assert names() == ["made_up_0", "made_up_1", "made_up_2", "made_up_3", OTHER]
    rows = [row for data in live.histories().values() for row in unpack(data)]
    assert sum(row.kind == 4 for row in rows) == sum(event.kind not in names() for event in made_up)
    before = live.histories()
    engine.ingest(made_up)
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
