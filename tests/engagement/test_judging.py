"""From answers to figures: rows, means over runs and seeds, intervals of differences, and groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engage_backend.engagement.comparison.bootstrap import differences, weighted_auc
from engage_backend.engagement.comparison.groups import group_rows
from engage_backend.engagement.comparison.judging import POOLED, mean_by_week, means_of, reliability_rows, rows_of
from engage_backend.engagement.comparison.material import Material, load_material
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.metrics import judge
from engage_backend.engagement.package import Profile, attributes, read_package
from engage_backend.engagement.structure import micros
from tests.engagement.packages import START, write_package

CERTIFY = 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Material]:
    place, kinds = tmp_path_factory.mktemp("judging"), KindTable()
    folders = [write_package(place, f"run{number}", seed=number, count=60, clicks=1) for number in range(3)]
    return [load_material(read_package(folder), kinds, seed=1) for folder in folders]


def said(runs: list[Material], seed: int, *, blur: float) -> list[np.ndarray | None]:
    """Probabilities that know the outcomes, more or less."""
    chance = np.random.default_rng(seed)
    return [
        np.clip(0.5 + 0.3 * (2.0 * (run.truths == 1) - 1) + chance.normal(0, blur, run.truths.shape), 0.01, 0.99)
        for run in runs
    ]


def test_a_row_is_over_the_learners_of_one_run_and_week_and_none_below_ten_positives(runs: list[Material]) -> None:
    answers = {"engage": [said(runs, 0, blur=0.5)]}
    few = [replace(runs[0], truths=np.repeat(runs[0].who[:, None] < 9, 3, axis=1).astype(np.int8)), *runs[1:]]
    rows = list(rows_of("runs", few, answers))
    (row,) = [r for r in rows if (r["run"], r["target"], r["among"], r["week"]) == (runs[1].name, "certify", "all", 4)]
    chosen = runs[1].week == 4
    chances = answers["engage"][0][1]
    assert chances is not None
    expected = judge(runs[1].truths[chosen, CERTIFY], chances[chosen, CERTIFY], chances[chosen, CERTIFY])
    assert row["auc"] == pytest.approx(expected["auc"], abs=1e-6) and row["learners"] == chosen.sum()
    assert row["positives"] == expected["positives"] >= 10
    (scarce,) = [r for r in rows if (r["run"], r["target"], r["week"]) == (runs[0].name, "certify", 4)]
    assert scarce["positives"] == 9 and scarce["auc"] is None and scarce["brier"] is not None
    assert mean_by_week(rows, "engage", "certify", "auc")[4][1] == 2


def test_rows_of_all_runs_together_are_no_run_of_their_own(runs: list[Material]) -> None:
    rows = list(rows_of("runs", runs, {"engage": [said(runs, 0, blur=0.5)]}))
    together = [r for r in rows if r["run"] == POOLED and r["target"] == "certify" and r["week"] == 4]
    assert [row["learners"] for row in together] == [sum(int((run.week == 4).sum()) for run in runs)]
    assert mean_by_week(rows, "engage", "certify", "auc")[4][1] == 3


def test_a_target_without_an_answer_has_no_row(runs: list[Material]) -> None:
    silent = said(runs, 0, blur=0.5)
    for part in silent:
        assert part is not None
        part[:, CERTIFY] = np.nan
    silent[2] = None  # a run that the split does not judge
    rows = list(rows_of("forward", runs, {"engage": [silent]}))
    assert {row["target"] for row in rows} == {"complete", "leave"}
    assert {row["run"] for row in rows} == {runs[0].name, runs[1].name, POOLED}


def test_seeds_are_averaged_and_their_spread_is_told(runs: list[Material]) -> None:
    answers = {"engage": [said(runs, seed, blur=0.6) for seed in range(5)]}
    rows = list(rows_of("runs", runs, answers))
    for row in rows:
        if "auc_by_seed" in row:
            assert len(row["auc_by_seed"]) == 5 and row["auc"] == pytest.approx(np.mean(row["auc_by_seed"]), abs=1e-5)
    (mean,) = [r for r in means_of(rows, runs) if (r["target"], r["among"], r["at"]) == ("certify", "all", "50 %")]
    assert mean["runs"] == 3 and mean["auc_spread"] == pytest.approx(np.std(mean["auc_by_seed"], ddof=1), abs=1e-5)
    week = runs[0].week_at(50)
    assert week == 4 and mean["auc"] == pytest.approx(mean_by_week(rows, "engage", "certify", "auc")[week][0], abs=1e-5)


def test_a_weighted_area_is_that_of_the_repeated_learners() -> None:
    chance = np.random.default_rng(0)
    labels, scores = chance.integers(0, 2, 80), np.round(chance.random(80), 1)  # many ties
    weights = chance.poisson(1.0, (20, 80)).astype(np.uint8)
    for area, often in zip(weighted_auc(labels, scores, weights), weights, strict=True):
        assert area == pytest.approx(judge(np.repeat(labels, often), np.repeat(scores, often), None)["auc"])


def test_a_better_model_is_better_with_its_whole_interval_and_an_equal_one_is_not(runs: list[Material]) -> None:
    ours = said(runs, 0, blur=0.3)
    answers = {"engage": [ours], "worse": [said(runs, 1, blur=3.0)], "same": [[*ours]]}
    rows = differences(runs, answers, "engage", seed=5, replicates=200)
    mine = {(row["against"], row["at"]): row for row in rows if row["target"] == "certify"}
    for at in ("week 4", "25 %", "75 %"):
        worse, same = mine["worse", at], mine["same", at]
        assert 0 < worse["low"] < worse["difference"] < worse["high"] and worse["runs"] == 3
        assert (same["difference"], same["low"], same["high"]) == (0, 0, 0)
    assert differences(runs, answers, "engage", seed=5, replicates=200) == rows


def test_reliability_is_told_for_every_model_and_share(runs: list[Material]) -> None:
    rows = reliability_rows(runs, {"engage": [said(runs, 0, blur=0.4)]})
    assert [(row["target"], row["at"]) for row in rows][:3] == [
        ("certify", share) for share in ("25 %", "50 %", "75 %")
    ]
    assert sum(one["learners"] for one in rows[0]["bins"]) == sum(int((run.week == 2).sum()) for run in runs)


def test_a_group_that_is_served_worse_is_seen(runs: list[Material]) -> None:
    """Half of the learners get answers by chance, and too high ones."""
    people = [
        replace(run, profiles=tuple(Profile("f" if n % 3 else "m", 1990, "b") for n in range(60))) for run in runs
    ]
    answers = said(people, 0, blur=0.2)
    chance = np.random.default_rng(9)
    for run, part in zip(people, answers, strict=True):
        assert part is not None
        men = np.array([run.profiles[who].gender == "m" for who in run.who])  # type: ignore[union-attr]
        part[men] = 0.9 + 0.05 * chance.random(part[men].shape)
    rows = group_rows(people, {"engage": [answers]}, "engage", seed=1)
    mine = {row["group"]: row for row in rows if (row["target"], row["at"]) == ("certify", "50 %")}
    assert set(mine) == {"women", "men", "bachelor's degree", "30 to 39"}
    women, men = mine["women"], mine["men"]
    assert women["learners"] + men["learners"] == sum(int((run.week == 4).sum()) for run in people)
    assert women["auc"][1] > men["auc"][2] and men["auc"][0] == pytest.approx(0.5, abs=0.2)
    assert men["said_less_seen"][1] > 0.1 > women["said_less_seen"][0]
    assert men["ece_debiased"] > women["ece_debiased"]


def test_a_group_of_few_has_no_figures(runs: list[Material]) -> None:
    people = [replace(run, profiles=(Profile("o"), *[None] * 59)) for run in runs]
    rows = group_rows(people, {"engage": [said(people, 0, blur=0.2)]}, "engage", seed=1)
    assert rows and all(row["group"] == "other" and row["auc"] is None and row["learners"] <= 3 for row in rows)


def test_ages_are_counted_to_the_year_of_the_course(runs: list[Material]) -> None:
    start = micros(START)
    assert attributes(Profile("", 1994, ""), start) == {"age": "30 to 39"}
    assert attributes(Profile("", 2005, ""), start) == {"age": "under 20"}
    assert attributes(Profile("", 1960, "hs"), start) == {"age": "55 and older", "education": "secondary school"}
    assert attributes(Profile("x", 1800, "?"), start) == attributes(None, start) == {}
