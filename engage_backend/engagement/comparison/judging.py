"""From what the models said to the rows of metrics.json: by week, run and target, and their means over runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engage_backend.engagement.comparison.material import SHARES, Doubles, Flags, Material
from engage_backend.engagement.comparison.splits import BY_RUN
from engage_backend.engagement.dataset import NOT_JUDGED
from engage_backend.engagement.metrics import FIGURES, judge, reliability
from engage_backend.engagement.training import OUTCOMES
from engage_backend.engagement.trees import TARGETS

# Ours: `certify` from the full set of trees, as after a finished run of the site was checked; and from the portable set.
OURS, PORTABLE = "engage", "engage_portable"

Row = dict[str, Any]
# By row, for each seed, the probabilities about each run: (n, TARGETS), None where the split does not judge it.
Answers = Mapping[str, Sequence[Sequence[Doubles | None]]]

POOLED = "all runs"
POSITIVES = 10  # an area under the curve of fewer is not told
ASKED = "asked"  # in place of a split: a finished model, and no fold
EVER = "ever_enrolled"  # who is asked first, and those who have unenrolled as well: what counting them costs
AMONG = {"certify": ("all",), "complete": ("all", "undecided"), "leave": ("active_14d", "active_7d", "all")}
WHO = {
    "all": "everyone",
    "undecided": "those who have not handed in enough to pass yet, and still can",
    "active_14d": "those active in the last 14 days",
    "active_7d": "those active in the last seven days",
}
MAIN = {target: among[0] for target, among in AMONG.items()}


@dataclass(slots=True)
class Evaluation:
    """All that the report and metrics.json hold of a comparison, or of a model that was asked."""

    runs: list[Row]
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    rows: list[Row] = field(default_factory=list)
    ever: list[Row] = field(default_factory=list)  # as `rows`, with those counted who have unenrolled: what that costs
    means: list[Row] = field(default_factory=list)
    differences: list[Row] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    reliability: list[Row] = field(default_factory=list)
    without: list[Row] = field(default_factory=list)  # {split, model, fold, target, why}: why there is no figure
    unasked: list[Row] = field(default_factory=list)  # {run, target, why}: runs that have no figure of a target
    notes: list[str] = field(default_factory=list)  # what a reader has to know of the model that was asked
    left_out: list[str] = field(default_factory=list)  # packages that are not judged, and splits that cannot be made


def rows_of(split: str, runs: Sequence[Material], answers: Answers) -> Iterator[Row]:
    """Every model, target, group and week: one row a run, and one of all runs together.

    Figures are means over the seeds; `auc_by_seed` has each where there are several.
    """
    for number, target in enumerate(TARGETS):
        for among in AMONG[target]:
            yield from _rows_among(split, runs, answers, number, among, [run.among(among) for run in runs])


def ever_rows(split: str, runs: Sequence[Material], answers: Answers) -> Iterator[Row]:
    """The same of those whom each target is first asked of, were those counted as well who have unenrolled by then."""
    for number, target in enumerate(TARGETS):
        yield from _rows_among(split, runs, answers, number, EVER, [run.ever(MAIN[target]) for run in runs])


def _rows_among(
    split: str, runs: Sequence[Material], answers: Answers, number: int, among: str, counted: Sequence[Flags]
) -> Iterator[Row]:
    judged = [(run.truths[:, number] != NOT_JUDGED) & mask for run, mask in zip(runs, counted, strict=True)]
    weeks = sorted({int(week) for run, mask in zip(runs, judged, strict=True) for week in run.week[mask]})
    for week in weeks:
        chosen = [mask & (run.week == week) for run, mask in zip(runs, judged, strict=True)]
        for model, seeds in answers.items():
            key = {"split": split, "model": model, "target": TARGETS[number], "among": among, "week": week}
            yield from _rows(key, number, runs, chosen, seeds)


def _rows(
    key: Row,
    target: int,
    runs: Sequence[Material],
    chosen: Sequence[Flags],
    seeds: Sequence[Sequence[Doubles | None]],
) -> Iterator[Row]:
    by_run: list[tuple[str, list[tuple[Any, Doubles]]]] = []
    for at, (run, mask) in enumerate(zip(runs, chosen, strict=True)):
        said = [part for seed in seeds if (part := _heard(seed[at], mask, target)) is not None]
        if said and mask.any():
            by_run.append((run.name, [(run.truths[mask, target], part) for part in said]))
    for name, pairs in by_run:
        yield {**key, "run": name, **_figures(pairs)}
    if len(by_run) > 1:
        together = [
            (np.concatenate([truths for truths, _ in parts]), np.concatenate([said for _, said in parts]))
            for parts in zip(*(pairs for _, pairs in by_run), strict=False)
        ]
        yield {**key, "run": POOLED, **_figures(together)}


def _heard(said: Doubles | None, mask: Flags, target: int) -> Doubles | None:
    """What was said of the chosen; None where the model had nothing to say of the target."""
    if said is None or not mask.any():
        return None
    part: Doubles = said[mask, target]
    return None if np.isnan(part).any() else part


def _figures(pairs: Sequence[tuple[Any, Doubles]]) -> Row:
    each = [judge(truths, said, said) for truths, said in pairs]
    row: Row = {"learners": each[0]["learners"], "positives": each[0]["positives"]}
    for name in FIGURES:
        values = [one[name] for one in each]
        row[name] = None if None in values else round(float(np.mean(np.array(values, dtype=np.float64))), 6)
    if min(row["positives"], row["learners"] - row["positives"]) < POSITIVES:
        row["slope"] = None
    if row["positives"] < POSITIVES:
        row["auc"] = None
    elif len(each) > 1 and row["auc"] is not None:
        row["auc_by_seed"] = [round(float(one["auc"] or 0.0), 6) for one in each]
    return row


def mean_by_week(
    rows: Iterable[Row], model: str, target: str, column: str, *, split: str = BY_RUN, among: str | None = None
) -> dict[int, tuple[float, int]]:
    """{week: (mean over runs, number of runs)} of a column, where it is known.

    Without `among`: of those whom the target is first asked of (`leave`: active in the last 14 days).
    """
    found: dict[int, list[float]] = {}
    for row in rows:
        if (
            row["model"] == model
            and row["target"] == target
            and row.get("run") != POOLED
            and row.get("split", BY_RUN) == split
            and row.get("among", MAIN[target]) == (among or MAIN[target])
            and row.get(column) is not None
        ):
            found.setdefault(row["week"], []).append(row[column])
    return {week: (float(np.mean(values)), len(values)) for week, values in sorted(found.items())}


def line_of(
    rows: Iterable[Row], model: str, target: str, among: str, *, split: str = BY_RUN
) -> dict[int, tuple[float, int]]:
    """{week: (ROC AUC, number of runs asked about)}: means over runs, or of all runs together where it `is_pooled`."""
    mine = [
        row
        for row in rows
        if (row["split"], row["model"], row["target"], row["among"]) == (split, model, target, among)
    ]
    if not is_pooled(target, among) or len({row["run"] for row in mine} - {POOLED}) < 2:
        return mean_by_week(mine, model, target, "auc", split=split, among=among)
    there: dict[int, int] = {}
    together: dict[int, float] = {}
    for row in mine:
        if row["run"] != POOLED:
            there[row["week"]] = there.get(row["week"], 0) + 1
        elif row["auc"] is not None:
            together[row["week"]] = row["auc"]
    return {week: (auc, there[week]) for week, auc in sorted(together.items())}


def is_pooled(target: str, among: str) -> bool:
    """Whether a figure is of all runs together: `leave` among the recently active, of whom few leave in one run."""
    return target == "leave" and among != "all"


def unasked(runs: Sequence[Material]) -> list[Row]:
    """The runs and targets that have no figure in any week: {run, target, why}."""
    found = []
    for run in runs:
        for number, target in enumerate(TARGETS):
            truths = run.truths[run.among(MAIN[target]) & (run.truths[:, number] != NOT_JUDGED), number]
            if not 0 < truths.sum() < len(truths):
                why = OUTCOMES[target][2 if not len(truths) else 0 if not truths.any() else 1]
                found.append({"run": run.name, "target": target, "why": why})
    return found


def means_of(rows: Sequence[Row], runs: Sequence[Material]) -> list[Row]:
    """Means over runs at 25, 50 and 75 % of each run, and over all weeks; with the seeds' spread where there are several."""
    weeks_at = {run.name: {share: run.week_at(share) for share in SHARES} for run in runs}
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["run"] != POOLED:
            groups.setdefault((row["split"], row["model"], row["target"], row["among"]), []).append(row)
    means = []
    for (split, model, target, among), mine in groups.items():
        key = {"split": split, "model": model, "target": target, "among": among}
        for share in SHARES:
            means.append(
                {**key, "at": f"{share} %"} | _mean([r for r in mine if r["week"] == weeks_at[r["run"]][share]])
            )
        means.append({**key, "at": "all weeks"} | _mean(mine))
    return means


