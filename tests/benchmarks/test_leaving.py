"""Whether a percentage of `leave` would have been shown in the real course runs, and whether it would have been right.

Each run is asked of trees that have not seen it (nor, in the second test, any run of its course). Needs the packages:
`ENGAGE_RUNS=FOLDER pytest -m bench -s tests/benchmarks/test_leaving.py`; what it gave is in docs/decisions/0020.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from engage_backend.engagement import trees_fit
from engage_backend.engagement.calibration import Doubles, fit_stack, sigmoid
from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.leaving import Cohort, correction, scores
from engage_backend.engagement.package import read_package
from engage_backend.engagement.recalibration import Shown
from engage_backend.engagement.trees import TARGETS, Trees

LEAVE = TARGETS.index("leave")


def trees_of(runs: Sequence[Run], seed: int) -> Trees:
    """Trees for `leave`, as training grows them."""
    x = np.concatenate([run.features for run in runs])
    y = np.concatenate([run.labels[:, LEAVE] for run in runs])
    sizes = [len(run.who) for run in runs]
    weights = np.repeat([size**-0.5 for size in sizes], sizes) * sum(sizes) / sum(size**0.5 for size in sizes)
    judged = y >= 0
    return trees_fit.grow(x[judged], y[judged].astype(float), weights[judged], target=LEAVE, seed=seed)


def cohorts_of(run: Run, said: Doubles) -> list[Cohort]:
    """The run's cohorts as daily snapshots would hold them: silence at a week's end, and at the one two weeks later."""
    silent = run.features[:, FEATURES.index("days_silent")]
    at = {(who, week): place for place, (who, week) in enumerate(zip(run.who, run.week, strict=True)) if week}
    enrolled = getattr(run, "enrolled", np.ones(len(run.who), dtype=bool))
    found: dict[date, tuple[Counter[int], Counter[int]]] = {}
    for (who, week), place in at.items():
        then = at.get((who, week + 2))
        if enrolled[place] and silent[place] <= 14 and then is not None:
            day = datetime.fromtimestamp(int(run.clock[place]) / 1e6, UTC).date()
            learners, left = found.setdefault(day, (Counter(), Counter()))
            figure = round(1000 * float(said[place]))
            learners[figure] += 1
            left[figure] += bool(silent[then] >= 12)
    return [
        Cohort(day, [Shown(figure, count, left[figure]) for figure, count in sorted(learners.items())])
        for day, (learners, left) in sorted(found.items())
    ]


@pytest.mark.bench
@pytest.mark.skipif("ENGAGE_RUNS" not in os.environ, reason="needs the course runs: ENGAGE_RUNS=FOLDER")
@pytest.mark.parametrize("by", ["run", "course"])
def test_on_real_runs_no_percentage_that_is_shown_is_worse_than_the_figure(by: str) -> None:
    kinds = KindTable()
    packages = [read_package(folder) for folder in sorted(Path(os.environ["ENGAGE_RUNS"]).iterdir())]
    runs = [load_run(package, kinds, seed=1) for package in packages]
    for run in runs:
        course = run.course.rpartition("+")[0]
        others = [one for one in runs if one is not run and (by == "run" or one.course.rpartition("+")[0] != course)]
        apart = [
            trees_of([two for two in others if two is not one], 1).margins(one.features)[:, LEAVE] for one in others
        ]
        shown = [one.shown()[:, LEAVE] for one in others]
        margins = np.concatenate([part[mine] for part, mine in zip(apart, shown, strict=True)])
        stack = fit_stack(
            margins,
            np.zeros(len(margins)),
            np.concatenate([one.labels[mine, LEAVE] for one, mine in zip(others, shown, strict=True)]).astype(float),
            np.ones(len(margins)),
            unit=np.repeat(np.arange(len(others)), [mine.sum() for mine in shown]),
            runs=len(others),
        )
        said = sigmoid(stack.trees * trees_of(others, 1).margins(run.features)[:, LEAVE] + stack.intercept)
        cohorts = cohorts_of(run, said)
        judged = {one.day: scores(cohorts, one) for one in cohorts}
        with_percentage = [day for day in judged if correction(cohorts, day)]
        won = sum(one is not None and one.is_won for one in judged.values())
        print(f"{run.name} by {by}: {len(with_percentage)} weeks with a percentage; {won} of {len(cohorts)} weeks won")
        for day in with_percentage:
            one = judged[day]
            assert one is None or one.corrected <= one.raw + 0.002, (run.name, day)
        assert not with_percentage, "docs/decisions/0020 says that there is none: say what was found"
