"""What sort of activity an event kind is. Counters count these; the LSTM reads the kinds themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Category(IntEnum):
    """Sorts of activity that mean the same in every course."""

    OTHER = 0
    CONTENT = 1  # pages, sequences and files of the course
    VIDEO = 2
    FORUM = 3  # reading what others wrote
    POST = 4  # writing there
    PROBLEM = 5  # at a problem, without handing in
    CORRECT = 6
    INCORRECT = 7
    PROGRESS = 8  # looking at grades, progress, dates, the home page


FACT = 15  # in place of a category: no activity, but a fact about a score


# The first pattern that is found in the kind's name decides.
_PATTERNS: tuple[tuple[Category, re.Pattern[str]], ...] = tuple(
    (category, re.compile(pattern))
    for category, pattern in (
        (Category.OTHER, r"^event:"),  # an event that somebody named like a page
        (Category.CORRECT, r"^problem_check_correct$"),
        (Category.INCORRECT, r"^problem_check_incorrect$"),
        (Category.POST, r"(forum|discussion|thread|comment|response).*(create|reply|update)"),
        (Category.FORUM, r"forum|discussion|thread|comment|topic"),
        (Category.VIDEO, r"video|transcript"),
        (Category.PROBLEM, r"problem|showanswer|hint|openassessment|ora2"),
        (Category.PROGRESS, r"progress|grade|dates|home|info|outline|about"),
        (
            Category.CONTENT,
            r"course|seq|jump|book|pdf|xblock|handler|html|wiki|link|unit|tab|completion|notes|survey|syllabus|lti",
        ),
    )
)


def category_of(kind: str) -> Category:
    """The sort of activity that an event kind is."""
    return next((category for category, pattern in _PATTERNS if pattern.search(kind)), Category.OTHER)


def is_known(card: Mapping[str, Any], kind: str) -> bool:
    """Return whether every part of the model with this card knows a kind: trees by its sort, an LSTM by its vocabulary."""
    return category_of(kind) != Category.OTHER and kind in card.get("vocabulary", (kind,))
