"""Texts that make matching slow: what anybody may write is read in time that grows with its length, and no faster."""

from __future__ import annotations

import re
import time
from importlib import import_module
from pkgutil import walk_packages
from re import _constants, _parser  # type: ignore[attr-defined]  # how the standard library itself reads a pattern

import pytest

import engage_backend.messaging
from engage_backend.messaging import cautions
from engage_backend.messaging.rendering import prepare, render
from engage_backend.messaging.wording import FIRST, MOST_BODY, Name, Wording, WordingProblem, fill, find_gap

# Begin where a text begins and never start again further on: the length of what they read is the work they make.
ANCHORED = {
    ("wording", "_ITEM"),
    ("wording", "_LABEL_LINE"),
    ("wording", "_ADDRESS"),
    ("rendering", "_LIST_LINE"),
    ("hand_over", "_PLAIN"),
}


def patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    found = {("cautions", one.pattern): one for one, _ in cautions._PATTERNS}
    for module in walk_packages(engage_backend.messaging.__path__, "engage_backend.messaging."):
        try:
            loaded = import_module(module.name)
        except ImportError:  # a channel whose library is not here
            continue
        for name, value in vars(loaded).items():
            if isinstance(value, re.Pattern):
                found[module.name.rpartition(".")[2], name] = value
    return found


@pytest.mark.parametrize("name", sorted(patterns().keys() - ANCHORED), ids=lambda name: f"{name[0]} {name[1][:40]}")
def test_a_pattern_that_is_searched_for_has_a_bounded_width(name: tuple[str, str]) -> None:
    pattern = patterns()[name]
    _, widest = _parser.parse(pattern.pattern, pattern.flags).getwidth()
    assert widest < min(_constants.MAXREPEAT, 1_000), "repeat at most so often, or match from the beginning only"


WORST = {
    "digits": "1" * MOST_BODY,
    "a place that never closes": "[:" + " " * (MOST_BODY - 2),
    "many places that never close": "[: " * (MOST_BODY // 3),
    "a word": "test" * (MOST_BODY // 4),
    "does not pass": "besteht x " + "test" * 4_000,
    "code that never closes": "`" + "x" * (MOST_BODY - 1),
    "line breaks": "\n" * (MOST_BODY - 2) + "x",
    "a rule that is none": "- " * (MOST_BODY // 2 - 1) + "x",
    "braces": "{" * MOST_BODY,
    "brackets": "[ " * (MOST_BODY // 2),
    "stars": "*a " * (MOST_BODY // 3),
    "quotes": ">" * MOST_BODY,
    "addresses": "a@" * (MOST_BODY // 2),
}
PROSE = ("The office hour is on Tuesday. Bring your questions, or just listen. " * 400)[:MOST_BODY]


def work(body: str) -> float:
    """Seconds of processor to read a message as the API, the preview and the mail worker do."""
    begun = time.process_time()
    try:
        wording = Wording.checked(subject=body[:200].replace("\n", " "), body=body)
        cautions.warnings(wording)
        render(prepare(wording.subject, wording.body), Name("Ann", "Ann Lee"))
    except WordingProblem:
        pass
    find_gap(body)
    fill(f"{body}{FIRST}", Name("", ""))
    return time.process_time() - begun


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
def test_the_worst_text_costs_a_small_multiple_of_prose(body: str) -> None:
    assert work(body) < 100 * work(PROSE), "quadratic matching was 10,000 times as slow"
