"""`engage evaluate`: how good the model is, each course run predicted from the others."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, load_packages, progress_shown

HELP = "Judge the model on edX research data packages: leave one run out, week by week."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package", nargs="+", type=Path, metavar="PACKAGE", help="folder of a course run's package")
    parser.add_argument(
        "--report", required=True, type=Path, metavar="DIR", help="folder for metrics.json and index.html"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed gives the same figures (default %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Read, train as often as there are runs, judge, write the report."""
    # Here, so that `engage --help` does not wait for torch.
    from engage_backend.engagement.evaluation import TooFewRuns, evaluate
    from engage_backend.engagement.report import html_report
    from engage_backend.engagement.training import SingleOutcome

    if len(options.package) < 2:
        raise Refusal("leave one run out takes at least two packages")
    with progress_shown() as progress:
        runs, kinds = load_packages(options.package, progress, seed=options.seed)
        task = progress.add_task("evaluating", total=None)
        try:
            rows = evaluate(
                runs, kinds, seed=options.seed, progress=lambda what: progress.update(task, description=what)
            )
        except (SingleOutcome, TooFewRuns) as reason:
            raise Refusal(str(reason)) from reason
    try:
        options.report.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(row) for row in rows)
        (options.report / "metrics.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        page = html_report(rows, title="How good the predictions are")
        (options.report / "index.html").write_text(page, encoding="utf-8")
    except OSError as problem:
        raise Refusal(f"{options.report}: {problem.strerror}") from problem
    console = Console()
    for target in ("certify", "complete", "leave"):
        console.print(_table(rows, target))
    console.print(f"{options.report / 'index.html'}, {options.report / 'metrics.json'}", soft_wrap=True)
    return 0


def _table(rows: Sequence[dict[str, Any]], target: str) -> Table:
    """Mean AUC over runs by week, a line a model, and the calibration error of ours."""
    from engage_backend.engagement.evaluation import BASELINES, OURS, mean_by_week
    from engage_backend.engagement.report import SHOWN_WEEKS

    weeks = [week for week in SHOWN_WEEKS if any(row["week"] == week and row["target"] == target for row in rows)]
    title = f"{target}: mean ROC AUC over runs, by week"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("", no_wrap=True)
    for week in weeks:
        table.add_column(str(week), justify="right")
    for model in (OURS, *BASELINES):
        line = mean_by_week(rows, model, target, "auc")
        table.add_row(model, *(f"{line[week][0]:.3f}" if week in line else "" for week in weeks))
    line = mean_by_week(rows, OURS, target, "ece")
    table.add_row("calibration error", *(f"{line[week][0]:.3f}" if week in line else "" for week in weeks), style="dim")
    return table
