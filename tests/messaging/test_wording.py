"""Names in their places, Markdown that is safe, and words that are better not said."""

from __future__ import annotations

import re

import pytest

from engage_backend.messaging.cautions import warnings
from engage_backend.messaging.rendering import prepare, render
from engage_backend.messaging.wording import Name, Wording, WordingProblem, find_gap

ANNA, NOBODY = Name.of("Anna", "Anna Kim"), Name.of("", "")


HARMLESS = {
    '<a href="https://spy.example/x.png">',  # a picture becomes a link
    '<a href="https://e.example" title="onmouseover=alert(1)">',
}


def html(body: str, name: Name = ANNA) -> str:
    return render(prepare("s", body), name).html


def text(body: str, name: Name = ANNA) -> str:
    return render(prepare("s", body), name).text


@pytest.mark.parametrize(
    ("body", "known", "unknown"),
    [
        ("Hello [:firstname:],", "Hello Anna,", "Hello,"),
        ("Hello [:FullName:]!", "Hello Anna Kim!", "Hello!"),
        ("[:firstname:], your course", "Anna, your course", "Your course"),
        ("[: firstname :] [:firstname:]", "Anna Anna", ""),
        ("**[:firstname:]** and [:fullname:]", "Anna and Anna Kim", "And"),
    ],
)
def test_every_place_gets_the_name_and_reads_well_without_one(body: str, known: str, unknown: str) -> None:
    assert text(body) == known
    assert text(body, NOBODY).strip() == unknown


def test_what_is_missing_of_a_name_is_made_from_the_rest() -> None:
    assert Name.of("", "Anna Maria Kim") == Name("Anna", "Anna Maria Kim")
    assert Name.of("Anna", "") == Name("Anna", "Anna")
    assert Name.of("  An\tna\u202e ", "x\r\ny") == Name("An na", "x y")


@pytest.mark.parametrize(
    ("full", "first"),
    [
        ("Ann Lee", "Ann"),
        ("Mary Ann Smith", "Mary"),
        ("Jean-Luc Picard", "Jean-Luc"),
        ("ANN LEE", "ANN"),
        ("Мария Иванова", "Мария"),
        ("محمد علي", "محمد"),
        ("प्रिया शर्मा", "प्रिया"),
        ('Robert "Bob" Smith', "Robert"),
        ("Obama, Barack", "Barack"),
        ("O'Brien, Conan C.", "Conan"),
        ("Lee, Dr. Ann", "Ann"),
        ("Dr. Ann Lee", "Ann"),
        ("Madame Marie Curie", "Marie"),
        ("Prof. Dr. Max Planck", "Max"),
        ("Ann Lee, PhD", "Ann"),
    ],
)
def test_a_letter_greets_by_the_given_name(full: str, first: str) -> None:
    assert Name.of("", full).first == first


@pytest.mark.parametrize(
    "full",
    [
        *(
            "Madonna",
            "Mr John",
            "Ms. Jane",
            "Herr Müller",
            "Señor García",
            "J. K. Rowling",
            "J.R.R. Tolkien",
            "Smith, J.",
            "(Bob) Smith",
        ),
        *("王小明", "王 小明", "김 민수", "สมชาย ใจดี", "DUPONT Marie", "van der Berg Jan", "Abd al-Rahman Ali"),
        *("Ann & Bob Lee", "Ann and Bob Lee", "Smith, Jr., John", "Lee,", "ann@example.org", "anna2 kim"),
    ],
)
def test_in_doubt_a_letter_greets_by_the_full_name(full: str) -> None:
    assert Name.of("", full) == Name(full, full)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Due soon: ",
            "Something more…",
            "Something more ...",
            "…",
            "Hello,\n\n- When: \n- Where: \n",
            "Do this:\n\n- \n",
        ),
        *(
            "1. \n",
            "* one\n* \n* three",
            "+",
            "On ____ we meet",
            "See [...] there",
            "TODO",
            "It ends:",
        ),
        *("**When:**", "- Where: __\n- **When:**", "Dear [NAME],\n\nhi.", "Dear {name},", "Dear {{ first_name }},"),
        *("When: \nWhere: \n\nBye", "**When:** \nWhere: room 3", "- Where: ?", "• \nBye"),
    ],
)
def test_a_gap_of_a_template_is_found(text: str) -> None:
    assert find_gap(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("Hello [:firstname:],\n\nwelcome.", "Due soon: homework 3", "Here is the list:\n\n- a\n- b", "a\n\n---\n\nb"),
        *(
            "- When:\n  - Monday\n- Where: room 3",
            "It goes on, and on, and on…",
            "Wait... what?",
            "Hello [:firstname:]…\n\nHi",
        ),
        *("[a link](https://example.org)", "[](https://example.org)", "Take part:\n\nhttps://example.org", ""),
        *(
            "Bye.\n\nSee you soon...",
            "a\n\n* * *\n\nb",
            "Chapter XXX is open.",
            "- [ ] Read\n- [x] Write",
            "Use `{name}` in Python.",
        ),
    ],
)
def test_what_is_complete_has_no_gap(text: str) -> None:
    assert find_gap(text) is None


