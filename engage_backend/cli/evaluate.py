"""`engage evaluate`: how good our model is beside the published ones, each course run predicted from others.

With `--model`, what a finished model says of course runs.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, loaded, opened, progress_shown, trained_model

if TYPE_CHECKING:
    from engage_backend.engagement.comparison.judging import Evaluation
    from engage_backend.engagement.comparison.material import Material
    from engage_backend.engagement.encoder import KindTable

HELP = "Judge our model and the published ones on edX research data packages, week by week; or a finished model."
FORMAT = 3
SPLITS = ("runs", "courses", "forward")
COLUMNS = {
    "auc": "ROC AUC",
    "average_precision": "mean precision over recall",
    "brier": "mean squared difference between probability and outcome",
    "ece": "expected calibration error, plain: over ten groups of equal size, chance included",
    "ece_debiased": "expected calibration error, debiased: without the part that chance brings",
    "ece_floor": "expected calibration error, plain, that true probabilities would show by chance",
    "slope": "of the outcomes' log-odds over those said; below 1 a model is too sure",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package", nargs="+", type=Path, metavar="PACKAGE", help="folder of a course run's package")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="folder for metrics.json, tables.md, index.html, and what makes an interrupted evaluation go on where it was; "
        "with --model it may be left out, and there is no index.html",
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="train nothing: ask the finished model of this folder, or `base`, the one that ships with Engage",
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
        metavar="ROW",
        help="only these rows of the comparison, by the names that the report gives them (default: all)",
    )
    parser.add_argument(
        "--splits",
        nargs="+",
        choices=SPLITS,
        default=list(SPLITS),
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
    """Read, train or ask, judge, write the report."""
    if options.seeds < 1:
        raise Refusal("--seeds wants a number from 1")
    if options.model is not None:
        return _ask(options)
    # Here, so that `engage --help` does not wait for torch.
    from engage_backend.engagement.evaluation import MODELS, TooFewRuns, evaluate
    from engage_backend.engagement.report import html_report

    models = tuple(options.models or MODELS)
    if unknown := [name for name in models if name not in MODELS]:
        raise Refusal(f"no model called {unknown[0]}; there are {', '.join(MODELS)}")
    if options.report is None:
        raise Refusal("--report says where the report goes; without one, --model asks a finished model")
    if len(options.package) < 2:
        raise Refusal("leave one run out takes at least two packages; --model asks a finished model of one")
    _make(options.report)
    if options.level:
        from engage_backend.cli import evaluate_level

        return evaluate_level.run(options)

    def judge(runs: list[Material], kinds: KindTable, tell: Callable[[int, int, str], object]) -> Evaluation:
        try:
            return evaluate(
                runs,
                kinds,
                seeds=range(options.seed, options.seed + options.seeds),
                cache=options.report / "answers",
                models=models,
                wanted=options.splits,
                progress=tell,
            )
        except TooFewRuns as reason:
            raise Refusal(str(reason)) from reason

    found = _judged(options, judge)
    _write(options, found, {"index.html": html_report(found)})
    _tell(found)
    console = Console()
    names = ("index.html", "metrics.json", "tables.md")
    console.print(", ".join(str(options.report / name) for name in names), soft_wrap=True)
    return 0


def _ask(options: argparse.Namespace) -> int:
    """Ask a finished model."""
    from engage_backend.engagement.comparison.asked import asked, same_runs

    if options.level or options.models or options.seeds != 1 or options.splits != list(SPLITS):
        raise Refusal(
            "--model trains nothing: --level, --models, --seeds and --splits are of an evaluation that trains"
        )
    model, card = trained_model(options.model)
    if options.report is not None:
        _make(options.report)
    known: list[str] = []

    def judge(runs: list[Material], kinds: KindTable, tell: Callable[[int, int, str], object]) -> Evaluation:
        tell(0, 1, "figures")
        known.extend(same_runs(card, runs))
        return asked(runs, kinds, model, seed=options.seed)

    found = _judged(options, judge, sequence=model.lstm is not None)
    found.notes = [
        f"{name} is a run that this model has learnt from: its figures say nothing of a course that is new to it"
        for name in known
    ]
    console = _console()
    console.print(f"{model.identity}, {card.get('trained_on', 'trained on runs that its card does not name')}")
    if "portable" in model.parts:
        row = "engage_portable" if model.speaker("certify") == "portable" else "engage"
        console.print(f"On a page of this site certify would be that of the row {row}.", highlight=False)
    _tell(found)
    _differences(found, console)
    if options.report is not None:
        _write(options, found, {})
        console.print(f"{options.report / 'metrics.json'}, {options.report / 'tables.md'}", soft_wrap=True)
    return 0


def _judged(
    options: argparse.Namespace,
    judge: Callable[[list[Material], KindTable, Callable[[int, int, str], object]], Evaluation],
    *,
    sequence: bool = False,
) -> Evaluation:
    """Read the packages and judge them; `sequence`: with what an LSTM of ours reads."""
    from engage_backend.engagement.comparison.material import load_material
    from engage_backend.engagement.encoder import KindTable

    with progress_shown() as progress:
        kinds = KindTable()
        load = partial(load_material, kinds=kinds, seed=options.seed, sequence=sequence)
        runs = list(loaded(opened(options.package), progress, load, lambda material: len(material.run.who)))
        task = progress.add_task("evaluating", total=None)
        return judge(
            runs, kinds, lambda done, of, what: progress.update(task, completed=done, total=of, description=what)
        )


def _console() -> Console:
    """Where figures are printed: in a pipe as wide as the tables are."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def _make(report: Path) -> None:
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Refusal(f"{report}: {problem.strerror}") from problem


