"""What an author may write: names to fill in, and what is refused. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said

MOST_SUBJECT, MOST_NAME, MOST_BODY = 200, 100, 20_000  # characters
# What a name stands for until the Markdown has been read: characters of the private use area, which no author can write.
FIRST, FULL = "\ue000", "\ue001"
_PLACES = {"firstname": FIRST, "fullname": FULL}
# Here and below, what is searched for has a bounded width: no text makes that slow.
# Ours, and bulk e-mail's own (KEYWORD_FUNCTION_MAP in common/djangoapps/util/keyword_substitution.py).
_PLACE = re.compile(r"\[:([A-Za-z_\s]{1,60}):\]|%%([A-Za-z_]{1,40})%%")
_BULK_PLACES = {"user_fullname": "fullname"}
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")


class WordingProblem(ValueError):
    """A message that cannot be kept. `field` is where; the text says what is wrong and what to do, to whoever reads it."""

    def __init__(self, field: str, said: Said) -> None:
        super().__init__(field, said)
        self.field, self.said = field, said

    def __str__(self) -> str:
        return f"{self.field}: {self.said}"


@dataclass(frozen=True)
class Wording:
    """One message as its author wrote it. `checked` makes it; values made otherwise are trusted."""

    reply_to: str = ""
    subject: str = ""
    body: str = ""

    @classmethod
    def checked(cls, *, reply_to: str = "", subject: str = "", body: str = "") -> Wording:
        """The message, trimmed. Raises WordingProblem; a draft may still lack a subject or a body."""
        made = cls(
            reply_to=_line("reply_to", reply_to, 254),
            subject=_line("subject", subject, MOST_SUBJECT),
            body=_body(body),
        )
        if made.reply_to and not _ADDRESS.fullmatch(made.reply_to):
            raise WordingProblem("reply_to", Said(_("is not one address of the form name@example.org")))
        for field in ("subject", "body"):
            list(_places(field, getattr(made, field)))
        return made

    def check_complete(self) -> None:
        """Raises WordingProblem where something is missing that a mail needs, or a gap of a template is left open."""
        for field in ("subject", "body"):
            text = getattr(self, field)
            if not text:
                raise WordingProblem(field, _EMPTY[field])
            if (gap := find_gap(text)) is not None:
                raise WordingProblem(field, Said(_("Fill in the gap at “{gap}” before you send."), {"gap": gap}))


_EMPTY = {
    "subject": Said(_("The message has no subject: it needs one before it can be sent.")),
    "body": Said(_("The message has no text: it needs one before it can be sent.")),
}
_ITEM = re.compile(r"([ \t]*)(?:[-*+•]|\d{1,9}[.)])(?:[ \t]+(.*))?")
_LABEL_LINE = re.compile(r"\W*\w[\w ]{0,30}:")
_CODE = re.compile(r"`[^`\n]{0,500}`")
# `___`, `[...]` (a box to tick and a link apart), and the names that other programs fill in.
_BLANK = re.compile(
    r"_{3}|\b[xX]{4,40}\b|\bTODO\b|\bTBD\b|(?<!\S)\[(?!:)[ .…_?]{0,60}\](?!\(| \S)|\[(?:\.{2,60}|…)\]"
    r"|(?:\{{1,2}|\[|<)\s{0,9}(?:(?:user|first|full|last|student|learner)[ _]?)?name\s{0,9}(?:\}{1,2}|\](?!\()|>)",
    re.IGNORECASE,
)
_MOST_WORDS_OF_A_PROMPT = 3


def find_gap(text: str) -> str | None:
    """Return the first line, at most 60 characters, that is still to be completed; None where there is none.

    An empty list item, a label with nothing behind it (`When:`), a blank (`___`, `[...]`, `TODO`, `{name}`), an ellipsis in
    place of words. A sentence may trail off, and a line with a list below it may end in a colon.
    """
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines):
        marks = "".join(line.split())
        if not marks or (len(marks) > 2 and marks[0] in "-*_" and set(marks) == {marks[0]}):  # a rule
            continue
        item = _ITEM.fullmatch(line)
        said = (item[2] or "" if item else line).strip(" \t*_#>?")
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _BLANK.search(_CODE.sub("", line)):
            is_open = True
        elif not said:
            is_open = item is not None and not _has_more(lines, number)
        elif said.endswith((":", "：")):
            is_open = number == len(lines) - 1 or bool(not item and _LABEL_LINE.match(below))
            is_open = is_open or (item is not None and not _has_more(lines, number))
        else:
            is_prompt = len(lines) == 1 and len(said.strip(". …").split()) <= _MOST_WORDS_OF_A_PROMPT
            is_open = said.endswith(("...", "…")) and (is_prompt or not said.strip(". …")) and not _PLACE.search(said)
        if is_open:
            return line.strip()[:60]
    return None


def _has_more(lines: list[str], number: int) -> bool:
    """Whether a list item goes on below its first line: with what is indented deeper."""
    item = _ITEM.fullmatch(lines[number])
    below = next((line for line in lines[number + 1 :] if line.strip()), "")
    return item is not None and len(below) - len(below.lstrip()) > len(item[1])


def _line(field: str, value: object, most: int) -> str:
    """One line of a mail's head. A line break in it would begin another header: refused, never repaired."""
    text = _text(field, value).strip(" \t")
    if len(text) > most:
        raise WordingProblem(field, _too_long(text, most))
    for character in text:
        # Zl and Zp break lines as well, in what some programs make of a header.
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise WordingProblem(
                field, Said(_("holds a line break or another control character; write it in one line"))
            )
    return text


