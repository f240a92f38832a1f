"""`engage train`: from research packages to a model folder."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, add_leave_out, left_out, progress_shown, trained_model, training_runs

if TYPE_CHECKING:
    pass

HELP = "Train a model on edX research data packages, and write it to a folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "package",
        nargs="+",
        type=Path,
        metavar="PACKAGE",
        help="folders of course runs' packages, or one prepared folder",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="MODEL", help="folder that the model is written to")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed gives the same model (default %(default)s)"
    )
    parser.add_argument(
        "--from",
        dest="base",
        metavar="MODEL",
        help="begin from this model's folder, or from `base`, the one that ships with Engage, and move it by these runs; "
        "an LSTM in it learns on with --sequence, and is left out without",
    )
    parser.add_argument(
        "--sequence",
        action="store_true",
        help="try an LSTM over events beside the trees, too; it is kept for the targets that it helps on runs unseen. "
        "With --from it begins as the one of that model, where there is one. Needs torch",
    )
    parser.add_argument(
        "--optional",
        nargs="+",
        choices=("progress", "rhythm"),
        default=(),
        help="groups of features to try beside the others; a target reads one where it pays on runs unseen. `rhythm` is the "
        "hours and weekdays of visits: only where the logs' times of day are true",
    )
    parser.add_argument("--name", default="engage", help="what the model is called where it is shown")
    parser.add_argument("--attribution", default="", help="whose data it was trained on, and its licence, for the card")
    add_leave_out(parser)
    parser.add_argument(
        "--evaluation",
        type=Path,
        metavar="REPORT",
        help="report of `engage evaluate` on the same packages, for the card",
    )


def run(options: argparse.Namespace) -> int:
    """Read, train, calibrate, write."""
    # Here, so that `engage --help` does not wait for xgboost.
    from engage_backend.engagement.card import card_of
    from engage_backend.engagement.folder import CARD, WEIGHTS, ModelRefused, save_model
    from engage_backend.engagement.level_fit import add_level
    from engage_backend.engagement.training import LstmSettings, Pace, Settings, SingleOutcome, known_share, train

    if options.sequence:
        import engage_backend.engagement.lstm  # noqa: F401 - where torch is missing, it is said before hours of reading
    rows, groups = _evaluation(options.evaluation) if options.evaluation else ([], [])
    people = left_out(options.leave_out) if options.leave_out else frozenset[int]()
    if options.out.exists() and not options.out.is_dir():
        raise Refusal(f"{options.out} is a file; --out wants a folder")
    lstm = LstmSettings() if options.sequence else None
    settings, pace = Settings(lstm=lstm, optional=tuple(options.optional)), Pace()
    base, base_card = trained_model(options.base) if options.base else (None, {})
    with (
        progress_shown() as progress,
        training_runs(options.package, progress, seed=options.seed, leave_out=people, sequence=options.sequence) as (
            runs,
            kinds,
        ),
    ):
        task = progress.add_task("training", total=None)
        try:
            model = train(
                runs,
                kinds,
                seed=options.seed,
                settings=settings,
                base=base,
                progress=lambda what: progress.update(task, description=what),
                pace=pace,
            )
        except SingleOutcome as reason:
            raise Refusal(str(reason)) from reason
        has_level = add_level(
            model, runs, seed=options.seed, progress=lambda what: progress.update(task, description=what)
        )
        card = card_of(
            model,
            runs,
            name=options.name,
            command=_command(options),
            seed=options.seed,
            settings=settings,
            attribution=options.attribution,
            evaluation=rows,
            groups=groups,
            known=[known_share(run, kinds, model.vocabulary) for run in runs],
            begun_from=f"{base.identity}, {base_card.get('trained_on', 'of unknown origin')}" if base else "",
        )
        events = sum(len(one.kinds) for one in runs)
    try:
        save_model(model, card, options.out)
    except ModelRefused as problem:
        raise Refusal(str(problem)) from problem
    except OSError as problem:
        raise Refusal(f"{options.out}: {problem.strerror}") from problem
    size = sum((options.out / name).stat().st_size for name in (WEIGHTS, CARD))
    Console().print(
        f"{options.out}: {model.identity}, {size / 1e6:.1f} MB, from {events:,} events of {len(runs)} course runs",
        highlight=False,
        soft_wrap=True,
    )
    if not has_level:
        says = (
            "No engagement level: not every number of active days in a week occurs in these runs, or in a part of them."
        )
        Console().print(says, highlight=False)
    if options.sequence:
        Console().print(f"{card['sequence'].capitalize()}. It learnt {pace}, backward steps included.", highlight=False)
    elif base is not None and base.lstm is not None:
        Console().print(f"The LSTM of {base.identity} was left out: --sequence trains it on.", highlight=False)
    return 0


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
    if options.base:
        words += ["--from", options.base if options.base == "base" else Path(options.base).name]
    if options.sequence:
        words += ["--sequence"]
    if options.optional:
        words += ["--optional", *options.optional]
    if options.attribution:
        words += ["--attribution", options.attribution]
    if options.leave_out:
        words += ["--leave-out", options.leave_out.name]
    if options.evaluation:
        words += ["--evaluation", options.evaluation.name]
    return shlex.join(words)