def _mean(rows: Sequence[Row]) -> Row:
    told = [row for row in rows if row["auc"] is not None]
    found: Row = {"runs": len({row["run"] for row in told})}
    for name in FIGURES:
        values = [row[name] for row in rows if row[name] is not None]
        found[name] = round(float(np.mean(values)), 6) if values else None
    seeds = [row["auc_by_seed"] for row in told if "auc_by_seed" in row]
    if seeds and len({len(one) for one in seeds}) == 1 and len(seeds) == len(told):
        by_seed = np.mean(np.array(seeds), axis=0)
        found["auc_by_seed"] = [round(float(value), 6) for value in by_seed]
        found["auc_spread"] = round(float(np.std(by_seed, ddof=1)), 6)
    return found


def reliability_rows(runs: Sequence[Material], answers: Answers) -> list[Row]:
    """Reliability diagrams of all runs together at 25, 50 and 75 % of each, by the first seed: {.., bins}."""
    found = []
    for model, seeds in answers.items():
        for number, target in enumerate(TARGETS):
            for share in SHARES:
                truths, said = [], []
                for run, part in zip(runs, seeds[0], strict=True):
                    mask = (run.truths[:, number] != NOT_JUDGED) & run.among(MAIN[target])
                    mask &= run.week == run.week_at(share)
                    if (heard := _heard(part, mask, number)) is not None:
                        truths.append(run.truths[mask, number].astype(np.float64))
                        said.append(heard)
                if said:
                    bins = reliability(np.concatenate(truths), np.concatenate(said))
                    found.append({"model": model, "target": target, "at": f"{share} %", "bins": bins})
    return found


def described(run: Material, known: float) -> Row:
    """The row of a run; `known`: the share of its events whose kind means something to our model."""
    judged = sorted(set(run.who[run.enrolled].tolist()))
    return {
        "name": run.name,
        "course": run.course,
        "learners": len(judged),
        "certified": int(run.certified[judged].sum()),
        "dated": run.dated,
        "undated": run.undated,
        "unenrolled": len(np.unique(run.who[~run.enrolled])),
        "events": len(run.run.kinds),
        "known_kinds": round(known, 4),
        "weeks": int(run.week.max(initial=0)),
        "week_at": {f"{share} %": run.week_at(share) for share in SHARES},
    }
