"""What an author may write: names to fill in, what is refused, and what is better not said. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

MOST_SUBJECT, MOST_NAME, MOST_BODY = 200, 100, 20_000  # characters
# What a name stands for until the Markdown has been read: characters of the private use area, which no author can write.
FIRST, FULL = "\ue000", "\ue001"
_PLACES = {"firstname": FIRST, "fullname": FULL}
_PLACE = re.compile(r"\[:\s*([A-Za-z_ ]{1,40}?)\s*:\]")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")


class WordingProblem(ValueError):
    """A message that cannot be kept. `field` is where; the text says what is wrong and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


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
            raise WordingProblem("reply_to", "is not one address of the form name@example.org")
        if set(made.from_name) & {FIRST, FULL} or _PLACE.search(made.from_name):
            raise WordingProblem("from_name", "cannot hold a learner's name")
        for field in ("subject", "body"):
            list(_places(field, getattr(made, field)))
        return made

    def check_complete(self) -> None:
        """Raises WordingProblem where something is missing that a mail needs."""
        for field in ("subject", "body"):
            if not getattr(self, field):
                raise WordingProblem(field, "is empty; a message needs one before it can be sent")


def _line(field: str, value: object, most: int) -> str:
    """One line of a mail's head. A line break in it would begin another header: refused, never repaired."""
    text = _text(field, value).strip(" \t")
    if len(text) > most:
        raise WordingProblem(field, f"has {len(text)} characters; {most} at most fit")
    for character in text:
        # Zl and Zp break lines as well, in what some programs make of a header.
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            raise WordingProblem(field, "holds a line break or another control character; write it in one line")
    return text


def _body(value: object) -> str:
    text = _text("body", value).replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if len(text) > MOST_BODY:
        raise WordingProblem("body", f"has {len(text)} characters; {MOST_BODY:,} at most fit into a message")
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise WordingProblem("body", "holds control characters; paste it as plain text")
    return text


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise WordingProblem(field, f"is a {type(value).__name__}, and has to be text")
    if any("\ue000" <= character <= "\uf8ff" or "\ud800" <= character <= "\udfff" for character in value):
        raise WordingProblem(field, "holds characters that stand for nothing (private use or half a pair)")
    return value


def _places(field: str, text: str) -> Iterator[str]:
    """The names that a text asks for. Raises WordingProblem at one that there is not."""
    for found in _PLACE.finditer(text):
        name = found[1].replace(" ", "").lower()
        if name not in _PLACES:
            raise WordingProblem(field, f"asks for {found[0]}; there are [:firstname:] and [:fullname:]")
        yield name


def with_places(text: str) -> str:
    """The text with one private character for each `[:firstname:]` and `[:fullname:]`, however they are written."""
    return _PLACE.sub(lambda found: _PLACES.get(found[1].replace(" ", "").lower(), found[0]), text)


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


class Caution(NamedTuple):
    """Words that may do harm: where, which, and why. Nothing is refused for them."""

    field: str  # subject or body
    words: str
    reason: str


_HARM = (
    "The study that this tool goes back to warns: being told that one is at risk can itself make a learner drop out."
)
_DOUBT = "A prediction is a guess about a group of learners; for this learner it may be wrong, and it would hurt."
_FIGURE = "A figure about oneself reads as a verdict, and these figures may be off for a single learner."
_WATCHED = "It tells learners that they are watched, without telling them by whom, for what, and how to object."
_HARMFUL: tuple[tuple[str, str], ...] = (
    (r"\bat[ -]risk\b|\brisk(?:s|ed|y)?\b", _HARM),
    (r"\bfail(?:s|ed|ing|ure|ures)?\b", _HARM),
    (r"\bdrop(?:s|ped|ping)?[ -]?outs?\b|\bgiv(?:e|es|ing) up\b|\bfall(?:en|ing)? behind\b", _HARM),
    (r"\bpredict(?:s|ed|ing|ion|ions|ive)?\b|\bforecasts?\b|\bprobabilit(?:y|ies)\b", _DOUBT),
    (r"\bchances? of\b|\b(?:un)?likely to\b", _DOUBT),
    (r"\d+(?:[.,]\d+)?\s?(?:%|per ?cent\b|percent\b)", _FIGURE),
    (
        r"\balgorithms?\b|\bour (?:model|data|system) (?:says?|shows?|tells?)\b|\bwe (?:have )?noticed that you\b",
        _WATCHED,
    ),
)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), reason) for pattern, reason in _HARMFUL]


def warnings(wording: Wording) -> list[Caution]:
    """What a careful colleague would ask the author about, in reading order; the same words once a field."""
    found: dict[tuple[str, str], tuple[int, Caution]] = {}
    for field, text in (("subject", wording.subject), ("body", wording.body)):
        for pattern, reason in _PATTERNS:
            for match in pattern.finditer(text):
                warning = Caution(field, match[0], reason)
                found.setdefault((field, match[0].lower()), (match.start(), warning))
    return [warning for _, warning in sorted(found.values(), key=lambda pair: (pair[1].field != "subject", pair[0]))]
