"""Outside DEBUG a block's files are served where `collectstatic` put them: the doctor asks whether they are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from engage_backend.management.doctor import Finding, examine

PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
HASHED = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
PUBLIC = "xblock/resources/engage_xblock/public"


@pytest.fixture(params=[PLAIN, HASHED], ids=["plain", "hashed"])
def root(request: Any, settings: Any, tmp_path: Path) -> Path:
    """A production site that has collected nothing yet."""
    settings.DEBUG = False
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": request.param}}
    return tmp_path / "static"


def static() -> Finding:
    (finding,) = [one for one in examine() if one.about == "static"]
    return finding


def collect() -> None:
    call_command("collectstatic", "--noinput", verbosity=0)


def test_before_anything_was_collected_the_doctor_says_what_to_run(db: None, root: Path) -> None:
    finding = static()
    assert finding.state == "wrong"
    assert f"/static/{PUBLIC}/author.js" in finding.says
    assert "manage.py lms collectstatic" in finding.do
    assert not root.exists()


def test_what_was_collected_is_found_under_its_name_and_its_hashed_one(db: None, root: Path) -> None:
    collect()
    assert static().state == "ok"


def test_one_file_that_is_missing_is_named(db: None, root: Path, settings: Any) -> None:
    collect()
    for file in (root / PUBLIC).glob("communicator*.js"):
        file.unlink()
    finding = static()
    assert (finding.state, f"/static/{PUBLIC}/communicator.js" in finding.says) == ("wrong", True)


def test_files_of_an_older_version_are_told(db: None, root: Path) -> None:
    collect()
    (root / PUBLIC / "communicator.js").write_text("// of the release before")
    finding = static()
    assert (finding.state, "installed version" in finding.says) == ("wrong", True)


def test_while_debug_is_on_the_platform_serves_them_from_the_package(db: None, settings: Any) -> None:
    settings.DEBUG = True
    assert not [one for one in examine() if one.about == "static"]
