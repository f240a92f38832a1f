"""From an author's Markdown to the two parts of a mail: HTML and plain text. Pure.

A small, safe part of CommonMark: paragraphs, headings, emphasis, links, lists, quotes, code, rules, line breaks. No HTML, no
images (a picture from elsewhere tells that a mail was read), and links to http, https and mailto only.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.said import Said
from engage_backend.messaging.wording import FIRST, FULL, Name, WordingProblem, fill, with_places

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_RULES = [
    *("paragraph", "heading", "lheading", "list", "blockquote", "code", "fence", "hr"),
    *("emphasis", "link", "autolink", "backticks", "newline", "escape", "entity"),
]
_SCHEMES = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


class Parts(NamedTuple):
    """A message before names are filled in, which is the same for everybody: what is costly is done once."""

    subject: str
    text: str
    html: str


class Rendered(NamedTuple):
    """A message to one learner."""

    subject: str
    text: str
    html: str


def prepare(subject: str, body: str) -> Parts:
    """Read the Markdown. Raises WordingProblem where a name stands in the address of a link."""
    tokens = _markdown().parse(with_places(body))
    made = str(_markdown().renderer.render(tokens, _markdown().options, {}))
    if any(place in made for place in ("%EE%80%80", "%EE%80%81")):
        raise WordingProblem("body", Said(_("puts a learner's name into the address of a link; take it out of there")))
    return Parts(with_places(subject), _plain(tokens), made)


def render(parts: Parts, name: Name) -> Rendered:
    """The message with a learner's name in every place. In HTML the name is text, whatever it holds."""
    escaped = Name(html.escape(name.first), html.escape(name.full))
    return Rendered(" ".join(fill(parts.subject, name).split()), fill(parts.text, name), fill(parts.html, escaped))


def subject_for(subject: str, name: Name | None = None) -> str:
    """Return the subject with the learner's name in its places; without `name`, as the course team may see it."""
    shown = Name(gettext("(first name)"), gettext("(full name)")) if name is None else name
    return " ".join(fill(with_places(subject), shown).split())


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # a fifth of what we cost a process that starts, and few of them render

    reader = MarkdownIt("zero", {"html": False, "breaks": True, "linkify": False, "xhtmlOut": True}).enable(_RULES)
    # The reader's own check lets through what has no scheme: in a mail such an address leads nowhere.
    reader.validateLink = lambda url: bool(_SCHEMES.match(url))  # type: ignore[method-assign]
    return reader


def _plain(tokens: Sequence[Token]) -> str:
    """The same in plain text: a link is followed by its address, a list has marks, a quote is set off."""
    blocks: list[str] = []
    numbers: list[int | None] = []  # of the lists that we are in: the next number, or None for a mark
    mark = ""
    quotes = 0
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            number = numbers[-1]
            mark = "- " if number is None else f"{number}. "
            if number is not None:
                numbers[-1] = number + 1
        elif token.type == "blockquote_open":
            quotes += 1
        elif token.type == "blockquote_close":
            quotes -= 1
        elif token.type in ("inline", "fence", "code_block", "hr"):
            text = "----" if token.type == "hr" else token.content.rstrip("\n")
            if token.type == "inline":
                text = _inline(token.children or [])
            indent = "  " * max(0, len(numbers) - 1)
            lead, rest = f"{indent}{mark}", indent + " " * len(mark) if mark or numbers else indent
            if numbers and not mark:
                rest = lead = indent + "  "
            lines = [f"{'> ' * quotes}{lead if at == 0 else rest}{line}" for at, line in enumerate(text.split("\n"))]
            tight = (
                bool(mark) and bool(blocks) and len(numbers) > 0 and _LIST_LINE.match(blocks[-1].rpartition("\n")[2])
            )
            if tight:
                blocks[-1] += "\n" + "\n".join(lines)
            else:
                blocks.append("\n".join(lines))
            mark = ""
    return "\n\n".join(blocks)


_LIST_LINE = re.compile(r"(?:> )*\s*(?:- |\d+\. |  )")


def _inline(children: Sequence[Token]) -> str:
    said: list[str] = []
    links: list[tuple[str, int]] = []
    for token in children:
        if token.type == "link_open":
            links.append((str(token.attrs.get("href", "")), len(said)))
        elif token.type == "link_close":
            address, begun = links.pop()
            if "".join(said[begun:]) not in (address, address.removeprefix("mailto:")):
                said.append(f" ({address.removeprefix('mailto:')})")
        elif token.type in ("softbreak", "hardbreak"):
            said.append("\n")
        else:  # text, code; emphasis has no content of its own
            said.append(token.content)
    return "".join(said)


assert FIRST != FULL
