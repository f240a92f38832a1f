"""A person who is retired is nowhere any more: in no model, whatever models there will be."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Model

from engage_backend.governance.audit import record_daily
from engage_backend.governance.retention import expire
from engage_backend.governance.retirement import AUTHOR, NOBODY, retire
from engage_backend.models import (
    AccessRecord,
    Communication,
    CommunicationVersion,
    CourseRun,
    Delivery,
    HistoryChunk,
    Kind,
    Learner,
    Objection,
    ReadAgain,
    Segment,
    Tombstone,
)
from tests.engagement.clicks import clicks
from tests.engagement.live.conftest import LiveSite
from tests.governance.people import dump, fill, holds_people, ids, models, of_a_learner

WHO, OTHER = 918_273_645, 818_273_645


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_model_says_what_it_holds_about_a_person_and_how_it_goes(model: type[Model]) -> None:
    told = model.__doc__ or ""
    if holds_people(model):
        assert re.search(r"\.\. pii: \w", told)
        assert re.search(r"\.\. pii_types: \w", told)
        retained = "retained" if model is Tombstone else "local_api"
        assert f".. pii_retirement: {retained}" in told
    else:
        assert ".. no_pii:" in told or ".. pii:" in told


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_a_field_with_a_user_id_has_a_name_that_retirement_knows(model: type[Model]) -> None:
    named = (Learner, Objection, AccessRecord, Tombstone, ReadAgain)
    assert set(ids(model)) <= ({"user_id"} if model in named else {AUTHOR})


def test_a_retired_person_is_in_no_model_and_no_list(site: Any) -> None:
    learner, bystander = site.learner(WHO), site.learner(OTHER)
    made = fill(site.run, learner, WHO)
    AccessRecord.objects.create(
        course_run=site.run, user_id=OTHER, action="look", detail={"learner": bystander.pseudonym}
    )
    assert all(model._default_manager.exists() for model in models())
    retire(WHO)
    left = "\n".join(line for line in dump().splitlines() if not line.startswith("('Tombstone'"))
    assert str(WHO) not in left
    assert learner.pseudonym not in left
    for model in models():
        if (
            of_a_learner(model) and model is not Kind
        ):  # a number that histories hold stays, and forgets whose name it was
            assert not model._default_manager.exists(), model
    assert Kind.objects.exclude(learner=None).count() == 0
    assert Tombstone.objects.get().user_id == WHO
    version = CommunicationVersion.objects.get()
    assert (version.author_id, version.from_name, version.reply_to) == (NOBODY, "", "")
    assert version.subject == made[CommunicationVersion].subject  # type: ignore[attr-defined]
    assert Segment.objects.get().criteria["learners"] == ["other"]
    assert Learner.objects.get() == bystander
    assert AccessRecord.objects.get(user_id=OTHER).detail == {"learner": bystander.pseudonym}


@pytest.mark.parametrize("way", ["retired", "kept long enough"])
def test_an_open_page_is_told_to_ask_for_everyone_again_when_a_row_is_gone(
    site: Any, staff_client: Any, way: str
) -> None:
    gone, stays = (site.learner(who, shown=(500, 500, 500)) for who in (WHO, OTHER))
    before = staff_client.get(site.url)
    cursor, etag = before.json()["cursor"], before["ETag"]
    if way == "retired":
        retire(WHO)
    else:
        site.learner(WHO, state="left")
        CourseRun.objects.update(end=site.run.start)
        assert expire(site.run.start + timedelta(days=10_000))["learners"] >= 1
    for headers in ({}, {"If-None-Match": etag}):
        assert staff_client.get(site.url, {"since": cursor}, headers=headers).status_code == 410
    again = staff_client.get(site.url).json()
    assert again["learners"] == [stays.pseudonym] != [gone.pseudonym]
    assert staff_client.get(site.url, {"since": again["cursor"]}).status_code == 200
    assert gone.pseudonym not in dump()


def test_a_retirement_of_nobody_here_leaves_open_pages_alone(site: Any, staff_client: Any) -> None:
    site.learner(OTHER, shown=(500, 500, 500))
    cursor = staff_client.get(site.url).json()["cursor"]
    retire(WHO)
    assert staff_client.get(site.url, {"since": cursor}).status_code == 200


def test_who_opened_the_page_is_not_told_by_the_mark_of_the_day_either(site: Any) -> None:
    record_daily(site.run, WHO, "open")
    retire(WHO)
    assert (AccessRecord.objects.get().user_id, AccessRecord.objects.get().once) == (NOBODY, None)


def test_who_was_written_to_goes_and_what_was_written_stays(site: Any) -> None:
    fill(site.run, site.learner(WHO), OTHER)
    retire(WHO)
    assert not Delivery.objects.exists()
    assert Communication.objects.get().author_id == OTHER


def test_open_pages_learn_that_there_is_one_less(site: Any) -> None:
    site.learner(WHO, shown=(1, 2, 3))
    before = site.run.version
    retire(WHO)
    assert CourseRun.objects.get(pk=site.run.pk).version > before


def test_retiring_twice_and_retiring_somebody_unknown_leave_one_tombstone_each(site: Any) -> None:
    for _ in range(2):
        retire(WHO)
    assert list(Tombstone.objects.values_list("user_id", flat=True)) == [WHO]


def test_a_retired_learner_is_brought_back_by_no_log_and_stops_nobody_else(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest([*clicks(101, 30), *clicks(102, 30)])
    retire(101)
    for late in (engine, live.engine()):
        late.ingest([*clicks(101, 30), *clicks(102, 40)])
        late.settle()
        late.tick()
    assert 101 not in live.states()
    assert HistoryChunk.objects.values("learner").distinct().count() == 1


def refuse_deletions() -> None:
    """Let a trigger refuse to delete a learner, as a database that is full would."""
    if connection.vendor == "mysql":
        pytest.skip("a trigger of MariaDB ends the transaction of the test")
    row, refuse = "BEFORE DELETE ON engage_learner", "BEGIN SELECT RAISE(ABORT, 'marked-value'); END"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            body = "BEGIN RAISE EXCEPTION 'marked-value'; END"
            cursor.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            row, refuse = f"{row} FOR EACH ROW", "EXECUTE FUNCTION refuse()"
        cursor.execute(f"CREATE TRIGGER refuse {row} {refuse}")


def test_a_database_that_refuses_does_not_raise_into_the_platforms_signal_and_the_log_says_what_to_do(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.learner(WHO)
    refuse_deletions()
    with caplog.at_level(logging.INFO), transaction.atomic():
        retire(WHO)
        assert Learner.objects.filter(user_id=WHO).exists()  # the platform's own transaction goes on
    assert not Tombstone.objects.exists()  # all or nothing
    assert f"engage_retire {WHO}" in caplog.text
    assert "marked-value" not in caplog.text


def test_the_command_retires_by_hand(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    site.learner(WHO)
    call_command("engage_retire", str(WHO), str(OTHER))
    assert "2 retired" in capsys.readouterr().out
    assert not Learner.objects.exists()
