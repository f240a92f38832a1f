"""What the server says to learners, in the language that they read: the catalogue is whole, and mails and pages use it."""

from __future__ import annotations

import ast
import gettext
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

import engage_backend
from engage_backend.messaging.mail import Writer
from engage_backend.models import CommunicationVersion
from engage_backend.platform.protocol import Recipient
from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import html_of, text_of

PACKAGE = Path(engage_backend.__file__).parent
GERMAN = PACKAGE / "locale/de/LC_MESSAGES/django.po"
CALLS = {"_", "gettext", "ngettext", "pgettext"}
TAG = re.compile(r'{%\s*translate\s+"([^"]+)"')
BLOCK = re.compile(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*(?:plural|endblocktranslate)", re.DOTALL)


def said() -> Iterator[str]:
    """Every text that code or templates ask a catalogue for."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                if texts[node.func.id == "pgettext" :]:  # a name that a loop gives is found in the page's own tests
                    yield texts[-1] if node.func.id == "pgettext" else texts[0]
    for path in (PACKAGE / "templates").rglob("*.html"):
        source = path.read_text(encoding="utf-8")
        yield from TAG.findall(source)
        yield from (re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", text) for text in BLOCK.findall(source))


def test_every_text_is_there_in_german(tmp_path: Path) -> None:
    with GERMAN.with_suffix(".mo").open("rb") as file:
        catalogue: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    known = {(key[0] if isinstance(key, tuple) else key).rpartition("\x04")[2] for key in catalogue}
    texts = set(said())
    assert len(texts) > 50
    assert texts - known == set()


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="no gettext on this machine")
def test_the_catalogue_is_what_its_source_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.mo"
    subprocess.run(["msgfmt", "-o", made, GERMAN], check=True, timeout=60)
    assert made.read_bytes() == GERMAN.with_suffix(".mo").read_bytes()


def test_a_mail_says_in_the_sites_language_why_it_came(mailing: Mailing, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    letter = mailing.smtp.to("l1@people.example")
    for text in (text_of(letter), html_of(letter)):
        assert "weil Sie in course-v1:TestX+T101+2024 eingeschrieben sind" in text
        assert "Keine Nachrichten dieses Kurses mehr" in text
        assert "enrolled" not in text


@pytest.mark.parametrize(
    ("language", "word"),
    [("de", "Keine Nachrichten"), ("de-at", "Keine Nachrichten"), ("", "No more"), ("xx", "No more")],
)
def test_a_learner_who_chose_a_language_reads_the_footer_in_it(mailing: Mailing, language: str, word: str) -> None:
    mailing.write()
    writer = Writer(mailing.site.run, CommunicationVersion.objects.get(), "https://courses.example")
    person = Recipient(1, "l1@people.example", "First1 Last1", "First1", True, language=language)
    assert word in writer.letter(person, mailing.learners[0].pk).rendered.text


def test_the_page_behind_the_link_speaks_the_visitors_language(mailing: Mailing) -> None:
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    link = str(mailing.smtp.to("l1@people.example")["List-Unsubscribe"]).strip(" <>")
    path = link.removeprefix("https://courses.example")
    with translation.override("de"):
        pages = [Client().get(path), Client().post(path), Client().get(path + "x")]
    for page, words in zip(pages, ("Keine Nachrichten von", "Sie erhalten keine", "Dieser Link"), strict=True):
        assert words in page.content.decode()
        assert '<html lang="de">' in page.content.decode()
