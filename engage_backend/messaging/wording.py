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
_PLACE = re.compile(r"\[:\s*([A-Za-z_ ]{1,40}?)\s*:\]")
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

    from_name: str = ""
    reply_to: str = ""
    subject: str = ""
    body: str = ""

    @classmethod
    def checked(cls, *, from_name: str = "", reply_to: str = "", subject: str = "", body: str = "") -> Wording:
        """The message, trimmed. Raises WordingProblem; a draft may still lack a subject or a body."""
        made = cls(
            from_name=_line("from_name", from_name, MOST_NAME),
            reply_to=_line("reply_to", reply_to, 254),
            subject=_line("subject", subject, MOST_SUBJECT),
            body=_body(body),
        )
        if made.reply_to and not _ADDRESS.fullmatch(made.reply_to):
            raise WordingProblem("reply_to", Said(_("is not one address of the form name@example.org")))
        if set(made.from_name) & {FIRST, FULL} or _PLACE.search(made.from_name):
            raise WordingProblem("from_name", Said(_("cannot hold a learner's name")))
        for field in ("subject", "body"):
            list(_places(field, getattr(made, field)))
        return made

    def check_complete(self) -> None:
        """Raises WordingProblem where something is missing that a mail needs."""
        for field in ("subject", "body"):
            if not getattr(self, field):
                raise WordingProblem(field, Said(_("is empty; a message needs one before it can be sent")))


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
        name = found[1].replace(" ", "").lower()
        if name not in _PLACES:
            raise WordingProblem(
                field, Said(_("asks for {place}; there are [:firstname:] and [:fullname:]"), {"place": found[0]})
            )
        yield name


def with_places(text: str) -> str:
    """The text with one private character for each `[:firstname:]` and `[:fullname:]`, however they are written."""
    return _PLACE.sub(lambda found: _PLACES.get(found[1].replace(" ", "").lower(), found[0]), text)


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
        return cls(first or full.partition(" ")[0], full or first)

    @property
    def masked(self) -> Name:
        """The first letter of each word, for a preview: `A··· K···`."""
        return Name(_mask(self.first), _mask(self.full))


def _tidy(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name.strip()[:MOST_NAME]
    kept = (" " if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs") else c for c in name)
    return " ".join("".join(kept).split())[:MOST_NAME]


def _mask(name: str) -> str:
    return " ".join(f"{word[0]}···" for word in name.split())


_START = re.compile(rf"((?:^|[\n>])\s*)[{FIRST}{FULL}][ ]?[,;:!]?[ ]*(\w?)")
_WITHIN = re.compile(rf"[ ]?[{FIRST}{FULL}]")


def fill(text: str, name: Name) -> str:
    """The text with the name in every place; where none is known, as if the author had not asked for one.

    `Hello FIRST,` becomes `Hello,`; `FIRST, your course` becomes `Your course`.
    """
    if name.full or name.first:
        return text.replace(FIRST, name.first).replace(FULL, name.full)
    text = _START.sub(lambda found: found[1] + found[2].upper(), text)
    return _WITHIN.sub("", text)
