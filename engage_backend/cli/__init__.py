"""The console command `engage`.

`inspect`, `prepare`, `train`, `evaluate`, `trial`, `simulate` work on files alone and need no Django settings; the others run
the standalone site. Each subcommand is one module of this package: `HELP`, `add_arguments(parser)` and `run(options)`, which
returns the exit status.
"""

from __future__ import annotations

import argparse
import importlib
import sys

# What only passes its words on to a management command: argparse alone would take options that come first for its own.
PASSED_ON = (
    "consume",
    "backfill",
    "tick",
    "calibrate",
    "status",
    "doctor",
    "retire",
    "retention",
    "export-learner",
    "left-out",
)
SUBCOMMANDS = ("inspect", "prepare", "train", "evaluate", "trial", "demo", "replay", "simulate", *PASSED_ON)


class Refusal(Exception):
    """What the user gave cannot be worked on: the message is one line that says what, where and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; 0 when it did what was asked, 1 when it refused, 130 after Ctrl-C."""
    words = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="engage", description="Live predictions from an Open edX clickstream.")
    choices = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    runners = {}
    # Only the module that was asked for is imported: `engage inspect` must not wait for what trains.
    for name in (asked,) if asked in SUBCOMMANDS else SUBCOMMANDS:
        try:
            module = importlib.import_module(f"engage_backend.cli.{name.replace('-', '_')}")
        except ModuleNotFoundError as error:
            if name == asked:
                return _lacks(name, str(error.name).partition(".")[0])
            choices.add_parser(name, help=f"needs {_extra(name)}")
            continue
        module.add_arguments(choices.add_parser(name, help=module.HELP, description=module.HELP))
        runners[name] = module.run
    if asked in PASSED_ON and words[0] == asked:
        options = argparse.Namespace(subcommand=asked, words=words[1:])
    else:
        options = parser.parse_args(words)
    if options.subcommand not in runners:
        return _lacks(options.subcommand, "a package of its extra")
    try:
        return int(runners[options.subcommand](options))
    except ModuleNotFoundError as missing:
        package = str(missing.name).partition(".")[0]
        if package.startswith("engage_"):
            raise
        return _lacks(options.subcommand, package)
    except Refusal as refusal:
        print(f"engage {options.subcommand}: {refusal}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _extra(subcommand: str, package: str = "") -> str:
    """Return the extra of the distribution that has what a subcommand needs, and lacks in this package."""
    if package == "torch":
        return "openedx-engage[lstm]"
    name = {"demo": "demo", "replay": "demo"}.get(subcommand, "train" if subcommand not in PASSED_ON else "worker")
    return f"openedx-engage[{name}]"


def _lacks(subcommand: str, package: str) -> int:
    said = f"engage {subcommand}: {package} is not installed here; pip install '{_extra(subcommand, package)}'"
    print(said, file=sys.stderr)  # noqa: T201
    return 1