def test_what_has_a_gap_is_kept_as_a_draft_and_cannot_be_sent() -> None:
    wording = Wording.checked(subject="Due soon: ", body="Hello,\n\n- When: \n")
    with pytest.raises(WordingProblem) as found:
        wording.check_complete()
    assert (found.value.field, str(found.value.said)) == ("subject", "Fill in the gap at “Due soon:” before you send.")


def test_the_places_of_bulk_mail_are_understood_or_pointed_at() -> None:
    assert text("Dear %%USER_FULLNAME%%,") == "Dear Anna Kim,"
    for place in ("%%USER_ID%%", "%%COURSE_DISPLAY_NAME%%", "%%COURSE_END_DATE%%"):
        with pytest.raises(WordingProblem, match=place):
            Wording.checked(body=f"See {place}")
    assert Wording.checked(body="100%% of 50%%").body == "100%% of 50%%"


def test_a_name_is_no_markdown_and_no_html() -> None:
    name = Name.of("**<i>x</i>**", "[y](javascript:z)")
    assert html("[:firstname:]", name) == "<p>**&lt;i&gt;x&lt;/i&gt;**</p>\n"
    assert html("[:fullname:]", name) == "<p>[y](javascript:z)</p>\n"


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](  JaVaScRiPt:alert(1))",
        "<javascript:alert(1)>",
        "![x](https://spy.example/x.png)",
        "[x]: javascript:alert(1)\n\n[x]",
        '[x](https://e.example "onmouseover=alert(1)")\n<svg/onload=alert(1)>',
        "`<script>`",
        "```<script>\n</script>\n```",
    ],
)
def test_nothing_that_runs_or_tells_comes_through(body: str) -> None:
    made = html(body)
    tags = set(re.findall(r"<(/?[a-z0-9]+)", made))
    assert tags <= {"p", "/p", "a", "/a", "br", "code", "/code", "pre", "/pre"}
    assert set(re.findall(r"<a [^>]*>", made)) <= HARMLESS


def test_the_small_markdown_becomes_html_and_plain_text() -> None:
    body = (
        "# Title\n\nOne *two* **three**\nfour\n\n- a\n- b\n\n3. c\n4. d\n\n> said\n\n[link](https://e.example/?a=1&b=2)"
    )
    made = html(body)
    for part in ("<h1>Title</h1>", "<em>two</em>", "<strong>three</strong><br />", "<li>a</li>", '<ol start="3">',
                 "<blockquote>", '<a href="https://e.example/?a=1&amp;b=2">link</a>'):  # fmt: skip
        assert part in made
    assert text(body).split("\n\n") == [
        "Title",
        "One two three\nfour",
        "- a\n- b\n3. c\n4. d",
        "> said",
        "link (https://e.example/?a=1&b=2)",
    ]
    assert text("0. none\n1. one") == "0. none\n1. one"


@pytest.mark.parametrize("scheme", ["https://e.example", "http://e.example", "mailto:ines@team.example"])
def test_links_lead_to_pages_and_addresses(scheme: str) -> None:
    assert f'href="{scheme}"' in html(f"[x]({scheme})")


def test_a_name_cannot_leak_through_a_link() -> None:
    with pytest.raises(WordingProblem, match="address of a link"):
        prepare("s", "[x](https://e.example/?name=[:fullname:])")


@pytest.mark.parametrize("address", ["ines@team.example", "i.n+es@a-b.team.example"])
def test_one_address_is_a_reply_to(address: str) -> None:
    assert Wording.checked(reply_to=f" {address} ").reply_to == address