def _body(value: object) -> str:
    text = _text("body", value).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if len(text) > MOST_BODY:
        raise WordingProblem("body", _too_long(text, MOST_BODY))
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise WordingProblem("body", Said(_("holds control characters; paste it as plain text")))
    return text


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise WordingProblem(field, Said(_("is a {kind}, and has to be text"), {"kind": type(value).__name__}))
    if any("\ue000" <= character <= "\uf8ff" or "\ud800" <= character <= "\udfff" for character in value):
        raise WordingProblem(field, Said(_("holds characters that stand for nothing (private use or half a pair)")))
    return value


def _too_long(text: str, most: int) -> Said:
    return Said(_("has {count} characters; {most} at most fit"), {"count": len(text), "most": most})


def _places(field: str, text: str) -> Iterator[str]:
    """The names that a text asks for. Raises WordingProblem at one that there is not."""
    for found in _PLACE.finditer(text):
        name = _name_of_place(found)
        if name not in _PLACES:
            raise WordingProblem(
                field, Said(_("asks for {place}; there are [:firstname:] and [:fullname:]"), {"place": found[0]})
            )
        yield name


def with_places(text: str) -> str:
    """The text with one private character for each `[:firstname:]` and `[:fullname:]`, however they are written."""
    return _PLACE.sub(lambda found: _PLACES.get(_name_of_place(found), found[0]), text)


def _name_of_place(found: re.Match[str]) -> str:
    if found[1] is None:
        return _BULK_PLACES.get(found[2].lower(), found[2])
    return "".join(found[1].split()).lower()


def asks_for_name(text: str) -> bool:
    """Return whether the text has a place for a learner's name."""
    return with_places(text) != text


class Name(NamedTuple):
    """What a learner is called; empty where nothing is known."""

    first: str
    full: str

    @classmethod
    def of(cls, first: str, full: str) -> Name:
        """From what the platform says: control characters become spaces, what is missing is made from the other."""
        first, full = _tidy(first), _tidy(full)
        return cls(first or given_name(full), full or first)

    @property
    def masked(self) -> Name:
        """The first letter of each word, for a preview: `A··· K···`."""
        return Name(_mask(self.first), _mask(self.full))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "dr doctor prof professor mr mrs ms miss mx sir madam dame lady lord rev hon fr father sister brother rabbi imam sheikh"
    " capt captain col gen lt maj sgt herr frau hr dipl ing mag phd msc bsc mme mlle monsieur madame mademoiselle"
    " sr sra srta señor señora señorita senhor senhora signor signora signorina sig dott dott.ssa ir drs mevr dhr meneer"
    " mevrouw pan pani shri sri smt kumari khun"
)
_DEGREES = _words("jr sr ii iii iv phd ph.d md m.d dds jd esq mba msc bsc ma ba cpa rn dphil edd")
# A first word that is no name by itself: `Abd al-Rahman`, `van der Berg`.
_PARTICLES = _words(
    "abd abdul abdel abu abou umm bin ibn bint al el van von vom zu de del della di da das dos du der den "
    "ten ter la le mac st san santa o"
)
# Scripts in which words are not parted by spaces, or the family name stands first: the start of a letter's Unicode name.
_FAMILY_FIRST = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def given_name(full: str) -> str:
    """Return the name by which a letter greets somebody, from a full name as they wrote it; in doubt the full name.

    `Obama, Barack` gives `Barack`, `Dr. Ann Lee` gives `Ann`. A single word, an initial, a title before a single word, a name
    of two people, and a name in a script without spaces stay whole.
    """
    parts = [part.split() for part in full.split(",")]
    while len(parts) > 1 and all(_bare(word) in _DEGREES for word in parts[-1]):
        parts.pop()
    words = _without_titles(parts[-1])
    of_two = {"&", "+", "/", "and", "und", "et", "y"} & {word.lower() for word in words}
    if len(parts) > 2 or len(words) < 3 - len(parts) or of_two:
        return full
    first = words[0]
    letters = [character for character in first if character.isalpha()]
    is_initial = len(letters) < 2 or "." in first
    # `DUPONT Marie`: a family name in capitals stands before the given one.
    is_family_name = first.isupper() and not all(word.isupper() for word in words)
    has_its_own_order = any(unicodedata.name(one, "").startswith(_FAMILY_FIRST) for one in letters)
    is_odd = not all(one in "-'’·" or unicodedata.category(one)[0] in "LM" for one in first)
    is_particle = _bare(first) in _PARTICLES
    return full if is_initial or is_family_name or has_its_own_order or is_odd or is_particle else first


def _without_titles(words: list[str]) -> list[str]:
    kept = list(words)
    while kept and _bare(kept[0]) in _TITLES:
        kept.pop(0)
    return kept


def _bare(word: str) -> str:
    return word.strip(".").lower()


def _tidy(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name.strip()[:MOST_NAME]
    kept = (" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs") else c for c in name)
    return " ".join("".join(kept).split())[:MOST_NAME]


def _mask(name: str) -> str:
    return " ".join(f"{word[0]}···" for word in name.split())


_START = re.compile(rf"((?:^|[\n>])[^\S\n]{{0,60}})[{FIRST}{FULL}][ ]?[,;:!]?[ ]{{0,60}}(\w?)")
_WITHIN = re.compile(rf"[ ]?[{FIRST}{FULL}]")


def fill(text: str, name: Name) -> str:
    """The text with the name in every place; where none is known, as if the author had not asked for one.

    `Hello FIRST,` becomes `Hello,`; `FIRST, your course` becomes `Your course`.
    """
    if name.full or name.first:
        return text.replace(FIRST, name.first).replace(FULL, name.full)
    text = _START.sub(lambda found: found[1] + found[2].upper(), text)
    return _WITHIN.sub("", text)
