"""The published comparison from packages to figures: which models speak on which folds, and what came of it.

Judged are learners, not staff, enrolled at the moment asked (by dated events), who were active by the end of the first week of
an instructor-paced run; test folds in full, at the natural balance. The parts are in `comparison`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from engage_backend.engagement.calibration import Doubles
from engage_backend.engagement.comparison import (
    boosting,
    bootstrap,
    classical,
    family,
    lstms,
    ours,
    sampling,
    sequences,
    single,
    splits,
)
from engage_backend.engagement.comparison.cache import Cache
from engage_backend.engagement.comparison.family import Family, Said, Task, unlearnable
from engage_backend.engagement.comparison.groups import group_rows
from engage_backend.engagement.comparison.judging import (
    OURS,
    PORTABLE,
    Answers,
    Evaluation,
    described,
    ever_rows,
    mean_by_week,
    means_of,
    reliability_rows,
    rows_of,
    unasked,
)
from engage_backend.engagement.comparison.material import Material
from engage_backend.engagement.comparison.splits import BY_RUN, SPLITS, Fold, folds_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.training import known_share
from engage_backend.engagement.trees import TARGETS

__all__ = ["FAMILIES", "MODELS", "OURS", "Evaluation", "TooFewRuns", "evaluate", "mean_by_week"]

_COMMON = (family, sampling, splits)
_LSTMS = (lstms, sequences, classical, *_COMMON)
FAMILIES = (
    Family(single.ROWS, single.say, (single, *_COMMON), "single"),
    Family(classical.ROWS, classical.say, (classical, *_COMMON), "features"),
    Family(lstms.FEATURES, lstms.say_features, _LSTMS, "features", seeds=False),
    Family(lstms.PUBLISHED, lstms.say_published, _LSTMS, "events", seeds=False),
    Family(boosting.ROWS, boosting.say, (boosting, *_COMMON), "features"),
    Family(ours.ROWS, ours.say, (ours, *_COMMON, *ours.MODULES), "run"),
)
MODELS = tuple(row for one in FAMILIES for row in one.rows)
# By far the slowest. One split is what it is compared on.
ONLY_BY_RUN = frozenset(lstms.PUBLISHED)

Progress = Callable[[int, int, str], object]  # answers there, answers wanted, what is being done


class TooFewRuns(Exception):
    """Leaving one run out takes at least two."""


def evaluate(
    materials: Sequence[Material],
    kinds: KindTable,
    *,
    seeds: Sequence[int],
    cache: Path,
    models: Sequence[str] = MODELS,
    wanted: Sequence[str] = SPLITS,
    progress: Progress = lambda done, of, what: None,
) -> Evaluation:
    """Every model on every fold, then the figures. Answers are kept in `cache` and used again.

    The split by runs is made with every seed, the others and the LSTMs with the first. Raises TooFewRuns.
    """
    runs = [run for run in materials if not run.self_paced]
    left_out = [
        f"{run.name} is self-paced: the published evaluation is of instructor-paced courses"
        for run in materials
        if run.self_paced
    ]
    if len(runs) < 2:
        raise TooFewRuns(
            "; ".join(["leave one run out takes at least two packages of instructor-paced runs", *left_out])
        )
    found = Evaluation(
        [described(run, known_share(run.run, kinds)) for run in runs],
        tuple(row for row in MODELS if row in models),
        tuple(seeds),
        unasked=unasked(runs),
        left_out=left_out,
    )
    folds = {split: folds_of(runs, split) for split in SPLITS if split in wanted}
    for split, made in folds.items():
        if not made:
            found.left_out.append(f"the split by {split}: {_NO_FOLDS[split]}")
    families = [one for one in FAMILIES if set(one.rows) & set(models)]
    plan = list(_plan(folds, families, seeds))
    answers: dict[str, dict[str, dict[int, list[Doubles | None]]]] = {split: {} for split in folds}
    store = Cache(cache, families)
    for done, (fold, one, seed) in enumerate(plan):
        name = f"{one.name}, seed {seed}, {fold.name} by {fold.split}"
        progress(done, len(plan), name)
        said = _said(fold, one, seed, kinds, store, partial(_tell, progress, done, len(plan), name))
        for row in (row for row in one.rows if row in models):
            kept = answers[fold.split].setdefault(row, {}).setdefault(seed, [None] * len(runs))
            for run, part in zip(fold.test, said.rows[row], strict=True):
                kept[next(at for at, mine in enumerate(runs) if mine is run)] = part
            if seed == seeds[0]:
                told = {"split": fold.split, "model": row, "fold": fold.name}
                found.without += [told | {"target": target, "why": why} for target, why in said.why.items()]
    progress(len(plan), len(plan), "figures")
    for split, by_model in answers.items():
        _figures(found, split, runs, {row: list(by_model[row].values()) for row in MODELS if row in by_model}, seeds[0])
    return found


def _tell(progress: Progress, done: int, of: int, name: str, what: str) -> None:
    progress(done, of, f"{name}: {what}")


_NO_FOLDS = {
    "runs": "there is nothing to learn from",
    "courses": "all packages are runs of one course",
    "forward": "no run had ended when another began",
}


def _plan(
    folds: dict[str, list[Fold]], families: Sequence[Family], seeds: Sequence[int]
) -> Iterator[tuple[Fold, Family, int]]:
    """What is to be asked, the quick first."""
    for split, made in folds.items():
        for one in families:
            if split != BY_RUN and ONLY_BY_RUN & set(one.rows):
                continue
            for seed in seeds if split == BY_RUN and one.seeds else seeds[:1]:
                yield from ((fold, one, seed) for fold in made)


def _said(fold: Fold, one: Family, seed: int, kinds: KindTable, store: Cache, tell: Callable[[str], object]) -> Said:
    """The kept answer, or a new one."""
    reasons = unlearnable(fold.train)
    targets = tuple(number for number, target in enumerate(TARGETS) if target not in reasons)
    task = Task(fold, kinds, seed, targets, tell)
    said = store.load(one, task)
    if said is None:
        said = one.say(task)
        said.why = {**said.why, **reasons}
        store.save(one, task, said)
    return said


def _figures(found: Evaluation, split: str, runs: Sequence[Material], answers: Answers, seed: int) -> None:
    rows = list(rows_of(split, runs, answers))
    found.rows += rows
    found.means += means_of(rows, runs)
    if split == BY_RUN:
        found.ever = list(ever_rows(split, runs, answers))
        found.differences = bootstrap.differences(runs, answers, OURS, seed=seed)
        beside = {row: answers[row] for row in (PORTABLE, *single.ROWS) if row in answers}
        found.differences += bootstrap.differences(runs, beside, PORTABLE, seed=seed)
        found.groups = group_rows(runs, answers, OURS, seed=seed)
        found.reliability = reliability_rows(runs, answers)
