"""`engage train`: from research packages to a model folder."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, load_packages, progress_shown

HELP = "Train a model on edX research data packages, and write it to a folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package", nargs="+", type=Path, metavar="PACKAGE", help="folder of a course run's package")
    parser.add_argument("--out", required=True, type=Path, metavar="MODEL", help="folder that the model is written to")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed gives the same model (default %(default)s)"
    )
    parser.add_argument("--name", default="engage", help="what the model is called where it is shown")
    parser.add_argument("--attribution", default="", help="whose data it was trained on, and its licence, for the card")
    parser.add_argument(
        "--leave-out",
        type=Path,
        metavar="FILE",
        help="LMS user ids, one a line, of people from whom nothing is learnt: what `engage_left_out` prints",
    )
    parser.add_argument(
        "--evaluation",
        type=Path,
        metavar="REPORT",
        help="report of `engage evaluate` on the same packages, for the card",
    )


def run(options: argparse.Namespace) -> int:
    """Read, train, calibrate, write."""
    # Here, so that `engage --help` does not wait for torch.
    from engage_backend.engagement.card import card_of
    from engage_backend.engagement.folder import CARD, WEIGHTS, save_model
    from engage_backend.engagement.training import Settings, SingleOutcome, train

    rows, groups = _evaluation(options.evaluation) if options.evaluation else ([], [])
    left_out = _left_out(options.leave_out) if options.leave_out else frozenset[int]()
    if options.out.exists() and not options.out.is_dir():
        raise Refusal(f"{options.out} is a file; --out wants a folder")
    with progress_shown() as progress:
        runs, kinds = load_packages(options.package, progress, seed=options.seed, leave_out=left_out)
        task = progress.add_task("training", total=None)
        settings = Settings()
        try:
            model = train(
                runs,
                kinds,
                seed=options.seed,
                settings=settings,
                progress=lambda what: progress.update(task, description=what),
            )
        except SingleOutcome as reason:
            raise Refusal(str(reason)) from reason
    card = card_of(
        runs,
        name=options.name,
        command=_command(options),
        seed=options.seed,
        settings=settings,
        attribution=options.attribution,
        evaluation=rows,
        groups=groups,
    )
    try:
        save_model(model, card, options.out)
    except OSError as problem:
        raise Refusal(f"{options.out}: {problem.strerror}") from problem
    size = sum((options.out / name).stat().st_size for name in (WEIGHTS, CARD))
    events = sum(len(one.kinds) for one in runs)
    Console().print(
        f"{options.out}: {model.identity}, {size / 1e6:.1f} MB, from {events:,} events of {len(runs)} course runs",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _left_out(path: Path) -> frozenset[int]:
    try:
        return frozenset(int(line) for line in path.read_text(encoding="ascii").split())
    except OSError as problem:
        raise Refusal(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise Refusal(f"{path}: not a list of LMS user ids, one a line") from problem


def _evaluation(report: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a report's metrics.json, and those by group."""
    from engage_backend.engagement.card import COLUMNS

    path = report / "metrics.json" if report.is_dir() else report
    try:
        found = json.loads(path.read_bytes())
        names = ("split", "model", "run", "target", "among", "week", *COLUMNS)
        return [{name: row[name] for name in names} for row in found["rows"]], list(found["groups"])
    except OSError as problem:
        raise Refusal(f"{path}: {problem.strerror}") from problem
    except (ValueError, TypeError, KeyError) as problem:
        raise Refusal(f"{path}: not the metrics of an evaluation") from problem


def _command(options: argparse.Namespace) -> str:
    """The command as it can be typed again; of folders only the last name, which says enough and tells no one's disk."""
    words = ["engage", "train", *(folder.resolve().name for folder in options.package), "--out", options.out.name]
    words += ["--seed", str(options.seed), "--name", options.name]
    if options.attribution:
        words += ["--attribution", options.attribution]
    if options.leave_out:
        words += ["--leave-out", options.leave_out.name]
    if options.evaluation:
        words += ["--evaluation", options.evaluation.name]
    return shlex.join(words)
