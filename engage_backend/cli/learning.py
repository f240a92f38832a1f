"""What `engage prepare`, `train` and `evaluate` share: reading packages, and saying what is going on."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from engage_backend.cli import Refusal
from engage_backend.clickstream.files import DamagedFile
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import Package, PackageError, read_package
from engage_backend.engagement.prepared import PreparedRefused, is_prepared, read_prepared, write_prepared

if TYPE_CHECKING:
    from engage_backend.engagement.model import Model

SEED = 2013
PROGRESS_SECONDS = 10.0  # between two plain lines on what is being done
BASE_MODEL = Path(__file__).resolve().parents[1] / "base_model"

Loaded = TypeVar("Loaded")


def add_leave_out(parser: ArgumentParser) -> None:
    """Declare `--leave-out`, whose file `left_out` reads."""
    parser.add_argument(
        "--leave-out",
        type=Path,
        metavar="FILE",
        help="LMS user ids, one a line, of people from whom nothing is learnt: what `engage_left_out` prints",
    )


def trained_model(folder: str | Path) -> tuple[Model, dict[str, Any]]:
    """The finished model of a folder, or of `base`, the one that ships with Engage; and its card."""
    from engage_backend.engagement.folder import ModelRefused, load_model

    try:
        return load_model(BASE_MODEL if folder == "base" else Path(folder))
    except ModelRefused as reason:
        raise Refusal(str(reason)) from reason


@contextmanager
def progress_shown(every: float = PROGRESS_SECONDS) -> Iterator[Progress]:
    """Show on standard error what is being done and for how long: a spinner, or a plain line `every` so many seconds where
    that is no terminal.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with ExitStack() as ended:
        shown = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        progress = ended.enter_context(shown)
        if not console.is_terminal:
            done = Event()
            lines = Thread(target=_plain_lines, args=(progress, sys.stderr, done, every), daemon=True)
            lines.start()
            ended.callback(lines.join)
            ended.callback(done.set)
        yield progress


def _plain_lines(progress: Progress, out: TextIO, done: Event, every: float) -> None:
    """Write a line on the task at hand `every` so many seconds, until `done` or nobody reads them."""
    while not done.wait(every):
        if not (tasks := progress.tasks):
            continue
        task = next((one for one in reversed(tasks) if not one.finished), tasks[-1])
        share = f", {task.percentage:.0f} %" if task.total else ""
        try:
            print(f"{task.description}{share} ({task.elapsed or 0:.0f} s)", file=out, flush=True)
        except (OSError, ValueError):  # a pipe that was closed
            return


def prepare_packages(
    folders: Sequence[Path],
    out: Path,
    progress: Progress,
    *,
    seed: int,
    leave_out: Collection[int] = (),
    sequence: bool = False,
) -> None:
    """All packages, in the order given, as a prepared folder. Refuses the first one that is none, or that nobody clicked in.

    `leave_out`: LMS user ids of people from whom nothing is to be learnt. `sequence`: with what an LSTM reads.
    """
    kinds = KindTable()
    packages = [
        replace(package, learners=[one for one in package.learners if one.user_id not in leave_out])
        for package in opened(folders)
    ]
    people = {learner.user_id for package in packages for learner in package.learners}

    def load(package: Package, **options: Any) -> Run:
        return load_run(package, kinds, seed=seed, sequence=sequence, **options)

    runs = loaded(packages, progress, load, lambda run: len(run.who))
    try:
        write_prepared(runs, kinds, out, people=people, seed=seed)
    except OSError as problem:
        raise Refusal(f"{out}: {problem.strerror}") from problem


@contextmanager
def training_runs(
    folders: Sequence[Path],
    progress: Progress,
    *,
    seed: int,
    leave_out: Collection[int] = (),
    sequence: bool = False,
) -> Iterator[tuple[list[Run], KindTable]]:
    """The runs of a prepared folder; packages are prepared for as long as the runs are needed."""
    if any(is_prepared(folder) for folder in folders):
        if len(folders) > 1:
            raise Refusal(
                "give one prepared folder, or packages: runs are prepared together, so that a person is one person"
            )
        if leave_out:
            raise Refusal("a prepared folder names nobody: people are left out by `engage prepare --leave-out`")
        runs, kinds = _prepared(folders[0])
        if sequence and any(run.carried is None for run in runs):
            raise Refusal(
                f"{folders[0]} lacks what an LSTM reads: make it by `engage prepare --sequence`, or train without --sequence"
            )
        yield runs, kinds
        return
    with TemporaryDirectory(prefix="engage-prepared-") as place:
        prepare_packages(folders, Path(place), progress, seed=seed, leave_out=leave_out, sequence=sequence)
        yield _prepared(Path(place))


def _prepared(folder: Path) -> tuple[list[Run], KindTable]:
    try:
        return read_prepared(folder)
    except PreparedRefused as reason:
        raise Refusal(str(reason)) from reason


def opened(folders: Sequence[Path]) -> list[Package]:
    """The packages of these folders, none of them read: a folder that is wrong should be told before the first long read."""
    try:
        packages = [read_package(folder) for folder in folders]
    except PackageError as problem:
        raise Refusal(str(problem)) from problem
    for at, package in enumerate(packages):
        if any(package.schedule.course == other.schedule.course for other in packages[:at]):
            raise Refusal(f"{package.folder}: {package.schedule.course} is there twice")
    return packages


def loaded(
    packages: Sequence[Package],
    progress: Progress,
    load: Callable[..., Loaded],
    examples: Callable[[Loaded], int],
) -> Iterator[Loaded]:
    """Each package through `load(package, progress=)`, which gives something with so many `examples`."""
    for package in packages:
        task = progress.add_task(f"{package.name}: reading", total=None)

        def count(lines: int, *, task: TaskID = task, name: str = package.name) -> None:
            progress.advance(task, lines)
            done = progress.tasks[task].completed
            progress.update(task, description=f"{name}: {done:,.0f} lines read")

        try:
            run = load(package, progress=count)
        except (DamagedFile, OSError) as problem:
            raise Refusal(str(problem)) from problem
        progress.update(task, total=1, completed=1)
        if not examples(run):
            raise Refusal(f"{package.folder}: no enrolled learner has an event in the course's weeks")
        yield run


def left_out(path: Path) -> frozenset[int]:
    """The LMS user ids of a file that `engage_left_out` wrote."""
    try:
        return frozenset(int(line) for line in path.read_text(encoding="ascii").split())
    except OSError as problem:
        raise Refusal(f"{path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise Refusal(f"{path}: not a list of LMS user ids, one a line") from problem
