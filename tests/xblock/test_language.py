"""The block in another language, as Open edX's blocks do it."""

from __future__ import annotations

import gettext
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from xblock.fields import Field

import engage_xblock
from engage_xblock import CommunicatorXBlock, LearnerXBlock
from tests.services import PATIENCE
from tests.xblock.test_communicator import STAFF, block_for
from tests.xblock.test_learner import block_for as learner_block_for

PACKAGE = Path(engage_xblock.__file__).parent
STATIC = PACKAGE.parent / "static"
CHECK = """
import { made } from "./strings/make.js";
const { files, missing, root } = made();
import { existsSync, readFileSync } from "node:fs";
const isStale = ([path, content]) => !existsSync(root + path) || !readFileSync(root + path).equals(Buffer.from(content));
const stale = [...files].filter(isStale);
console.log(JSON.stringify({ missing, stale: stale.map(([path]) => path) }));
"""


def scripts(language: str) -> list[str]:
    with translation.override(language):
        resources = block_for(STAFF).render("student_view").resources
    return [resource.data for resource in resources if resource.mimetype == "application/javascript"]


@pytest.mark.parametrize(("language", "code"), [("de", "de"), ("de-at", "de"), ("rtl", "rtl")])
def test_the_page_loads_the_texts_of_the_viewers_language_before_itself(language: str, code: str) -> None:
    assert scripts(language) == [
        f"/resource/public/js/translations/{code}/text.js",
        "/resource/public/communicator.js",
    ]


@pytest.mark.parametrize("language", ["en", "en-gb", "fr"])
def test_where_there_are_no_texts_of_a_language_the_page_speaks_english(language: str) -> None:
    assert scripts(language) == ["/resource/public/communicator.js"]


def test_the_platforms_service_finds_the_texts_of_python_where_it_looks_for_them() -> None:
    german = gettext.translation("text", PACKAGE / "translations", ["de"])
    assert german.gettext("Give the page a name.") == "Geben Sie der Seite einen Namen."


@pytest.mark.parametrize("block", [CommunicatorXBlock, LearnerXBlock])
def test_the_fields_of_a_block_are_named_in_german_where_a_studio_of_its_own_editor_shows_them(
    block: type[Any],
) -> None:
    german = gettext.translation("text", PACKAGE / "translations", ["de"])
    own = [field for field in vars(block).values() if isinstance(field, Field)]
    assert own
    for text in [text for field in own for text in (field.display_name, field.help)]:
        assert german.gettext(text) != text


def test_a_learners_block_without_a_name_of_the_course_teams_has_its_own_in_the_learners_language() -> None:
    block = learner_block_for({})
    block.runtime._services["i18n"] = gettext.translation("text", PACKAGE / "translations", ["de"])
    assert "<h3>Ihre Daten und Vorhersagen</h3>" in block.render("student_view").content
    block.display_name = "Save"  # a text of the catalogue, and yet a name
    assert "<h3>Save</h3>" in block.render("student_view").content


def test_no_place_for_a_value_is_lost_or_invented_in_translation() -> None:
    source = (PACKAGE / "conf/locale/de/LC_MESSAGES/text.po").read_text(encoding="utf-8")
    for block in source.split("\n\n")[1:]:
        texts = dict(re.findall(r'^(msg\S+) "(.*)"$', block, re.MULTILINE))
        places = {name: set(re.findall(r"\{\w+\}", text)) for name, text in texts.items()}
        for name in ("msgstr", "msgstr[1]"):
            if name in places:
                assert places[name] == places.get("msgid_plural", set()) | places["msgid"], block


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_german_is_complete_and_every_catalogue_is_what_its_source_makes() -> None:
    command = ["node", "--input-type=module", "--eval", CHECK]
    said = subprocess.run(command, cwd=STATIC, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    assert json.loads(said) == {"missing": [], "stale": []}, "run `npm run strings` in static/, translate, run it again"
