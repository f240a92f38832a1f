"""`engage calibrate ...`: the management command `engage_calibrate` on the standalone site."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace

from engage_backend.cli.standalone import run_command

HELP = "run engage_calibrate on the standalone site; takes what `engage_calibrate` takes"


def add_arguments(parser: ArgumentParser) -> None:
    """All that follows goes to the management command."""
    parser.add_argument("words", nargs=REMAINDER)


def run(options: Namespace) -> int:
    """Run the management command on the standalone site."""
    return run_command("engage_calibrate", options.words)
