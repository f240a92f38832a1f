"""When `leave` is a percentage: only after it has proved itself ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from engage_backend.engagement.calibration import sigmoid
from engage_backend.engagement.leaving import Cohort, correction, scores
from engage_backend.engagement.recalibration import Shown

START = date(2024, 1, 1)
WEEK = timedelta(days=7)
LEARNERS = 400  # in a cohort


def cohort(week: int, *, left: float = 3.0, learners: int = LEARNERS) -> Cohort:
    """A week's end at which figures say a third of what comes: learners shown 4 to 16 %, of whom `left` times as many leave."""
    each = learners // 4
    rows = [Shown(figure, each, min(each, round(each * figure * left / 1000))) for figure in (40.0, 80.0, 120.0, 160.0)]
    return Cohort(START + week * WEEK, rows)


def first_week(cohorts: Sequence[Cohort]) -> int | None:
    """The first week in which a percentage is shown."""
    return next((week for week in range(60) if correction(cohorts, START + week * WEEK)), None)


def test_where_weeks_are_alike_a_percentage_comes_once_three_outcomes_are_four_weeks_old() -> None:
    cohorts = [cohort(week) for week in range(1, 30)]
    # Week 1 is known in week 3, so that 3, 4 and 5 can be predicted; the outcome of 5 is read in week 7, and old in week 11.
    assert first_week(cohorts) == 11
    found = correction(cohorts, START + 11 * WEEK)
    assert found is not None
    said = sigmoid(found.slope * np.log(np.array([0.04, 0.16]) / (1 - np.array([0.04, 0.16]))) + found.intercept)
    assert said == pytest.approx([0.12, 0.48], abs=0.05)


def test_nothing_that_is_known_later_changes_what_is_shown() -> None:
    cohorts = [cohort(week) for week in range(1, 30)]
    for week in (11, 15):
        today = START + week * WEEK
        assert correction(cohorts, today) == correction(cohorts[: week - 2], today)
        assert scores(cohorts, cohorts[week]) == scores(cohorts[: week + 1], cohorts[week])


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (cohort(7, left=0.9), "the figure itself was nearer, as in the weeks before and after a holiday"),
        (cohort(7, left=6.0), "far more left than was said, as when a holiday begins"),
        (cohort(7, learners=48), "too few learners"),
        (cohort(7, left=0.3), "too few left"),
        (None, "no cohort of that week"),
    ],
)
def test_one_week_in_the_chain_that_it_did_not_win_takes_the_percentage_away(odd: Cohort | None, why: str) -> None:
    cohorts = [cohort(week) for week in range(1, 30)]
    with_odd = [*cohorts[:6], *([odd] if odd else []), *cohorts[7:]]
    for week in (11, 13):
        assert correction(cohorts, START + week * WEEK), week
        assert correction(with_odd, START + week * WEEK) is None, why
    later = [week for week in range(11, 30) if correction(with_odd, START + week * WEEK)]
    assert later and later[0] >= 16, "it comes back when the odd week is behind the chain"


def test_right_figures_need_no_correction_and_wrong_ranks_get_none() -> None:
    right = [cohort(week, left=1.5 if week % 2 else 0.9) for week in range(1, 30)]
    assert first_week(right) is None
    backwards = [
        Cohort(one.day, [Shown(200 - row.per_mille, row.learners, row.happened) for row in one.shown])
        for one in (cohort(week) for week in range(1, 30))
    ]
    assert first_week(backwards) is None


def test_an_old_proof_does_not_last_when_nothing_new_comes() -> None:
    cohorts = [cohort(week) for week in range(1, 13)]
    assert correction(cohorts, START + 15 * WEEK)
    assert correction(cohorts, START + 16 * WEEK) is None
