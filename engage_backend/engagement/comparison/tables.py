"""Tables of an evaluation in Markdown, for `docs/research`: every figure of them stands in metrics.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engage_backend.engagement.comparison.judging import (
    AMONG,
    ASKED,
    EVER,
    MAIN,
    OURS,
    POOLED,
    PORTABLE,
    POSITIVES,
    WHO,
    Row,
    is_pooled,
    line_of,
)
from engage_backend.engagement.comparison.splits import BY_COURSE, BY_RUN, FORWARD
from engage_backend.engagement.trees import TARGETS

SHOWN_WEEKS = (1, 2, 4, 8, 12, 16, 24, 32)
LEAD = 0.005  # of another row, that is worth telling
ALL_WEEKS = 8  # of a course with so many, each is shown; more columns do not fit into a terminal
SPLITS = {
    ASKED: "a finished model",
    BY_RUN: "one run left out",
    BY_COURSE: "one course left out, with all its runs and learners",
    FORWARD: "learnt from runs that had ended when this one began",
}


def shown_weeks(lines: Iterable[Mapping[int, Any]]) -> list[int]:
    """The weeks that tables show, of those that have a figure."""
    there = sorted({week for line in lines for week in line})
    return there if len(there) <= ALL_WEEKS else [week for week in there if week in SHOWN_WEEKS]


def first_split(found: Mapping[str, Any]) -> str:
    """The split that figures beside the weeks are of: by runs, or a finished model asked."""
    return next((str(row["split"]) for row in found["rows"]), BY_RUN)


def markdown(found: Mapping[str, Any], *, command: str) -> str:
    """All tables. `found`: what metrics.json holds; `command`: how it can be made again."""
    seeds = ", ".join(str(seed) for seed in found["seeds"])
    parts = [f"Written by `{command}`. ROC AUC at the end of each week, of those enrolled at the moment asked."]
    if found["seeds"]:
        parts.append(f"Seeds: {seeds}.")
    parts.append(_runs(found["runs"]))
    for target in TARGETS:
        parts.append(f"## {target}")
        for among in AMONG[target]:
            for split, meaning in SPLITS.items():
                parts += _by_week(found, target, among, split, meaning)
        parts += _ever(found, target)
        parts += _ahead(found, target)
        parts += _seeds(found, target)
        parts += _probabilities(found, target)
        parts += _differences(found, target)
    parts += ["\n".join(f"- {line}" for line in not_dated(found["runs"]))]
    parts += _without_figure(found)
    return "\n\n".join(part for part in parts if part) + "\n"


def without_figure(found: Mapping[str, Any], target: str) -> list[str]:
    """Why a target has no figure, of a run or of a fold; one sentence each."""
    lines = [f"{row['run']}: {row['why']}" for row in found["unasked"] if row["target"] == target]
    lines += [f"{row['fold']} ({row['split']}): {row['why']}" for row in found["without"] if row["target"] == target]
    mine = [row for row in found["rows"] if (row["target"], row["among"]) == (target, MAIN[target])]
    mine = [row for row in mine if row["split"] == first_split(found) and row["run"] != POOLED]
    told = {row["run"] for row in mine if row["auc"] is not None} | {
        row["run"] for row in found["unasked"] if row["target"] == target
    }
    few = {row["run"] for row in mine} - told
    lines += [f"{run}: fewer than {POSITIVES} learners of this outcome in every week" for run in few]
    return sorted(set(lines))


def not_dated(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where learners who have unenrolled may be among those judged, each in a sentence."""
    lines = []
    for run in runs:
        if not run.get("dated", True):
            lines.append(
                f"{run['name']}: its log tells of no enrolment, so nobody is left out for having unenrolled; figures may be "
                "of people whom the page would not show."
            )
        elif run.get("undated"):
            lines.append(
                f"{run['name']}: {run['undated']:,} learners are unenrolled in the end, and no event tells since when: they "
                "count as enrolled."
            )
    return lines


def _runs(runs: Sequence[Row]) -> str:
    head = ("learners judged", "unenrolled later", "certified", "events", "weeks")
    body = {
        run["name"]: (
            f"{run['learners']:,}",
            f"{run['unenrolled']:,}" if run["dated"] else "not dated",
            f"{run['certified']:,}",
            f"{run['events']:,}",
            str(run["weeks"]),
        )
        for run in runs
    }
    return _table("course run", head, body)


def _by_week(found: Mapping[str, Any], target: str, among: str, split: str, meaning: str) -> list[str]:
    lines = {model: line_of(found["rows"], model, target, among, split=split) for model in found["models"]}
    lines = {model: line for model, line in lines.items() if line}
    if not lines:
        return []
    weeks = shown_weeks(lines.values())
    over = "all runs together" if is_pooled(target, among) else "means over runs"
    cells = {
        model: [*(line.get(week, (None,))[0] for week in weeks), sum(auc for auc, _ in line.values()) / len(line)]
        for model, line in lines.items()
    }
    body = _best_in_bold(cells)
    body["runs"] = [
        str(max((line[week][1] for line in lines.values() if week in line), default=0)) for week in weeks
    ] + [""]
    title = f"{target} of {WHO[among]}, {meaning}; {over}:" if len(found["runs"]) > 1 else f"{target} of {WHO[among]}:"
    return [title, _table("week", [*map(str, weeks), "all"], body)]


