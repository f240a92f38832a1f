"""What the server says, in the language of whoever reads it: the catalogue is whole; mails, pages and the API use it."""

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
from engage_backend.models import AutomationDay, Communication, CommunicationVersion
from engage_backend.platform.protocol import Recipient
from engage_backend.tasks import send_trial, tell
from tests.messaging.automatic import Course
from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import html_of, text_of
from tests.services import PATIENCE

PACKAGE = Path(engage_backend.__file__).parent
GERMAN = PACKAGE / "locale/de/LC_MESSAGES/django.po"
CALLS = {"_", "gettext", "ngettext", "pgettext"}
PLACE = re.compile(r"\{\w*\}|%\(\w+\)[sd]")
# What only a call written by hand can meet, and whoever writes it reads English: said in docs/openapi.yaml.
PROTOCOL = {
    "{} is not the key of a course run.",
    "The application that calls is restricted.",
    "'as' is json or csv, not {}.",
    "'before' has to be the number that a page of records gave as 'next'.",
    "The body has to be a JSON object.",
    "The body has to be a JSON object with {}.",
    'The body has to be a JSON object {"objects": true} or {"objects": false}.',
    "'objects' has to be true or false, and so has 'everywhere' where it is given.",
    "The body is no JSON that can be read: {}.",
    "{} is no number of JSON",
    "{} is not known here; known are {}.",
    "{}: is not known here; known are {}.",
    "{} is missing.",
    "{}: has to be a whole number from {} to {}.",
    "version: has to be a whole number.",
    "course_notice: has to be true or false.",
    "quiet: has to be wait or send.",
    "pseudonyms: has to be a list of pseudonyms.",
    "send_at: has to be a moment like 2026-03-01T09:00:00Z.",
    "key: a new one for each press of the button, 8 to 64 letters, digits, - and _.",
}
# Read by operators, in logs.
OPERATORS = {
    'edx-ace is not installed here: set ENGAGE["CHANNEL"] to "mail"',
    'edx-ace is not set up here: set ACE_CHANNEL_DEFAULT_EMAIL, or ENGAGE["CHANNEL"] to "mail"',
    "The header {} would hold a line break",
}
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
    assert len(texts) > 200
    assert texts - known == set()


def test_no_place_for_a_value_is_lost_or_invented_in_german() -> None:
    for block in GERMAN.read_text(encoding="utf-8").split("\n\n")[1:]:
        places = {
            name: set(PLACE.findall(said)) for name, said in re.findall(r'^(msg\S+) "(.*)"$', block, re.MULTILINE)
        }
        asked = places["msgid"] | places.get("msgid_plural", set())
        for name in {"msgstr", "msgstr[1]"} & places.keys():
            assert places[name] == asked, block
        assert places.get("msgstr[0]", set()) <= asked, block  # "one day" needs no number


def prose(node: ast.AST) -> Iterator[str]:
    """The texts below a node that nobody translates; places are `{}`. Keys and names have no blanks between letters."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        return
    if isinstance(node, ast.JoinedStr):
        said = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.Constant):
        said = str(node.value)
    else:
        for below in ast.iter_child_nodes(node):
            yield from prose(below)
        return
    if re.search(r"\w \w", said.replace("{}", "x")):
        yield said


@pytest.mark.parametrize("room", ["api", "messaging"])
def test_whatever_is_refused_is_refused_in_the_readers_language(room: str) -> None:
    raised = [
        node.exc
        for path in (PACKAGE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and node.exc is not None
    ]
    assert len(raised) > 20
    assert {said for one in raised for said in prose(one)} - PROTOCOL - OPERATORS == set()


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="no gettext on this machine")
def test_the_catalogue_is_what_its_source_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.mo"
    subprocess.run(["msgfmt", "-o", made, GERMAN], check=True, timeout=PATIENCE)
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


@pytest.fixture
def german(mailing: Mailing, settings: Any) -> Iterator[Mailing]:
    """A site that answers in the language of the browser, as an LMS does; the course team's browser asks for German."""
    first, *others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [first, "django.middleware.locale.LocaleMiddleware", *others]
    mailing.client = Client(headers={"accept-language": "de-AT,de;q=0.9,en;q=0.5"})
    mailing.client.force_login(mailing.site.users["staff"])
    with translation.override("en"):  # which the middleware changes, and nobody changes back
        yield mailing


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"subject": "x" * 201}, "subject: hat 201 Zeichen; höchstens 200 passen hinein"),
        ({"subject": "x\ny"}, "subject: enthält einen Zeilenumbruch oder"),
        ({"body": "Guten Tag [:lastname:]"}, "body: fragt nach [:lastname:]; es gibt [:firstname:] und"),
        ({"body": "[hier](https://x.example/[:fullname:])"}, "body: setzt den Namen einer Person in die Adresse"),
        (
            {"pseudonyms": ["abcdefgi"]},
            "1 von 1 Pseudonymen gehören zu keinen Lernenden dieses Kurses, darunter „abcdefgi“",
        ),
        ({"criteria": {"version": 1, "ranges": {"leave": [9, 1]}}}, "criteria.ranges.leave: [9, 1] läuft rückwärts"),
    ],
)
def test_an_author_is_told_in_german_what_is_wrong_and_the_field_keeps_its_name(
    german: Mailing, given: Any, said: str
) -> None:
    assert german.post(data=given, status=400)["detail"].startswith(said)


def test_who_is_turned_away_is_told_so_in_their_language(german: Mailing) -> None:
    assert Client(headers={"accept-language": "de"}).get(german.url).json()["detail"] == "Melden Sie sich zuerst an."
    german.client.force_login(german.site.users["stranger"])
    assert german.get(status=403)["detail"] == "Das ist für das Team dieses Kurses."
    me = german.url.replace("/communications", "/me")
    assert german.client.get(me).json()["detail"] == "Das ist für Lernende dieses Kurses, über sie selbst."


