"""The figures of the report as SVG, written out by hand: no script, no font, no host beside the page itself.

Colours are classes (`m-engage` and so on) that the page's style sheet gives a value, in a light and a dark scheme. Models are
told apart by dashes as well. Every figure has a title and a description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Line = Mapping[int, tuple[float, int]]  # {week: (mean AUC over runs, number of runs)}

# Families share a hue; members differ by dashes. (light, dark, dashes)
STYLES: dict[str, tuple[str, str, str]] = {
    "engage": ("#0b57b0", "#7ab8ff", ""),
    "engage_portable": ("#0b57b0", "#7ab8ff", "6 4"),
    "gradient_boosting": ("#00756a", "#4fd1c1", ""),
    "lstm_published": ("#b34700", "#ffab66", ""),
    "lstm_features": ("#b34700", "#ffab66", "6 4"),
    "ensemble": ("#8a2a8f", "#e19be6", ""),
    "random_forest": ("#8a2a8f", "#e19be6", "7 3"),
    "logistic_regression": ("#8a2a8f", "#e19be6", "2 3"),
    "knn": ("#8a2a8f", "#e19be6", "8 3 2 3"),
    "days_since_last_event": ("#5c6670", "#a9b4bf", "7 3"),
    "points_so_far": ("#5c6670", "#a9b4bf", "2 3"),
    "event_count": ("#5c6670", "#a9b4bf", "8 3 2 3"),
}
OURS = "engage"


def colour_rules() -> tuple[str, str]:
    """CSS for the light and the dark scheme."""
    light = "".join(f".m-{model}{{--c:{colour}}}" for model, (colour, _, _) in STYLES.items())
    dark = "".join(f".m-{model}{{--c:{colour}}}" for model, (_, colour, _) in STYLES.items())
    return light, dark


def stroke(model: str) -> str:
    """The attributes of a model's line."""
    dashes = STYLES.get(model, ("", "", ""))[2]
    return f"class='line m-{model}'" + (f" stroke-dasharray='{dashes}'" if dashes else "")


def swatch(model: str) -> str:
    """A piece of a model's line, for the legend."""
    return f"<svg class='swatch' viewBox='0 0 30 10' aria-hidden='true'><path d='M1 5H29' {stroke(model)}/></svg>"


def auc_by_week(
    lines: Mapping[str, Line], *, name: str, title: str, width: int, height: int, unit: str = "runs"
) -> str:
    """Mean ROC AUC by week, one line a model, and below it a bar for the number of runs that the mean is over.

    `name` makes the ids of the title and the description unique on the page.
    """
    weeks = sorted({week for line in lines.values() for week in line})
    if not weeks:
        return "<p class='none'>No week has ten learners of this outcome in any run.</p>"
    counts = {week: max(line[week][1] for line in lines.values() if week in line) for week in weeks}
    low = min(0.5, math.floor(min(auc for line in lines.values() for auc, _ in line.values()) * 10) / 10)
    left, right, top, bottom, bars = 52, 12, 10, 58, 22
    first, last, most = weeks[0], max(weeks[-1], weeks[0] + 1), max(counts.values())

    def x(week: float) -> float:
        return left + (week - first) / (last - first) * (width - left - right)

    def y(auc: float) -> float:
        return top + (1 - auc) / (1 - low) * (height - top - bottom)

    best = max(lines, key=lambda model: sum(auc for auc, _ in lines[model].values()) / max(len(lines[model]), 1))
    told = f"Weeks {weeks[0]} to {weeks[-1]}; highest on the mean: {best}. The figures stand in the table below."
    out = [
        f"<svg class='auc' viewBox='0 0 {width} {height}' role='img' aria-labelledby='{name}-t {name}-d'>",
        f"<title id='{name}-t'>{escape(title)}</title><desc id='{name}-d'>{escape(told)}</desc>",
    ]
    for tenth in range(round(low * 10), 11):
        at = y(tenth / 10)
        out.append(f"<path class='grid' d='M{left} {at:.1f}H{width - right}'/>")
        out.append(f"<text x='{left - 7}' y='{at + 4:.1f}' text-anchor='end'>{tenth / 10:.1f}</text>")
    step = next(step for step in (1, 2, 4, 8, 16) if (last - first) / step <= (width - left - right) / 34)
    thick = max(min((width - left - right) / (last - first + 1) - 2, 12), 2)
    for week in weeks:
        if week in (first, weeks[-1]) or (week % step == 0 and weeks[-1] - week >= step / 1.5 <= week - first):
            out.append(f"<text x='{x(week):.1f}' y='{height - bottom + 18}' text-anchor='middle'>{week}</text>")
        tall = bars * counts[week] / most
        out.append(
            f"<rect class='count' x='{x(week) - thick / 2:.1f}' y='{height - 6 - tall:.1f}' width='{thick:.1f}' "
            f"height='{tall:.1f}'><title>week {week}: {counts[week]} {unit}</title></rect>"
        )
    out.append(f"<text class='small' x='{left - 12}' y='{height - bottom + 18}' text-anchor='end'>week</text>")
    out.append(f"<text class='small' x='{left - 12}' y='{height - 12}' text-anchor='end'>{most} {unit}</text>")
    for model in sorted(lines, key=lambda model: model == OURS):  # ours last, above the others
        points = " ".join(f"{x(week):.1f},{y(auc):.1f}" for week, (auc, _) in sorted(lines[model].items()))
        if len(lines[model]) == 1:
            ((week, (auc, _)),) = lines[model].items()
            out.append(
                f"<circle class='dot m-{model}' cx='{x(week):.1f}' cy='{y(auc):.1f}' r='3'><title>{model}</title></circle>"
            )
        elif points:
            out.append(f"<polyline points='{points}' {stroke(model)}><title>{model}</title></polyline>")
    return "".join(out) + "</svg>"


