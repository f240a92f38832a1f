"""What is better not said to learners, and why. Pure but for the language of the reasons.

The patterns of all languages apply always: what somebody writes in tells nothing of the language that they read. A new
language adds its patterns to each reason.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.wording import Wording


class Caution(NamedTuple):
    """Words that may do harm: where, which, and why. Nothing is refused for them."""

    field: str  # subject or body
    words: str
    reason: str  # in the reader's language


_HARM = _(
    "The study that this tool goes back to warns: being told that one is at risk can itself make a learner drop out."
)
_DOUBT = _("A prediction is a guess about a group of learners; for this learner it may be wrong, and it would hurt.")
_FIGURE = _("A figure about oneself reads as a verdict, and these figures may be off for a single learner.")
_WATCHED = _("It tells learners that they are watched, without telling them by whom, for what, and how to object.")

_ENGLISH: tuple[tuple[str, str], ...] = (
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
# What a course may well be about stays: `Wahrscheinlichkeitsrechnung`, `Wettervorhersage`. So do `Aufgabe` and what is
# `voraussichtlich` on Friday.
_GERMAN: tuple[tuple[str, str], ...] = (
    (
        r"\b(?:gef(?:ä|ae)hrd(?:e|en|est|et|ete[mnrs]?|ung)|\w*risik(?:o|os|en)|risiko\w+|riskant\w*|riskier\w+)\b",
        _HARM,
    ),
    (r"\bdurch(?:zu)?fall(?:en|e|quote|rate)\b|\bdurchf(?:ä|ae)ll(?:st|t)\b|\bdurchgefallen\w*", _HARM),
    # A verb in two parts is one only where the second ends the clause: `fällt durch seine Farbe auf` is none.
    (r"\bf(?:all(?:e|en|t)|(?:ä|ae)ll(?:st|t)|iel(?:en|st|t)?)(?: \w+){0,4} durch(?=\s*(?:[.,;:!?)]|$))", _HARM),
    (r"\bnicht(?: \w+){0,2} (?:zu )?(?:bestehen|besteh(?:e|st|t)|bestanden)\b", _HARM),
    (r"\bbesteh(?:e|en|st|t) \w+ \w*(?:klausur|kurs|modul|pr(?:ü|ue)fung|test)\w*(?: \w+)? nicht\b", _HARM),
    (r"\b\w*abbr(?:uch\w*|(?:ü|ue)che\w*|ech\w+|ich(?:st|t)|ach(?:en)?)\b|\babgebrochen\w*|\babzubrechen\b", _HARM),
    (r"\bscheiter(?:e|n|st|t|te|ten)\b|\bgescheitert\w*|\bversag(?:e|en|st|t|te|ten)\b", _HARM),
    (r"\baufgeb(?:e|en|t)\b|\baufzugeben\b|\bzur(?:ü|ue)ck(?:ge|zu)?fallen\b|\bim r(?:ü|ue)ckstand\b", _HARM),
    (r"\bvorher(?:ge|zu)?sag\w+|\bvoraus(?:ge|zu)?sag\w+|\bsag(?:en|t)(?: \w+){0,4} voraus\b", _DOUBT),
    (r"\bprognosen?\b|\bprognosti(?:sch|zier)\w*", _DOUBT),
    (r"\b(?:un)?wahrscheinlich(?:e[mnrs]?|keit|keiten)?\b|\bchancen? auf\b", _DOUBT),
    (r"(?:\d+(?:[.,]\d+)?|\b(?:\w+zig|zehn|hundert))\s?prozent\w*", _FIGURE),
    (r"\balgorithm(?:en|us)\b", _WATCHED),
    (r"\bunsere?[mnrs]? (?:daten|modelle?|systeme?) (?:berechn|meld|sag|sieh|zeig)\w*", _WATCHED),
    (
        r"\b(?:mir|uns) ist aufgefallen,? dass (?-i:du|Sie)\b|\bist (?:mir|uns) aufgefallen,? dass (?-i:du|Sie)\b",
        _WATCHED,
    ),
    (r"\bhaben? (?:wir |ich )?(?:bemerkt|beobachtet|festgestellt|gesehen),? dass (?-i:du|Sie)\b", _WATCHED),
)


def _bounded(pattern: str) -> str:
    """The pattern with an end to every word and number in it: a text of digits alone would be matched for a minute."""
    for endless, bounded in ((r"\w*", r"\w{0,40}"), (r"\w+", r"\w{1,40}"), (r"\d+", r"\d{1,9}"), (r"\s*", r"\s?")):
        pattern = pattern.replace(endless, bounded)
    return pattern


_PATTERNS = [(re.compile(_bounded(pattern), re.IGNORECASE), reason) for pattern, reason in _ENGLISH + _GERMAN]


def warnings(wording: Wording) -> list[Caution]:
    """What a careful colleague would ask the author about, in reading order; the same words once a field."""
    found: dict[tuple[str, str], tuple[int, Caution]] = {}
    for field, text in (("subject", wording.subject), ("body", wording.body)):
        # Lines may break anywhere, and some keyboards write an umlaut as two characters.
        read = " ".join(unicodedata.normalize("NFC", text).split())
        for pattern, reason in _PATTERNS:
            for match in pattern.finditer(read):
                warning = Caution(field, match[0], gettext(reason))
                found.setdefault((field, match[0].lower()), (match.start(), warning))
    return [warning for _, warning in sorted(found.values(), key=lambda pair: (pair[1].field != "subject", pair[0]))]
