"""How far learners lie from those that a model was trained on."""

import numpy as np
import pytest

from engage_backend.engagement.drift import Bins, eighth_of

DICE = np.random.default_rng(1)


def test_the_same_population_lies_near_and_another_far() -> None:
    bins = Bins.of(DICE.normal(size=2000))
    assert bins.distance(DICE.normal(size=2000)) < 0.05
    assert bins.distance(DICE.normal(loc=1.0, size=2000)) > 0.25


def test_where_all_were_alike_any_other_value_is_far() -> None:
    bins = Bins.of(np.zeros(500))
    assert bins.distance(np.zeros(500)) < 0.01
    assert bins.distance(np.r_[np.zeros(300), np.ones(200)]) > 0.25
    assert bins.distance(np.r_[np.zeros(300), -np.ones(200)]) > 0.25


def test_bins_are_read_as_they_were_written() -> None:
    bins = Bins.of(DICE.gamma(1.0, size=777))
    again = Bins.from_text(bins.to_text())
    assert again.cuts == bins.cuts
    assert again.shares == pytest.approx(bins.shares, abs=2e-3)


@pytest.mark.parametrize("text", ["", "1 2", "1 2; 3", "2 1; 1 1 1", "a; 1 1", "1; 0 0", "1; 5 -1", "1; 1 1; 1"])
def test_what_is_no_bins_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Bins.from_text(text)


@pytest.mark.parametrize(("share", "eighth"), [(-0.2, 0), (0.0, 0), (0.13, 1), (0.999, 7), (1.0, 7), (3.0, 7)])
def test_a_share_of_the_course_lies_in_an_eighth(share: float, eighth: int) -> None:
    assert eighth_of(share) == eighth