def test_a_browser_that_asks_for_english_or_another_language_is_answered_in_english(german: Mailing) -> None:
    for language in ("en", "ar"):
        client = Client(headers={"accept-language": language})
        assert client.get(german.url).json()["detail"] == "Log in first."


def test_what_is_not_there_and_what_cannot_be_done_is_said_in_german(german: Mailing) -> None:
    assert "keine Nachricht 77" in german.get("/77", status=404)["detail"]
    sent, draft = german.write(), german.write(subject="")
    german.send(sent)
    german.minute()
    german.work()
    assert german.post(f"/{sent['id']}/undo", status=409)["detail"].endswith(
        "hält zurück, was noch nicht gesendet ist."
    )
    assert "halten Sie sie stattdessen an" in german.client.delete(f"{german.url}/{sent['id']}").json()["detail"]
    refused = german.send(sent, status=409)["detail"]
    assert refused == "Es bleibt niemand, dem geschrieben werden kann (hat sie schon bekommen: 5)."
    assert german.send(draft, status=409)["detail"].startswith("Die Nachricht hat keinen Betreff")
    assert german.post("/export", {"format": "other"}, status=400)["detail"].startswith("Diese Datei ist keine")
    segments = german.url.replace("communications", "segments")
    given = {"name": "Unsere", "criteria": {"version": 1}}
    answers = [german.client.post(segments, given, content_type="application/json") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 409]
    assert answers[1].json()["detail"].startswith("Eine Gruppe „Unsere“ gibt es schon.")
    assert "Diese Gruppe gibt es" in german.client.delete(f"{segments}/999").json()["detail"]


def test_why_learners_are_left_out_is_said_in_german_and_counted_in_any_language(german: Mailing) -> None:
    german.site.course.opt_outs.create(user_id=german.learners[0].user_id)
    made = german.write()
    shown = german.post(f"/{made['id']}/preview")["audience"]
    assert shown == {"selected": 5, "to_write": 4, "left_out": {"hat Nachrichten abbestellt": 1}}
    assert german.send(made)["sending"]["left_out"] == {"hat Nachrichten abbestellt": 1}
    english = german.client.get(f"{german.url}/{made['id']}", headers={"accept-language": "en"}).json()
    assert english["sendings"][0]["left_out"] == {"opted out": 1}


def test_german_words_that_may_do_harm_are_pointed_out_with_a_german_reason(german: Mailing) -> None:
    (caution,) = german.write(subject="Sie sind gefährdet", body="Melden Sie sich.")["warnings"]
    assert (caution["field"], caution["words"]) == ("subject", "gefährdet")
    assert caution["reason"].startswith("Die Studie, auf die dieses Werkzeug zurückgeht, warnt")


def test_a_pause_is_read_by_each_in_their_language(course: Course) -> None:
    course.automatic("send")
    course.day(0)
    course.day(3, fed=False)
    english = course.paused()
    assert english.startswith("nobody looked at the course for 2 days: ")
    assert english.endswith("; no click has come for 3 days: the log stands still, or is read too late")
    with translation.override("de"):
        german = course.paused()
    assert german.startswith("2 Tage lang hat niemand nach dem Kurs gesehen: ")
    assert german.endswith(
        "; seit 3 Tagen ist kein Klick gekommen: das Protokoll steht still oder wird zu spät gelesen"
    )
    assert course.paused() == english


def test_a_pause_that_a_refusal_caused_on_a_german_site_is_read_in_english(course: Course, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    course.automatic("send", subject="")
    with translation.override("de"):
        course.day(0)
        course.day(1)
        assert course.paused() == "Die Nachricht hat keinen Betreff: ohne ihn kann sie nicht gesendet werden"
    with translation.override("en"):
        assert course.paused() == "The message has no subject: it needs one before it can be sent"


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("the course has ended", "der Kurs ist zu Ende"),
        ("no click has come for 30 hours", "no click has come for 30 hours"),
    ],
)
def test_a_pause_that_an_older_version_kept_can_still_be_read(course: Course, kept: str, shown: str) -> None:
    course.write()
    Communication.objects.update(paused_because=kept)
    with translation.override("de"):
        assert course.paused() == shown


def test_the_daily_mail_to_an_author_is_in_the_sites_language_where_they_chose_none(
    course: Course, settings: Any
) -> None:
    settings.LANGUAGE_CODE = "de"
    course.automatic("ask", subject="Wie geht es?")
    course.day(0)
    course.day(1)
    course.day(4, fed=False)
    for day in AutomationDay.objects.exclude(tell="").order_by("day"):
        assert tell(day.pk)
    fresh, paused = course.smtp.letters
    assert fresh["Subject"] == "2 Lernende sind dazugekommen: Wie geht es?"
    assert "prüfen und senden Sie sie im Communicator.\n\nEs wurde nichts gesendet." in text_of(fresh)
    assert paused["Subject"] == "Pausiert: Wie geht es?"
    assert "pausiert: 2 Tage lang hat niemand nach dem Kurs gesehen" in text_of(paused)
    assert "<p>Von selbst wird nichts mehr gesendet" in html_of(paused)


def test_a_test_to_oneself_is_in_ones_language(mailing: Mailing, settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    words = {"subject": "Hallo", "body": "Text"}
    send_trial(mailing.site.run.course_key, mailing.site.users["staff"].pk, words)
    assert "steht hier der Link, um keine mehr zu bekommen" in text_of(mailing.smtp.letters[0])
