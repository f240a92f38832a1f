"""What the pages tell people to type exists: commands, settings, files."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from engage_backend.conf import EngageSettings
from tests.operations.sites import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = {path.stem for path in (ROOT / "engage_backend/management/commands").glob("engage_*.py")}
BLOCKS = {"engage_communicator", "engage_learner"}
# What begins like a command and is none: packages, and the prefix of tables.
OTHERS = {"engage_backend", "engage_xblock", "engage_demo"}


def words(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"\bengage_[a-z]+(?:_[a-z]+)*\b", words(page)))
    assert named - COMMANDS - BLOCKS - OTHERS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_is_there(page: Path) -> None:
    known = {field.name.upper() for field in fields(EngageSettings)}
    assert set(re.findall(r'ENGAGE\["([A-Z_]+)"\]', words(page))) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_link_names_is_there(page: Path) -> None:
    linked = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", words(page)) if "://" not in link]
    assert [link for link in linked if link and not (page.parent / link).exists()] == []


def test_every_command_is_told_of_somewhere() -> None:
    told = "".join(map(words, PAGES))
    assert {command for command in COMMANDS if command not in told} - {"engage_openapi"} == set()
