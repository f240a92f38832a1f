"""Which kinds become tokens."""

from __future__ import annotations

import pytest

from engage_backend.clickstream.vocabulary import UNKNOWN, Vocabulary

COUNTS = {
    "a": {"info": 900, "wiki": 5, "rare": 1},
    "b": {"info": 50, "wiki": 5},
    "c": {"info": 50, "wiki": 5, "here": 9000},
    "d": {"info": 50, "wiki": 5, "never": 0},
}


def test_the_published_thresholds_keep_what_is_frequent_in_more_than_three_courses() -> None:
    assert Vocabulary.from_counts(COUNTS).to_json() == ["info"]


def test_thresholds_are_the_callers() -> None:
    assert Vocabulary.from_counts(COUNTS, min_count=5, min_courses=1).to_json() == ["here", "info", "wiki"]


def test_a_kind_it_does_not_know_is_token_0() -> None:
    vocabulary = Vocabulary(["info", "wiki"])
    assert (vocabulary.token("info"), vocabulary.token("wiki"), vocabulary.token("x")) == (1, 2, UNKNOWN)
    assert len(vocabulary) == 3
    assert dict(vocabulary.tokens) == {"info": 1, "wiki": 2}


def test_a_vocabulary_survives_json() -> None:
    vocabulary = Vocabulary(["info", "wiki"])
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize("bad", [["a", "a"], [1], "ab"])
def test_what_cannot_be_a_vocabulary_is_refused(bad: list[str]) -> None:
    with pytest.raises(ValueError):
        Vocabulary.from_json(bad)