def reliability(
    bins: Sequence[Mapping[str, float]], beside: Sequence[Mapping[str, float]], *, model: str, name: str, title: str
) -> str:
    """What was said against what came true: points with the middle 95 % of chance, `beside` another model's line."""
    size, pad, low = 240, 8, 30

    def x(chance: float) -> float:
        return low + chance * (size - low - pad)

    def y(share: float) -> float:
        return pad + (1 - share) * (size - low - pad)

    worst = max(bins, key=lambda one: abs(one["said"] - one["seen"]))
    told = f"Farthest from true: {worst['said']:.0%} said, {worst['seen']:.0%} came true."
    out = [
        f"<svg class='reliability' viewBox='0 0 {size} {size}' role='img' aria-labelledby='{name}-t {name}-d'>",
        f"<title id='{name}-t'>{escape(title)}</title><desc id='{name}-d'>{escape(told)}</desc>",
    ]
    for quarter in range(5):
        part = quarter / 4
        out.append(f"<path class='grid' d='M{x(part):.1f} {y(0):.1f}V{y(1):.1f}M{x(0):.1f} {y(part):.1f}H{x(1):.1f}'/>")
        anchor = "start" if not quarter else "end" if quarter == 4 else "middle"
        out.append(
            f"<text class='small' x='{x(part):.1f}' y='{size - 12}' text-anchor='{anchor}'>{part * 100:.0f}</text>"
        )
        if quarter:
            out.append(
                f"<text class='small' x='{low - 5}' y='{y(part) + 4:.1f}' text-anchor='end'>{part * 100:.0f}</text>"
            )
    out.append(f"<path class='true' d='M{x(0):.1f} {y(0):.1f}L{x(1):.1f} {y(1):.1f}'/>")
    if beside:
        points = " ".join(f"{x(one['said']):.1f},{y(one['seen']):.1f}" for one in beside)
        out.append(f"<polyline points='{points}' class='line thin m-lstm_published'/>")
    points = " ".join(f"{x(one['said']):.1f},{y(one['seen']):.1f}" for one in bins)
    out.append(f"<polyline points='{points}' class='line m-{model}'/>")
    for one in bins:
        floor, ceiling = wilson(one["seen"], one["learners"])
        hint = f"{one['said']:.0%} said, {one['seen']:.0%} of {one['learners']:.0f} learners"
        out.append(
            f"<g class='m-{model}'><path class='whisker' d='M{x(one['said']):.1f} {y(floor):.1f}V{y(ceiling):.1f}'/>"
            f"<circle class='dot' cx='{x(one['said']):.1f}' cy='{y(one['seen']):.1f}' r='4'><title>{hint}</title></circle></g>"
        )
    return "".join(out) + "</svg>"


def forest(rows: Sequence[Mapping[str, Any]], *, name: str, title: str, width: int = 620) -> str:
    """Differences with their intervals, one line each; right of zero is in our favour."""
    left, right, line, top = 168, 12, 24, 8
    height = top + line * len(rows) + 34
    reach: float = max(max(abs(row["low"]), abs(row["high"]), 0.02) for row in rows) * 1.05
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if reach / step <= 4.5), 0.5)

    def x(difference: float) -> float:
        return left + (difference + reach) / (2 * reach) * (width - left - right)

    sure = sum(row["low"] > 0 for row in rows)
    told = f"{sure} of {len(rows)} differences are above zero with their whole interval."
    out = [
        f"<svg class='forest' viewBox='0 0 {width} {height}' role='img' aria-labelledby='{name}-t {name}-d'>",
        f"<title id='{name}-t'>{escape(title)}</title><desc id='{name}-d'>{escape(told)}</desc>",
    ]
    for tick in range(-math.floor(reach / step), math.floor(reach / step) + 1):
        at = x(tick * step)
        out.append(f"<path class='{'zero' if not tick else 'grid'}' d='M{at:.1f} {top}V{height - 28}'/>")
        sign = "+" if tick > 0 else "−" if tick < 0 else ""
        out.append(
            f"<text class='small' x='{at:.1f}' y='{height - 12}' text-anchor='middle'>{sign}{abs(tick * step):.2f}</text>"
        )
    for at, row in enumerate(rows):
        y = top + line * (at + 0.5)
        told = f"{row['difference']:+.3f}, from {row['low']:+.3f} to {row['high']:+.3f}, {row['runs']} runs"
        out.append(
            f"<text x='{left - 10}' y='{y + 4:.1f}' text-anchor='end'>{escape(str(row['against']))}</text>"
            f"<g class='m-engage'><title>{told}</title>"
            f"<path class='whisker' d='M{x(row['low']):.1f} {y:.1f}H{x(row['high']):.1f}'/>"
            f"<circle class='dot' cx='{x(row['difference']):.1f}' cy='{y:.1f}' r='4.5'/></g>"
        )
    return "".join(out) + "</svg>"


def wilson(share: float, count: float) -> tuple[float, float]:
    """The interval of 95 % for a share of `count` (Wilson 1927)."""
    z2 = 1.96**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