def _ever(found: Mapping[str, Any], target: str) -> list[str]:
    """What it costs to count the unenrolled."""
    if not any(run["unenrolled"] for run in found["runs"]):
        return []
    body: dict[str, list[float | None]] = {}
    split = first_split(found)
    weeks = shown_weeks(line_of(found["rows"], model, target, MAIN[target], split=split) for model in found["models"])
    for model in found["models"]:
        for name, rows, among in (
            ("enrolled", found["rows"], MAIN[target]),
            ("with those unenrolled", found["ever"], EVER),
        ):
            if line := line_of(rows, model, target, among, split=split):
                body[f"{model}, {name}"] = [line.get(week, (None,))[0] for week in weeks]
    told = {name: list(map(_three, row)) for name, row in body.items()}
    return [
        f"{target}, what it makes to count those who have unenrolled ({SPLITS[split]}):",
        _table("week", [*map(str, weeks)], told),
    ]


def _seeds(found: Mapping[str, Any], target: str) -> list[str]:
    rows = [
        row
        for row in found["means"]
        if (row["split"], row["target"], row["among"], row["at"]) == (BY_RUN, target, MAIN[target], "all weeks")
        and "auc_spread" in row
    ]
    if not rows:
        return []
    body = {row["model"]: [*map(_three, row["auc_by_seed"]), f"{row['auc_spread']:.4f}"] for row in rows}
    head = [*(f"seed {seed}" for seed in found["seeds"]), "standard deviation"]
    return [f"{target}, mean over all weeks and runs, by seed:", _table("model", head, body)]


def _probabilities(found: Mapping[str, Any], target: str) -> list[str]:
    columns = {
        "Brier": "brier",
        "calibration error, plain": "ece",
        "calibration error, debiased": "ece_debiased",
        "noise floor": "ece_floor",
        "slope": "slope",
    }
    rows = [
        row
        for row in found["means"]
        if (row["split"], row["target"], row["among"], row["at"]) == (first_split(found), target, MAIN[target], "50 %")
        and row["brier"] is not None
    ]
    if not rows:
        return []
    body = {row["model"]: [_three(row[column]) for column in columns.values()] for row in rows}
    return [f"{target}, probabilities at half of the course, means over runs:", _table("model", [*columns], body)]


def _differences(found: Mapping[str, Any], target: str) -> list[str]:
    rows = [row for row in found["differences"] if (row["target"], row["among"]) == (target, MAIN[target])]
    if not rows:
        return []
    moments = list(dict.fromkeys(row["at"] for row in rows))
    body: dict[str, list[str]] = {}
    for row in rows:
        cells = body.setdefault(f"{row['model']} less {row['against']}", [""] * len(moments))
        cells[moments.index(row["at"])] = f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    return [f"{target}, differences in ROC AUC with 95 % intervals, paired bootstrap:", _table("at", moments, body)]


def _ahead(found: Mapping[str, Any], target: str) -> list[str]:
    """Where a row that is not ours is ahead of ours by more than LEAD."""
    others = [model for model in found["models"] if model not in (OURS, PORTABLE)]
    lines, asked = [], 0
    for ours in (row for row in (OURS, PORTABLE) if row in found["models"]):
        for among in AMONG[target]:
            for split, meaning in SPLITS.items():
                line = line_of(found["rows"], ours, target, among, split=split)
                beside = {other: line_of(found["rows"], other, target, among, split=split) for other in others}
                asked += len(line)
                leads = [
                    (week, max((theirs[week][0], other) for other, theirs in beside.items() if week in theirs))
                    for week in line
                    if any(week in theirs for theirs in beside.values())
                ]
                told = [
                    f"week {week} {_three(best)} ({other}) beside {_three(line[week][0])}"
                    for week, (best, other) in leads
                    if best - line[week][0] > LEAD
                ]
                if told:
                    lines.append(f"- {ours}, {WHO[among]}, {meaning}: {'; '.join(told)}")
    if not asked:
        return []
    title = f"{target}, where another row is ahead by more than {LEAD}:"
    return [title, "\n".join(lines)] if lines else [f"{target}: no other row is ahead by more than {LEAD} in any week."]


def _without_figure(found: Mapping[str, Any]) -> list[str]:
    lines = [f"- {target}: no figure of {line}" for target in TARGETS for line in without_figure(found, target)]
    lines += [f"- {line}" for line in found["notes"]]
    lines += [f"- left out: {line}" for line in found["left_out"]]
    return ["\n".join(lines)] if lines else []


def _best_in_bold(cells: Mapping[str, Sequence[float | None]]) -> dict[str, list[str]]:
    columns = list(zip(*([_three(cell) for cell in row] for row in cells.values()), strict=True))
    best = [max(column) for column in columns]
    return {
        name: [_bold(_three(cell), top) for cell, top in zip(row, best, strict=True)] for name, row in cells.items()
    }


def _bold(cell: str, best: str) -> str:
    return f"**{cell}**" if cell and cell == best else cell


def _table(corner: str, head: Sequence[str], body: Mapping[str, Sequence[str]]) -> str:
    lines = [[corner, *head], ["---", *("---:" for _ in head)], *([name, *cells] for name, cells in body.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
