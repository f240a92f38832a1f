"""When a model is said to see no longer what it was trained on, and when not."""

from __future__ import annotations

import json

import pytest

from engage_backend.engagement.verdict import NIGHTS, Night, colour, colour_of, reasons, sentences, taken_in


def night(number: int, known: int = 1000, far: int = 0, *, clicks: int = 1000, model: str = "m") -> Night:
    return Night(f"2024-03-{number:02}", model, clicks, known, 40, f"{far:x}")


QUIET = [night(number) for number in range(1, 15)]
TEN = 2**10 - 1  # ten of forty inputs are far


@pytest.mark.parametrize(
    ("nights", "names"),
    [
        (QUIET, []),
        ([*QUIET, night(15, 599)], ["unknown_clicks"]),  # on the first day
        ([night(1, 100)], ["unknown_clicks"]),  # also of a new site
        ([*QUIET, night(15, 750)], ["unknown_clicks"]),  # a quarter less than before
        ([*QUIET, night(15, 760)], ["some_unknown"]),
        ([*QUIET, night(15, 910)], []),
        ([*(night(number, 650) for number in range(1, 15)), night(15, 650)], []),  # as it always was here
        ([*QUIET, night(15, 0, clicks=99)], []),  # a quiet day says nothing
        ([*QUIET, *(night(number, far=TEN) for number in (15, 16, 17))], ["inputs_moved"]),
        ([*QUIET, *(night(number, far=TEN) for number in (15, 16))], []),  # three in a row it has to be
        ([*QUIET, *(night(number, far=TEN >> 1) for number in (15, 16, 17))], []),  # nine are no matter
        ([night(number, far=TEN) for number in range(1, 16)], []),  # so it was from the beginning
        ([*QUIET[:6], *(night(number, far=TEN) for number in (7, 8, 9))], []),  # too few nights to tell
        (
            [*QUIET, *(night(number, far=TEN, model="n") for number in (15, 16, 17))],
            [],
        ),  # another model, another measure
        ([night(number, far=2**20 - 1) for number in range(1, 16)], ["unlike"]),
    ],
)
def test_thresholds(nights: list[Night], names: list[str]) -> None:
    assert [name for name, *_ in reasons(nights)] == names


def test_percentages_that_do_not_come_true_are_told() -> None:
    assert reasons(QUIET, (150, 620)) == [("calibration", 150, 620)]
    assert reasons(QUIET, (600, 620)) == []


def test_the_worst_gives_the_colour_and_says_what_to_do() -> None:
    nights = [night(number, 400, far=2**20 - 1) for number in range(1, 16)]
    why = reasons(nights)
    assert [name for name, *_ in why] == ["unknown_clicks", "unlike"]
    kept = json.loads(json.dumps({"colour": colour(why), "why": why, "nights": nights}))
    assert colour_of(kept) == "red"
    first, second = sentences(kept)
    assert first.startswith("only 400 of 1000 clicks") and "engage inspect" in first
    assert second.startswith("20 of 40 inputs") and "engage_calibrate" in second
    assert (colour([]), colour_of(None), sentences(None)) == ("green", None, [])


def test_a_night_is_kept_once_and_no_more_than_are_needed() -> None:
    kept: list[list[object]] = []
    for number in range(1, 26):
        for known in (1, 2):  # a second pass of the day takes the place of the first
            kept = [list(one) for one in taken_in(kept, night(number, known))]
    assert len(kept) == NIGHTS
    assert [one[0] for one in kept] == [f"2024-03-{number:02}" for number in range(9, 26)]
    assert {one[3] for one in kept} == {2}
