"""All that is held about one person, in a form that a person can read; and nothing of anybody else."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey

from engage_backend.engagement.history import unpack
from engage_backend.governance.export import held_about
from engage_backend.governance.objections import erase, object_to
from engage_backend.models import CourseRun, HistoryChunk, Learner, Tombstone
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import BLOCKS, COURSE, clicks
from tests.engagement.live.conftest import LiveSite
from tests.governance.people import fill, ids, models, of_a_learner

WHO, OTHER = 918_273_645, 818_273_645


def lived_in(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest([*clicks(101, 600), *clicks(102, 5)])
    engine.tick()


def export(*words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    call_command("engage_export_learner", *words)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_clicks_come_by_name_and_time_and_all_of_them(live: LiveSite, capsys: pytest.CaptureFixture[str]) -> None:
    lived_in(live)
    run = export("101", capsys=capsys)["course_runs"][COURSE]
    assert len(run["clicks"]) == 600
    assert {one["kind"] for one in run["clicks"]} >= {"play_video", "problem_check_correct"}
    assert all(one["time"].startswith("2024-") and one["time"].endswith("Z") for one in run["clicks"])
    assert [one["time"] for one in run["clicks"]] == sorted(one["time"] for one in run["clicks"])
    assert {one["block"] for one in run["Submission"]} <= set(BLOCKS)
    assert set(run["Prediction"][0]) >= {"certify", "complete", "leave", "as_of"}
    assert run["DailySnapshot"]
    assert run["Learner"]["user_id"] == 101


def test_what_was_kept_of_another_is_not_in_it(live: LiveSite, capsys: pytest.CaptureFixture[str]) -> None:
    lived_in(live)
    other = Learner.objects.get(user_id=102)
    text = json.dumps(export("101", capsys=capsys))
    assert other.pseudonym not in text
    assert '"user_id": 102' not in text


def test_every_model_that_holds_something_of_a_person_is_in_the_export(site: Any) -> None:
    learner = site.learner(WHO)
    fill(site.run, learner, WHO)
    HistoryChunk.objects.all().delete()  # its bytes are no chunk; clicks have a test of their own
    found = held_about(WHO, unpack=unpack)
    of_run, elsewhere = found["course_runs"][site.run.course_key], found["elsewhere"]
    for model in models():
        if of_a_learner(model):
            assert model is HistoryChunk or len(of_run[model.__name__]) == 1
        elif ids(model) and model is not Learner:
            assert len(elsewhere[model.__name__]) == 1
    named = {(one["model"], one["field"]) for one in of_run["named in"]}
    assert {("Segment", "criteria"), ("CommunicationVersion", "pseudonyms"), ("AccessRecord", "detail")} <= named


def test_keys_of_course_runs_and_dates_are_readable(site: Any) -> None:
    fill(site.run, site.learner(WHO), WHO)
    HistoryChunk.objects.all().delete()
    found = held_about(WHO, unpack=unpack)
    objection = found["elsewhere"]["Objection"][0]
    assert (objection["course_run"], objection["since"]) == (site.run.course_key, "2024-02-01T00:00:00Z")
    snapshot = found["course_runs"][site.run.course_key]["DailySnapshot"][0]
    assert snapshot["day"] == "2024-02-01"
    json.dumps(found)


def test_no_field_of_a_learner_is_left_out(site: Any) -> None:
    fill(site.run, site.learner(WHO), WHO)
    HistoryChunk.objects.all().delete()
    of_run = held_about(WHO, unpack=unpack)["course_runs"][site.run.course_key]
    for model in models():
        if of_a_learner(model) and model is not HistoryChunk:
            names = {field.name for field in model._meta.concrete_fields} - {"learner"}
            assert set(of_run[model.__name__][0]) == names
            assert any(isinstance(field, ForeignKey) for field in model._meta.concrete_fields)


def test_one_course_run_alone(live: LiveSite, capsys: pytest.CaptureFixture[str]) -> None:
    lived_in(live)
    assert set(export("101", "--course", COURSE, capsys=capsys)["course_runs"]) == {COURSE}
    with pytest.raises(CommandError, match="nothing is held"):
        call_command("engage_export_learner", "101", "--course", "course-v1:No+Such+Run")


def test_into_a_new_file_that_its_owner_alone_may_read(live: LiveSite, tmp_path: Path) -> None:
    lived_in(live)
    out = tmp_path / "held.json"
    call_command("engage_export_learner", "101", "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert COURSE in json.loads(out.read_text())["course_runs"]
    with pytest.raises(CommandError, match="new file"):
        call_command("engage_export_learner", "101", "--out", str(out))


def test_who_objects_finds_that_nothing_but_the_row_and_the_objection_is_held(
    live: LiveSite, capsys: pytest.CaptureFixture[str]
) -> None:
    lived_in(live)
    now = get_platform().now()
    object_to(CourseRun.objects.get(), 101, now)
    assert export("101", capsys=capsys)["course_runs"][COURSE]["clicks"], "while it can be undone it is kept, and told"
    erase(now + timedelta(days=1))
    found = export("101", capsys=capsys)
    run = found["course_runs"][COURSE]
    assert (run["clicks"], run["LearnerState"], run["DailySnapshot"], run["Submission"]) == ([], [], [], [])
    assert run["Prediction"][0]["certify"] is None
    assert found["elsewhere"]["Objection"][0]["until"] is None


def test_of_somebody_retired_the_tombstone_alone_is_told(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    Tombstone.objects.create(user_id=OTHER)
    found = export(str(OTHER), capsys=capsys)
    assert (found["course_runs"], set(found["elsewhere"])) == ({}, {"Tombstone"})