BROKEN = ["ines", "ines@", "@x.example", "a@b", "a b@c.example", "a@b.example,c@d.example", "<a@b.example>"]
HARMFUL = [
    *("at risk", "At-Risk", "predicted", "Prediction", "fail", "failing", "12 %", "12.5%", "3 percent"),
    *("dropping out", "fallen behind", "likely to", "our model says"),
]
# What they are in German, each with the word that its reason turns on.
GERMAN_HARMFUL = [
    ("Sie sind gefährdet.", "gefährdet", "drop out"),
    ("Sie gelten als gefa\u0308hrdet.", "gefährdet", "drop out"),
    ("Ihr Risiko ist hoch.", "Risiko", "drop out"),
    ("Ihr Abbruchrisiko ist hoch.", "Abbruchrisiko", "drop out"),
    ("Sie könnten durchfallen.", "durchfallen", "drop out"),
    ("Viele fallen in diesem Kurs durch.", "fallen in diesem Kurs durch", "drop out"),
    ("Vielleicht werden Sie nicht bestehen.", "nicht bestehen", "drop out"),
    ("Sie bestehen diesen Kurs wohl nicht.", "bestehen diesen Kurs wohl nicht", "drop out"),
    ("Bevor Sie abbrechen", "abbrechen", "drop out"),
    ("Ein Kursabbruch ist schade.", "Kursabbruch", "drop out"),
    ("Sie haben fast abgebrochen.", "abgebrochen", "drop out"),
    ("Sie scheitern.", "scheitern", "drop out"),
    ("Sie sind im\nRückstand.", "im Rückstand", "drop out"),
    ("So ist es vorhergesagt.", "vorhergesagt", "guess"),
    ("Die Vorhersage sagt es.", "Vorhersage", "guess"),
    ("Unsere Prognose", "Prognose", "guess"),
    ("mit hoher Wahrscheinlichkeit", "Wahrscheinlichkeit", "guess"),
    ("Wahrscheinlich schaffen Sie es.", "Wahrscheinlich", "guess"),
    ("zu 80 Prozent", "80 Prozent", "verdict"),
    ("zu achtzig Prozent", "achtzig Prozent", "verdict"),
    ("Ein Algorithmus hat Sie gewählt.", "Algorithmus", "watched"),
    ("Unsere Daten zeigen es.", "Unsere Daten zeigen", "watched"),
    ("Uns ist aufgefallen, dass Sie fehlen.", "Uns ist aufgefallen, dass Sie", "watched"),
    ("Es ist uns aufgefallen, dass Sie fehlen.", "ist uns aufgefallen, dass Sie", "watched"),
    ("Wir haben bemerkt, dass du fehlst.", "haben bemerkt, dass du", "watched"),
]


@pytest.mark.parametrize("address", BROKEN)
def test_anything_else_is_none(address: str) -> None:
    with pytest.raises(WordingProblem, match="reply_to"):
        Wording.checked(reply_to=address)


@pytest.mark.parametrize("field", ["subject", "body"])
@pytest.mark.parametrize("said", HARMFUL)
def test_words_that_may_do_harm_are_pointed_out_with_the_reason(field: str, said: str) -> None:
    (found,) = warnings(Wording(**{field: f"You are {said} now"}))
    assert (found.field, found.words) == (field, said)
    assert len(found.reason) > 40


@pytest.mark.parametrize(("text", "words", "reason"), GERMAN_HARMFUL)
def test_german_words_that_may_do_harm_are_pointed_out_to_whoever_reads_english_too(
    text: str, words: str, reason: str
) -> None:
    (found,) = warnings(Wording(body=text))
    assert found.words == words
    assert reason in found.reason


HARMLESS_GERMAN = [
    "Die Aufgabe ist bis Freitag abzugeben; die Noten kommen voraussichtlich am Montag.",
    "In der Wahrscheinlichkeitsrechnung geht es um Würfel, in Geografie um die Wettervorhersage.",
    "Die Farbe fällt durch ihre Helligkeit auf. Fehler bestehen nicht.",
    "Wir haben festgestellt, dass sie (die Links) nicht gehen. Uns ist aufgefallen, dass ein Video fehlt.",
    "Bestehen Sie nicht auf einer Antwort am Sonntag, und sagen Sie mir vorher Bescheid.",
    "Es besteht noch nicht für alle die Pflicht zur Anmeldung. Durchfahrt frei, Gefälle 3.",
]


@pytest.mark.parametrize(
    "said", ["The failsafe", "Asterisk", "unpredictable weather?", "task 12", "Fair enough", *HARMLESS_GERMAN]
)
def test_other_words_are_not(said: str) -> None:
    assert warnings(Wording(subject=said)) == []
