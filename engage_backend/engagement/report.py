"""The report of an evaluation: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from engage_backend.engagement.evaluation import BASELINES, OURS, mean_by_week
from engage_backend.engagement.trees import TARGETS

COLOURS = ("#0b5cad", "#b45309", "#4d7c0f", "#9d174d")  # engage first; told apart by dashes too
DASHES = ("", "6 3", "2 3", "8 3 2 3")
SHOWN_WEEKS = (1, 2, 4, 8, 12, 16, 24, 32)
MEANINGS = {
    "certify": "earns a certificate",
    "complete": "hands in enough graded work to be able to pass",
    "leave": "does not come back; asked of those active in the last 14 days",
}
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 280, 44, 34, 10

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1f2937}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #d1d5db}th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto}svg text{font-size:12px;fill:#374151}h2{margin-top:2.5rem}"""


def html_report(rows: Sequence[dict[str, Any]], *, title: str) -> str:
    """The page: for each target, AUC by week as a figure and a table, and calibration."""
    runs = sorted({str(row["run"]) for row in rows})
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>",
        f"<title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>",
        f"<p>{len(runs)} course runs ({escape(', '.join(runs))}), each predicted by a model trained on the others from what ",
        "was known at the end of each week. Learners active by the end of the first week, at the natural balance. ",
        "Every figure of this page stands in <code>metrics.json</code>.</p>",
    ]
    for target in TARGETS:
        parts += [
            f"<h2>{target}</h2><p>The learner {MEANINGS[target]}.</p>",
            _figure(rows, target),
            _table(rows, target),
        ]
    return "".join(parts) + "</html>\n"


def _figure(rows: Sequence[dict[str, Any]], target: str) -> str:
    """Mean ROC AUC by week, one line a model, and below it how many runs the mean is over."""
    models = (OURS, *BASELINES)
    lines = {model: mean_by_week(rows, model, target, "auc") for model in models}
    weeks = sorted({week for line in lines.values() for week in line})
    if not weeks:
        return "<p>No week in which both outcomes occurred.</p>"
    last = max(weeks[-1], 2)

    def x(week: float) -> float:
        return _LEFT + (week - 1) / (last - 1) * (_WIDTH - _LEFT - 10)

    def y(auc: float) -> float:
        return _TOP + (1.0 - max(auc, 0.4)) / 0.6 * (_HEIGHT - _BOTTOM - _TOP)

    out = [f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT + 32}' role='img' aria-label='ROC AUC by week, {target}'>"]
    for tick in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        out.append(f"<line x1='{_LEFT}' x2='{_WIDTH - 10}' y1='{y(tick):.1f}' y2='{y(tick):.1f}' stroke='#e5e7eb'/>")
        out.append(f"<text x='{_LEFT - 6}' y='{y(tick) + 4:.1f}' text-anchor='end'>{tick:.1f}</text>")
    ours = lines[OURS]
    for week in weeks:
        if week == 1 or week % 4 == 0:
            count = ours.get(week, (0.0, 0))[1]
            out.append(f"<text x='{x(week):.1f}' y='{_HEIGHT - 14}' text-anchor='middle'>{week}</text>")
            out.append(f"<text x='{x(week):.1f}' y='{_HEIGHT + 2}' text-anchor='middle'>{count}</text>")
    out.append(f"<text x='2' y='{_HEIGHT - 14}'>week</text><text x='2' y='{_HEIGHT + 2}'>runs</text>")
    left = _LEFT
    for at, (model, line) in enumerate(lines.items()):
        points = " ".join(f"{x(week):.1f},{y(auc):.1f}" for week, (auc, _) in line.items())
        style = f"stroke='{COLOURS[at]}' stroke-dasharray='{DASHES[at]}' stroke-width='{3 if model == OURS else 1.5}'"
        out.append(f"<polyline points='{points}' fill='none' {style}/>")
        out.append(f"<line x1='{left}' x2='{left + 22}' y1='{_HEIGHT + 22}' y2='{_HEIGHT + 22}' {style}/>")
        out.append(f"<text x='{left + 26}' y='{_HEIGHT + 26}'>{model}</text>")
        left += 50 + 7 * len(model)
    return "".join(out) + "</svg>"


def _table(rows: Sequence[dict[str, Any]], target: str) -> str:
    weeks = [week for week in SHOWN_WEEKS if any(row["week"] == week and row["target"] == target for row in rows)]
    head = "".join(f"<th>{week}</th>" for week in weeks)
    lines = [(f"AUC, {model}", mean_by_week(rows, model, target, "auc")) for model in (OURS, *BASELINES)]
    lines += [
        (f"{words}, {OURS}", mean_by_week(rows, OURS, target, column))
        for words, column in (
            ("average precision", "average_precision"),
            ("Brier", "brier"),
            ("calibration error", "ece"),
        )
    ]
    body = "".join(
        f"<tr><td>{label}</td>"
        + "".join(f"<td>{line[week][0]:.3f}</td>" if week in line else "<td></td>" for week in weeks)
        + "</tr>"
        for label, line in lines
    )
    return f"<table><thead><tr><th>mean over runs, week</th>{head}</tr></thead><tbody>{body}</tbody></table>"
