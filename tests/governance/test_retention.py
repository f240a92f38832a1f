"""What is older than the site keeps it goes; what is not stays; and each thing has its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engage_backend.clickstream.quarantine import Quarantine, twins
from engage_backend.governance.retention import expire
from engage_backend.models import (
    AccessRecord,
    Communication,
    CommunicationVersion,
    CourseRun,
    DailySnapshot,
    Delivery,
    HistoryChunk,
    Learner,
    LearnerState,
    Prediction,
    Submission,
)
from engage_backend.platform.api import get_platform
from tests.engagement.clicks import clicks
from tests.engagement.live.conftest import LiveSite

PROFILE = (HistoryChunk, LearnerState, DailySnapshot, Submission)
END = datetime(2024, 4, 10, tzinfo=UTC)  # of the course: a hundred days


def lived_in(live: LiveSite) -> CourseRun:
    engine = live.engine()
    engine.ingest([*clicks(101, 80), *clicks(102, 80)])
    engine.tick()
    return CourseRun.objects.get()


def held() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in PROFILE}


def test_a_run_is_kept_until_its_time_is_over_and_then_what_learners_did_goes(live: LiveSite) -> None:
    lived_in(live)
    before = held()
    assert all(before.values())
    assert expire(END + timedelta(days=729)) == {}
    assert held() == before
    assert expire(END + timedelta(days=731)) == {"learners": 2}
    assert held() == dict.fromkeys(before, 0) | {"LearnerState": LearnerState.objects.count()}
    assert not LearnerState.objects.filter(learner__user_id__in=(101, 102)).exists()
    assert set(live.shown().values()) == {(None, None, None)}
    assert expire(END + timedelta(days=732)) == {}


def test_in_a_run_without_an_end_those_who_were_silent_for_long_are_let_go(live: LiveSite) -> None:
    run = lived_in(live)
    CourseRun.objects.update(end=None)
    last = Learner.objects.get(user_id=101).last_active
    assert last is not None
    Learner.objects.filter(user_id=102).update(last_active=last + timedelta(days=1))
    assert expire(last + timedelta(days=730, hours=12)) == {"learners": 1}
    assert not HistoryChunk.objects.filter(learner__user_id=101).exists()
    assert HistoryChunk.objects.filter(learner__user_id=102).exists()
    assert Prediction.objects.get(learner__user_id=101).version > run.version


def test_of_those_who_are_not_enrolled_any_more_no_row_stays(live: LiveSite) -> None:
    lived_in(live)
    Learner.objects.filter(user_id=101).update(state="left")
    expire(END + timedelta(days=731))
    assert 101 not in live.states()
    assert 102 in live.states()


def test_the_next_pass_finds_nothing_to_bring_back(live: LiveSite) -> None:
    lived_in(live)
    expire(END + timedelta(days=731))
    live.clock(900)
    live.engine().tick()
    assert not HistoryChunk.objects.exists()
    assert set(live.states().values()) == {"never_started"}
    assert expire(get_platform().now()) == {}


def test_none_keeps_for_ever_and_days_are_the_sites_to_choose(live: LiveSite, settings: Any) -> None:
    lived_in(live)
    settings.ENGAGE = {**settings.ENGAGE, "RETENTION_DAYS": {"LEARNERS": None}}
    assert expire(END + timedelta(days=36_000)) == {}
    settings.ENGAGE = {**settings.ENGAGE, "RETENTION_DAYS": {"LEARNERS": 30}}
    assert expire(END + timedelta(days=31)) == {"learners": 2}


def test_who_had_which_message_is_kept_while_the_run_may_still_be_written_in(site: Any) -> None:
    learner = site.learner(1)
    communication = Communication.objects.create(course_run=site.run, author_id=1)
    version = CommunicationVersion.objects.create(
        communication=communication, number=1, author_id=1, subject="s", body="b", criteria={}
    )
    Delivery.objects.create(communication=communication, learner=learner, version=version, state="sent")
    far = END + timedelta(days=5_000)
    expire(far)
    assert Delivery.objects.exists()  # the run has no end: never twice
    site.run.end = END
    site.run.save()
    assert expire(END + timedelta(days=731))["messages"] == 1
    assert CommunicationVersion.objects.exists()


def test_who_looked_is_kept_by_the_worlds_clock(site: Any) -> None:
    old = AccessRecord.objects.create(course_run=site.run, user_id=1, action="look")
    new = AccessRecord.objects.create(course_run=site.run, user_id=1, action="look")
    AccessRecord.objects.filter(pk=old.pk).update(at=datetime.now(UTC) - timedelta(days=731))
    assert expire(datetime(1990, 1, 1, tzinfo=UTC)) == {"access records": 1}
    assert AccessRecord.objects.get() == new


def test_broken_records_go_after_a_month_from_both_files(db: None, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "quarantine.jsonl"
    settings.ENGAGE = {"QUARANTINE": str(path)}
    Quarantine(path, max_bytes=600).keep("s", [b'{"broken %d' % n for n in range(5)], {})
    files = [file for file in twins(path) if file.exists()]
    assert len(files) == 2
    now, site_now = datetime.now(UTC), get_platform().now()
    assert expire(site_now, real=now + timedelta(days=29)) == {}
    gone = expire(site_now, real=now + timedelta(days=31))
    assert 0 < gone["broken records"] <= 5
    assert b"broken" not in b"".join(file.read_bytes() for file in files if file.exists())


def test_the_command_says_what_it_deleted(live: LiveSite, capsys: pytest.CaptureFixture[str]) -> None:
    lived_in(live)
    live.clock(900)
    call_command("engage_retention")
    assert "2 learners deleted" in capsys.readouterr().out
    call_command("engage_retention")
    assert "nothing is older" in capsys.readouterr().out


def test_the_clock_of_cron_does_it(live: LiveSite) -> None:
    lived_in(live)
    live.clock(900)
    call_command("engage_tick")
    assert not HistoryChunk.objects.exists()


def test_the_consumers_clock_does_it(live: LiveSite, tmp_path: Path) -> None:
    lived_in(live)
    live.clock(900)
    log = tmp_path / "tracking.log"
    log.touch()
    call_command("engage_consume", str(log), "--once", "--max-wait", "0")
    assert not HistoryChunk.objects.exists()