def _write(options: argparse.Namespace, found: Evaluation, pages: Mapping[str, str]) -> None:
    """Write metrics.json, tables.md and further pages."""
    from engage_backend.engagement.comparison.tables import markdown

    tables = markdown(asdict(found), command=_command(options))
    try:
        for name, text in {"metrics.json": as_json(found), "tables.md": tables, **pages}.items():
            (options.report / name).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise Refusal(f"{options.report}: {problem.strerror}") from problem


def _command(options: argparse.Namespace) -> str:
    """The command as it can be typed again; of folders only the last name, which tells no one's disk."""
    words = ["engage", "evaluate", *(folder.resolve().name for folder in options.package)]
    if options.model is not None:
        words += ["--model", Path(options.model).name]
    for name, value, default in (
        ("--models", options.models, None),
        ("--splits", options.splits, list(SPLITS)),
        ("--seed", [options.seed], [SEED]),
        ("--seeds", [options.seeds], [1]),
    ):
        if value != default:
            words += [name, *map(str, value)]
    return shlex.join([*words, "--report", options.report.name])


def _tell(found: Evaluation) -> None:
    """Print the tables, and in words what they lack."""
    from engage_backend.engagement.comparison.tables import not_dated, without_figure

    console = _console()
    for target in ("certify", "complete", "leave"):
        console.print(_table(found, target))
        for line in without_figure(asdict(found), target):
            console.print(f"{target}: no figure of {line}", soft_wrap=True, highlight=False)
    for line in not_dated(found.runs):
        console.print(line, soft_wrap=True, highlight=False)
    for line in (*found.notes, *(f"Left out: {line}" for line in found.left_out)):
        console.print(line, soft_wrap=True, highlight=False)


def as_json(found: Evaluation) -> str:
    """metrics.json."""
    return row_by_row({"format": FORMAT, "columns": COLUMNS, **asdict(found)})


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
    """Mean AUC over runs by week, a line a model, and both calibration errors of ours."""
    from engage_backend.engagement.comparison.judging import OURS, mean_by_week
    from engage_backend.engagement.comparison.tables import first_split, shown_weeks

    mean = partial(mean_by_week, found.rows, target=target, split=first_split(asdict(found)))
    lines: dict[str, Any] = {model: mean(model=model, column="auc") for model in found.models}
    lines["calibration error, plain"] = mean(model=OURS, column="ece")
    lines["calibration error, debiased"] = mean(model=OURS, column="ece_debiased")
    weeks = shown_weeks(lines.values())
    over = "mean ROC AUC over runs" if len(found.runs) > 1 else "ROC AUC"
    title = f"{target}: {over}, by week; calibration errors of {OURS}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("", no_wrap=True)
    for week in weeks:
        table.add_column(str(week), justify="right", no_wrap=True, min_width=5)
    for name, line in lines.items():
        cells = (f"{line[week][0]:.3f}" if week in line else "" for week in weeks)
        table.add_row(name, *cells, style="dim" if name not in found.models else None)
    return table


def _differences(found: Evaluation, console: Console) -> None:
    """Print how sure it is that the model ranks otherwise than a count of events does."""
    from engage_backend.engagement.comparison.judging import MAIN

    told: dict[tuple[str, str], list[str]] = {}
    for row in found.differences:
        if row["among"] == MAIN[row["target"]]:
            cell = f"{row['at']} {row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
            told.setdefault((row["target"], f"{row['model']} less {row['against']}"), []).append(cell)
    for (target, name), cells in told.items():
        line = f"{target}: {name}, ROC AUC with 95 % intervals of a paired bootstrap: {', '.join(cells)}"
        console.print(line, soft_wrap=True, highlight=False)
