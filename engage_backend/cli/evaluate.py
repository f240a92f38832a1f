"""`engage evaluate`: how good our model is beside the published ones, each course run predicted from others."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, loaded, opened, progress_shown

if TYPE_CHECKING:
    from engage_backend.engagement.evaluation import Evaluation

HELP = "Judge our model and ten others on edX research data packages, week by week."
FORMAT = 2
SHOWN_WEEKS = (1, 2, 4, 8, 12, 16, 24, 32)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package", nargs="+", type=Path, metavar="PACKAGE", help="folder of a course run's package")
    parser.add_argument(
        "--report",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for metrics.json, index.html, and what makes an interrupted evaluation go on where it was",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train so many times and tell the spread (default %(default)s)",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        metavar="MODEL",
        help="only these rows of the comparison, by the names that the report gives them (default: all)",
    )
    parser.add_argument(
        "--splits",
        nargs="+",
        choices=("runs", "courses", "forward"),
        default=["runs", "courses", "forward"],
        help="leave one run out, leave one course out, forward in time (default: all)",
    )
    parser.add_argument(
        "--level",
        action="store_true",
        help="judge the engagement level of the next week instead: level.html, level.md and level.json",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="of the first training; the same gives the same figures (default %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Read, train, judge, write the report."""
    # Here, so that `engage --help` does not wait for torch.
    from engage_backend.engagement.comparison.material import load_material
    from engage_backend.engagement.encoder import KindTable
    from engage_backend.engagement.evaluation import MODELS, TooFewRuns, evaluate
    from engage_backend.engagement.report import html_report, not_dated

    models = tuple(options.models or MODELS)
    if unknown := [name for name in models if name not in MODELS]:
        raise Refusal(f"no model called {unknown[0]}; there are {', '.join(MODELS)}")
    if options.seeds < 1:
        raise Refusal("--seeds wants a number from 1")
    if len(options.package) < 2:
        raise Refusal("leave one run out takes at least two packages")
    try:
        options.report.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Refusal(f"{options.report}: {problem.strerror}") from problem
    if options.level:
        from engage_backend.cli import evaluate_level

        return evaluate_level.run(options)
    with progress_shown() as progress:
        kinds = KindTable()
        load = partial(load_material, kinds=kinds, seed=options.seed)
        runs = list(loaded(opened(options.package), progress, load, lambda material: len(material.run.who)))
        task = progress.add_task("evaluating", total=None)
        try:
            found = evaluate(
                runs,
                kinds,
                seeds=range(options.seed, options.seed + options.seeds),
                cache=options.report / "answers",
                models=models,
                wanted=options.splits,
                progress=lambda done, of, what: progress.update(task, completed=done, total=of, description=what),
            )
        except TooFewRuns as reason:
            raise Refusal(str(reason)) from reason
    try:
        (options.report / "metrics.json").write_text(as_json(found), encoding="utf-8")
        (options.report / "index.html").write_text(html_report(found), encoding="utf-8")
    except OSError as problem:
        raise Refusal(f"{options.report}: {problem.strerror}") from problem
    console = Console()
    for target in ("certify", "complete", "leave"):
        console.print(_table(found, target))
    for line in not_dated(found.runs):
        console.print(line, soft_wrap=True, highlight=False)
    for line in found.left_out:
        console.print(f"Left out: {line}", soft_wrap=True, highlight=False)
    console.print(f"{options.report / 'index.html'}, {options.report / 'metrics.json'}", soft_wrap=True)
    return 0


def as_json(found: Evaluation) -> str:
    """metrics.json."""
    return row_by_row({"format": FORMAT, **asdict(found)})


def row_by_row(found: Mapping[str, Any]) -> str:
    """Return an object of lists of objects as JSON, one of these a line."""
    parts = []
    for name, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines = ",\n".join(json.dumps(row) for row in value)
            parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _table(found: Evaluation, target: str) -> Table:
    """Mean AUC over runs by week, a line a model, and the calibration error of ours."""
    from engage_backend.engagement.evaluation import OURS, mean_by_week

    lines: dict[str, Any] = {model: mean_by_week(found.rows, model, target, "auc") for model in found.models}
    lines["calibration error of ours"] = mean_by_week(found.rows, OURS, target, "ece_debiased")
    weeks: Sequence[int] = [week for week in SHOWN_WEEKS if any(week in line for line in lines.values())]
    title = f"{target}: mean ROC AUC over runs, by week"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("", no_wrap=True)
    for week in weeks:
        table.add_column(str(week), justify="right")
    for name, line in lines.items():
        cells = (f"{line[week][0]:.3f}" if week in line else "" for week in weeks)
        table.add_row(name, *cells, style="dim" if name not in found.models else None)
    return table
