"""`engage prepare`: research packages made ready for training once, without identities."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, add_leave_out, left_out, prepare_packages, progress_shown

HELP = "Make research packages ready for `engage train`: arrays on disk that name nobody, read once and used often."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package", nargs="+", type=Path, metavar="PACKAGE", help="folder of a course run's package")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="folder that the arrays are written to"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="of the moments within weeks that are learnt from; the same gives the same arrays (default %(default)s)",
    )
    parser.add_argument(
        "--sequence", action="store_true", help="with what an LSTM reads of each event, for `engage train --sequence`"
    )
    add_leave_out(parser)


def run(options: argparse.Namespace) -> int:
    """Read, write."""
    from engage_backend.engagement.prepared import is_prepared, read_prepared, size_of

    out: Path = options.out
    people = left_out(options.leave_out) if options.leave_out else frozenset[int]()
    if out.exists() and not out.is_dir():
        raise Refusal(f"{out} is a file; --out wants a folder")
    if out.is_dir() and any(out.iterdir()) and not is_prepared(out):
        raise Refusal(f"{out} holds something else; give a new folder")
    with progress_shown() as progress:
        prepare_packages(options.package, out, progress, seed=options.seed, leave_out=people, sequence=options.sequence)
    runs, _ = read_prepared(out)
    events, size = sum(len(one.kinds) for one in runs), size_of(out)
    Console().print(
        f"{out}: {events:,} events of {len(runs)} course runs, {size / 1e6:.1f} MB, {size / max(events, 1):.1f} bytes an event",
        highlight=False,
        soft_wrap=True,
    )
    return 0
