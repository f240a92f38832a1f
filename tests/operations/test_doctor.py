"""The doctor: each trouble that can be brought about is found, and what to do is said."""

from __future__ import annotations

import json
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engage_backend.engagement.folder import save_model
from engage_backend.management.doctor import Finding, examine
from tests.engagement.clicks import listening_model, small_model
from tests.services import RedisServer

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "tracking" / "lms.jsonl"
MEMORY_MAIL = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def mail_that_goes_nowhere(settings: Any) -> None:
    settings.EMAIL_BACKEND = MEMORY_MAIL
    settings.LMS_ROOT_URL = "https://courses.example.org"


def found(about: str, log: Path | None = None) -> list[Finding]:
    return [finding for finding in examine(log) if finding.about == about]


def the_wrong(about: str, log: Path | None = None) -> Finding:
    (finding,) = [finding for finding in found(about, log) if finding.state == "wrong"]
    assert finding.do
    return finding


def test_a_site_that_is_set_up_has_nothing_to_mend(site: Any) -> None:
    told = StringIO()
    call_command("engage_doctor", "--log", str(SAMPLE), stdout=told)
    assert told.getvalue().endswith("nothing to mend\n")
    assert {finding.about for finding in examine(SAMPLE)} >= {
        "database",
        "redis",
        "mail",
        "model",
        "permissions",
        "time",
    }


def test_what_is_wrong_ends_with_status_1_and_can_be_read_by_a_program(site: Any, settings: Any) -> None:
    settings.ENGAGE = {"PLATFORM": "standalone", "MODEL": "/nowhere"}
    told = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("engage_doctor", "--json", stdout=told)
    assert ended.value.code == 1
    assert [finding["about"] for finding in json.loads(told.getvalue()) if finding["state"] == "wrong"] == ["model"]


def test_torch_is_asked_for_only_where_the_model_has_an_lstm(
    site: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    save_model(small_model(), {"name": "trees"}, tmp_path / "trees")
    save_model(listening_model(), {"name": "heard"}, tmp_path / "heard")
    there = find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else there(name))
    for folder, states in (("trees", ["ok"]), ("heard", ["ok", "note"])):
        settings.ENGAGE = {"PLATFORM": "standalone", "MODEL": str(tmp_path / folder)}
        findings = found("model")
        assert [finding.state for finding in findings] == states
    assert "torch" in findings[1].says and "openedx-engage[lstm]" in findings[1].do


def test_a_model_that_the_consumer_would_refuse_is_said(site: Any, settings: Any, tmp_path: Path) -> None:
    save_model(small_model(), {"name": "trees"}, tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(card | {"features": ["unheard_of"]}))
    settings.ENGAGE = {"PLATFORM": "standalone", "MODEL": str(tmp_path)}
    assert "unheard_of" in the_wrong("model").says


def test_settings_that_cannot_be_used_are_said_with_their_hint(site: Any, settings: Any) -> None:
    settings.ENGAGE = {"PLATFORM": "standalone", "ACTIVE_DAYS": 0}
    assert "whole number" in the_wrong("settings").do


def test_missing_migrations_are_named(site: Any) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    newest = MigrationRecorder.Migration.objects.filter(app="engage").latest("name")
    newest.delete()
    finding = the_wrong("database")
    assert newest.name in finding.says
    assert "migrate engage" in finding.do


def test_a_mail_server_that_is_away_is_said(site: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nothing listens there
    assert "EMAIL_HOST" in the_wrong("mail").do


def test_a_folder_for_mails_is_looked_at_and_left_as_it_was(site: Any, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mails"
    assert [(one.state, str(tmp_path / "mails") in one.says) for one in found("mail")] == [("note", True)]
    assert list(tmp_path.iterdir()) == []
    settings.EMAIL_FILE_PATH.mkdir()
    assert [one.state for one in found("mail")] == ["note"]
    assert list(settings.EMAIL_FILE_PATH.iterdir()) == []
    (tmp_path / "file").touch()
    settings.EMAIL_FILE_PATH = tmp_path / "file"
    assert "EMAIL_FILE_PATH" in the_wrong("mail").says


def test_without_an_address_of_the_site_nothing_can_be_sent(site: Any, settings: Any) -> None:
    settings.LMS_ROOT_URL = None
    assert "LMS_ROOT_URL" in the_wrong("mail").do


def test_a_redis_that_evicts_is_refused_and_one_that_does_not_is_well(site: Any, settings: Any, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        settings.ENGAGE = {"PLATFORM": "standalone", "STREAM": {"URL": redis.url}}
        assert [finding.state for finding in found("redis")] == ["ok"]
        assert "this machine and Redis" in found("time")[-1].says
        redis.client().config_set("maxmemory", "64mb")
        redis.client().config_set("maxmemory-policy", "allkeys-lru")
        assert "noeviction" in the_wrong("redis").do
    assert "does not answer" in the_wrong("redis").says


@pytest.mark.parametrize(
    ("lines", "state", "says"),
    [
        (b"", "note", "is empty"),
        (b'{"half": \n' * 50, "wrong", "50 of the last 50 lines"),
        (
            b'{"time": "2025-07-17T10:00:00+00:00", "event_type": "/", "name": "/", "context": {}}\n',
            "note",
            "no learner",
        ),
    ],
)
def test_a_log_that_is_not_one_is_said(site: Any, tmp_path: Path, lines: bytes, state: str, says: str) -> None:
    log = tmp_path / "tracking.log"
    log.write_bytes(lines)
    (finding,) = found("log", log)
    assert (finding.state, says in finding.says) == (state, True), finding


def test_a_log_that_is_not_there_is_said_once(site: Any, tmp_path: Path) -> None:
    finding = the_wrong("permissions", tmp_path / "no.log")
    assert "there is no" in finding.says
    assert found("log", tmp_path / "no.log") == []


def test_a_real_log_is_read(site: Any) -> None:
    (finding, *_) = found("log", SAMPLE)
    assert (finding.state, "clicks in the last" in finding.says) == ("ok", True)


def test_a_quarantine_in_a_folder_that_is_not_there_is_said(site: Any, settings: Any) -> None:
    settings.ENGAGE = {"PLATFORM": "standalone", "QUARANTINE": "/nowhere/broken.jsonl"}
    assert "/nowhere" in the_wrong("permissions").do
