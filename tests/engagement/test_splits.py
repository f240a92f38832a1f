"""Folds: who is learnt from and who is judged never mix in a way that a split forbids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage_backend.engagement.comparison.material import Material, load_material
from engage_backend.engagement.comparison.splits import BY_COURSE, BY_RUN, FORWARD, course_of, folds_of
from engage_backend.engagement.dataset import WEEK
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import read_package
from tests.engagement.packages import write_package


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = write_package(tmp_path_factory.mktemp("splits"), count=10, clicks=1)
    return load_material(read_package(folder), KindTable(), seed=1)


def run(one: Material, course: str, number: int, *, first_learner: int = 1000, weeks_later: int = 0) -> Material:
    """The same run under another key, with learners of other numbers, at another time."""
    later = weeks_later * WEEK
    return replace(
        one,
        name=f"{course}-{number}",
        course=f"course-v1:X+{course}+{number}",
        learners=one.learners - 1000 + first_learner,
        start=one.start + later,
        end=one.end + later,
    )


def named(runs: list[Material]) -> set[str]:
    return {one.name for one in runs}


def test_a_course_is_organisation_and_number_in_either_form_of_key() -> None:
    assert course_of("course-v1:MITx+6.002x+2012_Fall") == course_of("course-v1:MITx+6.002x+2013_Spring")
    assert course_of("MITx/6.002x/2012_Fall") == "MITx/6.002x"
    assert course_of("course-v1:MITx+6.002x+1") != course_of("course-v1:MITx+6.00x+1")


def test_below_ten_runs_each_is_left_out_once(one: Material) -> None:
    runs = [run(one, course, number) for course in "AB" for number in range(2)]
    folds = folds_of(runs, BY_RUN)
    assert [named(fold.test) for fold in folds] == [{name} for name in ("A-0", "A-1", "B-0", "B-1")]
    assert all(named(fold.train) | named(fold.test) == named(runs) for fold in folds)
    assert all(not named(fold.train) & named(fold.test) for fold in folds)


def test_from_ten_runs_there_are_five_folds_of_whole_courses(one: Material) -> None:
    runs = [run(one, course, number) for course in "ABCDEF" for number in range(2)]
    folds = folds_of(runs, BY_RUN)
    assert len(folds) == 5 and sorted(name for fold in folds for name in named(fold.test)) == sorted(named(runs))
    for fold in folds:
        assert not {course_of(r.course) for r in fold.train} & {course_of(r.course) for r in fold.test}


def test_ten_runs_of_few_courses_are_folded_by_run(one: Material) -> None:
    runs = [run(one, "A", number) for number in range(11)]
    folds = folds_of(runs, BY_RUN)
    assert len(folds) == 5 and sorted(len(fold.test) for fold in folds) == [2, 2, 2, 2, 3]


def test_leaving_a_course_out_takes_its_runs_and_its_learners_out_of_training(one: Material) -> None:
    runs = [run(one, "A", 0), run(one, "A", 1, first_learner=1100), run(one, "B", 0, first_learner=1005)]
    fold = folds_of(runs, BY_COURSE)[0]
    assert named(fold.test) == {"A-0", "A-1"} and named(fold.train) == {"B-0"}
    learnt = fold.train[0].learners[np.unique(fold.train[0].who)]
    assert set(learnt.tolist()) == set(range(1010, 1015))  # 1005 to 1009 are in A too
    ours = fold.train[0].run
    assert set(ours.learners[np.unique(ours.who)].tolist()) <= set(one.learners[5:].tolist())
    assert np.array_equal(ours.clock[fold.train[0].at], fold.train[0].run.clock[fold.train[0].at])
    assert (ours.week[fold.train[0].at] == fold.train[0].week).all()


def test_forward_in_time_learns_only_from_runs_that_had_ended(one: Material) -> None:
    runs = [run(one, "A", 0), run(one, "A", 1, weeks_later=4), run(one, "A", 2, weeks_later=9)]
    folds = folds_of(runs, FORWARD)
    assert [(named(fold.test), named(fold.train)) for fold in folds] == [({"A-2"}, {"A-0"})]


def test_splits_that_the_runs_do_not_allow_are_empty(one: Material) -> None:
    runs = [run(one, "A", 0), run(one, "A", 1)]
    assert folds_of(runs, BY_COURSE) == [] and folds_of(runs, FORWARD) == []
