"""The report of an evaluation: one HTML page that needs nothing beside itself. Every figure of it stands in metrics.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from engage_backend.engagement.comparison import figures
from engage_backend.engagement.comparison.judging import (
    AMONG,
    MAIN,
    OURS,
    PORTABLE,
    POSITIVES,
    WHO,
    Evaluation,
    is_pooled,
    line_of,
    mean_by_week,
)
from engage_backend.engagement.comparison.page import PAGE, WHAT_IT_SAYS
from engage_backend.engagement.comparison.splits import BY_COURSE, BY_RUN, FORWARD
from engage_backend.engagement.comparison.tables import not_dated
from engage_backend.engagement.trees import TARGETS

SHOWN_WEEKS = (1, 2, 4, 8, 12, 16, 24, 32)
KEY_WEEKS = (4, 8, 16)
SHARES = ("25 %", "50 %", "75 %")
MEANINGS = {
    "certify": "earns a certificate",
    "complete": "hands in enough graded work to be able to pass",
    "leave": "does not come back",
}
BESIDE = "lstm_published"
Cells = Mapping[str, Sequence[float | None]]


def html_report(found: Evaluation, *, title: str = "How good the predictions are") -> str:
    """The page: a summary, then for each target figure, tables, calibration and differences, then groups and method."""
    light, dark = figures.colour_rules()
    names = [str(run["name"]) for run in found.runs]
    parts = [
        PAGE.replace("{title}", escape(title)).replace("{light}", light).replace("{dark}", dark),
        f"<h1>{escape(title)}</h1><p class='lead'>{len(found.runs)} course runs, each predicted by models that learnt from "
        "others, from what was known at the end of each week; judged on the learners who were active by the end of the "
        "first week and enrolled at the moment asked, all of them, at their natural balance.</p>",
        _runs(found),
        "<h2 id='summary'>In short</h2>",
        _summary(found),
    ]
    for target in TARGETS:
        parts.append(f"<h2 id='{target}'>{target}</h2><p>The learner {MEANINGS[target]}.</p>")
        parts += [_among(found, target, among) for among in AMONG[target]]
        parts += [_reliability(found, target), _calibration(found, target), _differences(found, target)]
    parts += [_splits(found), _groups(found), WHAT_IT_SAYS, _left_out(found, names), "</main></html>\n"]
    return "".join(parts)


def _runs(found: Evaluation) -> str:
    head = (
        "learners",
        "unenrolled later",
        "certified",
        "events",
        "of known kinds",
        "weeks",
        *(f"week at {share}" for share in SHARES),
    )
    body = {
        str(run["name"]): (
            f"{run['learners']:,}",
            f"{run.get('unenrolled', 0):,}" if run.get("dated", True) else "not dated",
            f"{run['certified'] / max(run['learners'], 1):.0%}",
            f"{run['events']:,}",
            f"{run['known_kinds']:.0%}",
            *(str(week) for week in (run["weeks"], *run["week_at"].values())),
        )
        for run in found.runs
    }
    told = "".join(f"<p class='note'>{escape(line)}</p>" for line in not_dated(found.runs))
    return _table("course run", head, body, caption="The course runs") + told


def _summary(found: Evaluation) -> str:
    """For each target, at weeks 4, 8 and 16 and on the mean of all weeks: ours, and the best of the others."""
    out = ["<div class='cards'>"]
    for target in TARGETS:
        for among in AMONG[target]:
            lines = {model: _line(found, model, target, among) for model in found.models}
            ours, others = (
                lines.get(OURS, {}),
                {model: line for model, line in lines.items() if model not in (OURS, PORTABLE)},
            )
            weeks = [week for week in KEY_WEEKS if week in ours] or sorted(ours)[-1:]
            cells = "".join(_card_row(f"week {week}", ours[week][0], _best(others, week)) for week in weeks)
            out.append(
                f"<section class='card'><h3>{target}<small>{escape(WHO[among])}</small></h3>"
                + (
                    f"<table><tbody>{cells}</tbody></table>"
                    if cells
                    else f"<p class='none'>{_no_figure(found, target)}</p>"
                )
                + _shortfall(ours, others)
                + "</section>"
            )
    return "".join(out) + "</div>"


def _card_row(label: str, ours: float, best: tuple[str, float] | None) -> str:
    beside = f"best other {_three(best[1])} <span class='model'>{escape(best[0])}</span>" if best else ""
    return f"<tr><th scope='row'>{label}</th><td class='big'>{_three(ours)}</td><td class='beside'>{beside}</td></tr>"


def _shortfall(ours: Mapping[int, tuple[float, int]], others: Mapping[str, Mapping[int, tuple[float, int]]]) -> str:
    """Where the best of the others was farthest ahead of ours."""
    gaps = [(best[1] - ours[week][0], week, best[0]) for week in ours if (best := _best(others, week))]
    if not gaps:
        return ""
    gap, week, model = max(gaps)
    if gap <= 0:
        return "<p class='note'>Ahead of every other model in every week.</p>"
    if gap <= 0.005:
        return f"<p class='note'>Never behind by more than .005: most in week {week}, by {_three(gap)} ({escape(model)}).</p>"
    ahead = sum(behind > 0.005 for behind, _, _ in gaps)
    return (
        f"<p class='note'>Behind the best other by more than .005 in {ahead} of {len(gaps)} weeks; "
        f"most in week {week}, by {_three(gap)} ({escape(model)}).</p>"
    )


def _best(lines: Mapping[str, Mapping[int, tuple[float, int]]], week: int) -> tuple[str, float] | None:
    there = [(line[week][0], model) for model, line in lines.items() if week in line]
    return (max(there)[1], max(there)[0]) if there else None


def _among(found: Evaluation, target: str, among: str) -> str:
    """The figure of AUC by week and its table."""
    lines = {model: _line(found, model, target, among) for model in found.models}
    name, first = f"{target}-{among}", among == MAIN[target]
    title = f"{target}: ROC AUC by week, {WHO[among]}"
    if not any(lines.values()):
        return f"<h3>Among {WHO[among]}</h3><p class='none'>{_no_figure(found, target)}</p>"
    pooled = is_pooled(target, among)
    unit = "runs"
    wide = figures.auc_by_week(lines, name=f"{name}-w", title=title, width=960, height=430, unit=unit)
    narrow = figures.auc_by_week(lines, name=f"{name}-n", title=title, width=368, height=330, unit=unit)
    means = {model: sum(auc for auc, _ in line.values()) / len(line) for model, line in lines.items() if line}
    legend = "".join(
        f"<li>{figures.swatch(model)}<span>{escape(model)}</span><b>{_three(means[model])}</b></li>"
        for model in sorted(means, key=lambda model: -means[model])
    )
    over = "all runs together" if pooled else "the mean over runs"
    counted = (
        "how many runs are still asked about"
        if pooled
        else f"how many runs have at least {POSITIVES} learners of this outcome"
    )
    figure = (
        f"<figure><div class='wide'>{wide}</div><div class='narrow'>{narrow}</div><ul class='legend'>{legend}</ul>"
        f"<figcaption>ROC AUC at the end of each week, {over}; right in the legend, the mean over the weeks. The bars below: "
        f"{counted} that week.</figcaption></figure>"
    )
    weeks = [week for week in SHOWN_WEEKS if any(week in line for line in lines.values())]
    body: dict[str, list[float | None]] = {}
    for model in found.models:
        shares = [_mean(found, model, target, among, share).get("auc") for share in SHARES]
        body[model] = [lines[model].get(week, (None,))[0] for week in weeks] + [*shares, means.get(model)]
    head = (*(f"week {week}" for week in weeks), *SHARES, "mean of weeks")
    table = _best_table("model", head, body, caption=f"ROC AUC, {WHO[among]}" + _seeds(found, target, among))
    return f"<h3>Among {WHO[among]}</h3>{figure}" + (table if first else _folded("The figures", table))


def _line(found: Evaluation, model: str, target: str, among: str) -> Mapping[int, tuple[float, int]]:
    return line_of(found.rows, model, target, among)


def _mean(found: Evaluation, model: str, target: str, among: str, at: str, split: str = BY_RUN) -> dict[str, Any]:
    wanted = (split, model, target, among, at)
    rows = (
        row for row in found.means if (row["split"], row["model"], row["target"], row["among"], row["at"]) == wanted
    )
    return next(rows, {})


def _seeds(found: Evaluation, target: str, among: str) -> str:
    """How far the mean over all weeks moves from seed to seed, for ours."""
    spread = _mean(found, OURS, target, among, "all weeks").get("auc_spread")
    if spread is None:
        return ""
    return f"; means over {len(found.seeds)} seeds, whose standard deviation for {OURS} is {spread:.4f} over all weeks"


def _reliability(found: Evaluation, target: str) -> str:
    kept = {(row["model"], row["at"]): row["bins"] for row in found.reliability if row["target"] == target}
    model = OURS if OURS in found.models else found.models[0]
    parts = [
        f"<div>{figures.reliability(kept[model, share], kept.get((BESIDE, share), ()) if model != BESIDE else (), model=model, name=f'{target}-r{at}', title=f'{target} at {share} of the course: said and seen')}"  # noqa: E501
        f"<p>{share} of the course</p></div>"
        for at, share in enumerate(SHARES)
        if (model, share) in kept
    ]
    if not parts:
        return ""
    beside = f"; thin: <code>{BESIDE}</code>" if any(name == BESIDE for name, _ in kept) and model != BESIDE else ""
    return (
        f"<h3>What is said, and what comes true</h3><figure><div class='three'>{''.join(parts)}</div>"
        f"<figcaption>Along: the probability that <code>{model}</code> said, per cent; upwards: the share of those learners "
        f"whom it came true for; ten groups of equal size, with 95 % intervals{beside}. On the diagonal, seven of ten are "
        f"seven of ten. Among {WHO[MAIN[target]]}, all runs together.</figcaption></figure>"
    )


def _calibration(found: Evaluation, target: str) -> str:
    """Of each model at half of the course: probabilities."""
    columns = (
        ("average precision", "average_precision"),
        ("Brier", "brier"),
        ("calibration error, plain", "ece"),
        ("calibration error, debiased", "ece_debiased"),
        ("noise floor", "ece_floor"),
        ("slope", "slope"),
    )
    out = []
    for share in SHARES:
        rows = {model: _mean(found, model, target, MAIN[target], share) for model in found.models}
        body = {model: [row.get(column) for _, column in columns] for model, row in rows.items() if row.get("brier")}
        if body:
            caption = f"Probabilities at {share} of the course, means over runs"
            out.append(_plain_table("model", [name for name, _ in columns], body, caption=caption))
    return _folded("Probabilities, in figures", "".join(out)) if out else ""


def _differences(found: Evaluation, target: str) -> str:
    among = MAIN[target]
    mine = [row for row in found.differences if (row["model"], row["target"], row["among"]) == (OURS, target, among)]
    at = next((at for at in ("week 8", "50 %", "week 4") if any(row["at"] == at for row in mine)), None)
    if at is None:
        return ""
    rows = sorted((row for row in mine if row["at"] == at), key=lambda row: row["difference"])
    title = f"{target}: AUC of {OURS} less that of each other model, {at}"
    table = _plain_table(
        "against",
        ["at", "difference", "from", "to", "runs"],
        {
            f"{row['against']}, {row['at']}": ["", row["difference"], row["low"], row["high"], row["runs"]]
            for row in mine
        },
        caption=f"{OURS} less each other model, mean ROC AUC over runs, 95 % intervals",
        skip=("at",),
    )
    return (
        f"<h3>How sure the differences are</h3><figure><div class='scroll' tabindex='0' role='region' "
        f"aria-label='{escape(title)}'>{figures.forest(rows, name=f'{target}-f', title=title)}</div>"
        f"<figcaption>Mean ROC AUC over runs of <code>{OURS}</code> less that of each other model, {at}; right of zero is in "
        "its favour. 95 % intervals of a paired bootstrap over course runs and learners.</figcaption></figure>"
        + _folded("All weeks and shares", table)
    )


def _splits(found: Evaluation) -> str:
    """The other divisions."""
    meanings = {
        BY_COURSE: "Leave one course out: nothing of the same course, and no learner in common",
        FORWARD: "Forward in time: learnt from runs that had ended when this one began",
    }
    out = []
    for split, meaning in meanings.items():
        body = {}
        for model in found.models:
            cells: list[float | None] = []
            for target in TARGETS:
                line = mean_by_week(found.rows, model, target, "auc", split=split)
                cells += [line.get(week, (None,))[0] for week in KEY_WEEKS]
                cells.append(_mean(found, model, target, MAIN[target], "all weeks", split).get("auc"))
            if any(cell is not None for cell in cells):
                body[model] = cells
        if body:
            head = [
                f"{target}, {at}" for target in TARGETS for at in (*(f"week {week}" for week in KEY_WEEKS), "all weeks")
            ]
            out.append(_best_table("model", head, body, caption=f"{meaning}. Mean ROC AUC over runs"))
    return f"<h2 id='splits'>Other divisions of the runs</h2>{''.join(out)}" if out else ""


def _groups(found: Evaluation) -> str:
    if not found.groups:
        return ""
    out = [
        "<h2 id='groups'>By gender, education and age</h2><p>What learners said of themselves; no model reads it. "
        f"Of <code>{OURS}</code>, at half of the course, all runs together, with 95 % intervals; no figures where fewer "
        f"than {POSITIVES} learners have either outcome.</p>"
    ]
    for target in TARGETS:
        rows = [row for row in found.groups if row["target"] == target and row["at"] == "50 %"]
        body = {
            f"{row['attribute']}: {row['group']}": (
                f"{row['learners']:,}",
                f"{row['positives']:,}",
                _interval(row["auc"]),
                _interval(row["said_less_seen"], sign=True),
                _three(row["ece_debiased"]),
                _three(row["ece_floor"]),
            )
            for row in rows
        }
        head = (
            "learners",
            "of this outcome",
            "ROC AUC",
            "said less seen",
            "calibration error, debiased",
            "noise floor",
        )
        if body:
            out.append(_table("group", head, body, caption=f"{target}, among {WHO[MAIN[target]]}"))
    return "".join(out)


def _left_out(found: Evaluation, names: Sequence[str]) -> str:
    seeds = ", ".join(str(seed) for seed in found.seeds)
    lines = [f"Packages: {', '.join(names)}. Seeds: {seeds}."]
    lines += [f"Left out: {line}." for line in found.left_out]
    lines += [f"No figure for {row['target']} of {row['run']}: {row['why']}." for row in found.unasked]
    lines += sorted(
        {
            f"No figure for {row['target']} in the fold of {row['fold']} ({row['split']}): {row['why']}."
            for row in found.without
        }
    )
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _no_figure(found: Evaluation, target: str) -> str:
    reasons = {str(row["why"]) for row in found.without if row["target"] == target}
    reasons |= {f"{row['why']} in {row['run']}" for row in found.unasked if row["target"] == target}
    told = (
        "; ".join(sorted(reasons))
        or f"no run has {POSITIVES} learners of this outcome, and one without it, in any week"
    )
    return f"No figure: {escape(told)}."


def _best_table(corner: str, head: Sequence[str], body: Cells, *, caption: str) -> str:
    """A table in which the highest of each column stands out."""
    best = [max((_three(row[at]) for row in body.values()), default="") for at in range(len(head))]
    cells = {
        name: [
            f"<b>{_three(cell)}</b>" if cell is not None and _three(cell) == best[at] else _three(cell)
            for at, cell in enumerate(row)
        ]
        for name, row in body.items()
    }
    return _table(corner, head, cells, caption=caption)


def _plain_table(
    corner: str, head: Sequence[str], body: Mapping[str, Sequence[Any]], *, caption: str, skip: Iterable[str] = ()
) -> str:
    shown = [at for at, name in enumerate(head) if name not in skip]
    cells = {
        name: [str(row[at]) if isinstance(row[at], int) else _three(row[at]) for at in shown]
        for name, row in body.items()
    }
    return _table(corner, [head[at] for at in shown], cells, caption=caption)


def _table(corner: str, head: Sequence[str], body: Mapping[str, Sequence[str]], *, caption: str) -> str:
    columns = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr{' class=ours' if name == OURS else ''}><th scope='row'>{escape(name)}</th>"
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>"
        for name, cells in body.items()
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(caption, quote=True)}'><table>"
        f"<caption><span>{escape(caption)}</span></caption><thead><tr><th scope='col'>{corner}</th>{columns}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _folded(summary: str, inner: str) -> str:
    return f"<details><summary>{summary}</summary>{inner}</details>"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(value: Sequence[float] | None, *, sign: bool = False) -> str:
    if value is None:
        return ""
    middle, low, high = (f"{part:+.3f}" if sign else f"{part:.3f}" for part in value)
    return f"{middle} <span class='interval'>({low} to {high})</span>"
