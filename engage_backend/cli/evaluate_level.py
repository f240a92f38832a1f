"""`engage evaluate --level`: how well the engagement level of the next week is told, each run predicted from the others."""

from __future__ import annotations

import argparse
import shlex
from functools import partial
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from engage_backend.cli import Refusal
from engage_backend.cli.evaluate import row_by_row
from engage_backend.cli.learning import loaded, opened, progress_shown

JSON, HTML, MARKDOWN = "level.json", "level.html", "level.md"


def run(options: argparse.Namespace) -> int:
    """Read, train, judge, write the three files of the report."""
    from engage_backend.engagement.comparison.level_figures import MEAN, evaluate_level, load_week_ends
    from engage_backend.engagement.comparison.level_page import html_page, markdown_page
    from engage_backend.engagement.encoder import KindTable

    with progress_shown() as progress:
        kinds = KindTable()
        load = partial(load_week_ends, kinds=kinds, seed=options.seed)
        runs = list(loaded(opened(options.package), progress, load, lambda found: len(found.run.who)))
        task = progress.add_task("evaluating", total=None)
        try:
            found = evaluate_level(
                runs,
                seeds=range(options.seed, options.seed + options.seeds),
                progress=lambda done, of, what: progress.update(task, completed=done, total=of, description=what),
            )
        except ValueError as reason:
            raise Refusal(str(reason)) from reason
    words = ["engage", "evaluate", "--level", *(folder.resolve().name for folder in options.package)]
    words += ["--report", options.report.name, "--seed", str(options.seed), "--seeds", str(options.seeds)]
    try:
        (options.report / JSON).write_text(row_by_row(found), encoding="utf-8")
        (options.report / HTML).write_text(html_page(found), encoding="utf-8")
        (options.report / MARKDOWN).write_text(markdown_page(found, shlex.join(words)), encoding="utf-8")
    except OSError as problem:
        raise Refusal(f"{options.report}: {problem.strerror}") from problem
    console = Console()
    for among in ("enrolled", "active_14d"):
        console.print(_table([row for row in found["rows"] if row["among"] == among and row["run"] == MEAN], among))
    for aim in found["aims"]:
        reached = "reached" if aim["reached"] else "not reached"
        console.print(
            f"{aim['among']}, {aim['figure']}: {aim['ours']:.3f}, aim {aim['aim']:.3f}: {reached}", highlight=False
        )
    console.print(", ".join(str(options.report / name) for name in (HTML, MARKDOWN, JSON)), soft_wrap=True)
    return 0


def _table(rows: list[dict[str, Any]], among: str) -> Table:
    names = ("kappa", "macro_f1", "weighted_f1", "auc", "log_loss")
    title = f"{among}: means over runs"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(row["model"], *("" if row[name] is None else f"{row[name]:.3f}" for name in names))
    return table
