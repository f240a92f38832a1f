"""What `engage train` and `engage evaluate` share: reading packages, and saying what is going on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engage_backend.cli import Refusal
from engage_backend.clickstream.files import DamagedFile
from engage_backend.engagement.dataset import Run, load_run
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import Package, PackageError, read_package

SEED = 2013

Loaded = TypeVar("Loaded")


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """A spinner on standard error with what is being done and for how long; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def load_packages(
    folders: Sequence[Path], progress: Progress, *, seed: int, leave_out: Collection[int] = ()
) -> tuple[list[Run], KindTable]:
    """All packages as runs, in the order given. Refuses the first folder that is no package, or that nobody clicked in.

    `leave_out`: LMS user ids of people from whom nothing is to be learnt.
    """

    def load(package: Package, kinds: KindTable, **options: Any) -> Run:
        kept = [learner for learner in package.learners if learner.user_id not in leave_out]
        return load_run(replace(package, learners=kept), kinds, seed=seed, **options)

    return load_each(folders, progress, load, lambda run: len(run.who))


def load_each(
    folders: Sequence[Path],
    progress: Progress,
    load: Callable[..., Loaded],
    examples: Callable[[Loaded], int],
) -> tuple[list[Loaded], KindTable]:
    """All packages through `load(package, kinds, progress=)`, which gives something with so many `examples`."""
    kinds, runs = KindTable(), []
    try:
        # All are opened before the first long read: a folder that is wrong should be told at once.
        packages = [read_package(folder) for folder in folders]
    except PackageError as problem:
        raise Refusal(str(problem)) from problem
    for at, package in enumerate(packages):
        if any(package.schedule.course == other.schedule.course for other in packages[:at]):
            raise Refusal(f"{package.folder}: {package.schedule.course} is there twice")
        task = progress.add_task(f"{package.name}: reading", total=None)

        def count(lines: int, *, task: int = task, name: str = package.name) -> None:
            progress.advance(task, lines)
            done = progress.tasks[task].completed
            progress.update(task, description=f"{name}: {done:,.0f} lines read")

        try:
            run = load(package, kinds, progress=count)
        except (DamagedFile, OSError) as problem:
            raise Refusal(str(problem)) from problem
        progress.update(task, total=1, completed=1)
        if not examples(run):
            raise Refusal(f"{package.folder}: no enrolled learner has an event in the course's weeks")
        runs.append(run)
    return runs, kinds
