"""`engage trial`: what Engage would have told about finished courses, on one page, before anything is installed in an LMS."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from engage_backend.cli import Refusal
from engage_backend.cli.learning import SEED, progress_shown, trained_model
from engage_backend.engagement.dataset import Run, clicks_of, run_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.enrolments import Enrolments
from engage_backend.engagement.package import Package, PackageError, Profile, profiles, read_package

if TYPE_CHECKING:
    from engage_backend.engagement.calibration import Doubles
    from engage_backend.engagement.model import Model
    from engage_backend.engagement.trial import Trial

LATEST = 2**62  # µs: after everything
HELP = "Show on one page what Engage would have told about finished courses. Nothing is installed in an LMS."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "package", nargs="*", type=Path, metavar="PACKAGE", help="folder of a finished course run's package"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="the page that is written, report.html say"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER",
        help="ask this model; default: with several courses, each is asked of a model trained on the others, with one course "
        "the model that ships with Engage is asked",
    )
    parser.add_argument(
        "--log", nargs="+", type=Path, metavar="LOG", help="tracking logs of a course without a package"
    )
    parser.add_argument(
        "--grades", type=Path, metavar="CSV", help="that course's grade report, from the instructor dashboard"
    )
    parser.add_argument("--course", metavar="KEY", help="that course's key, where the log holds several courses")
    parser.add_argument(
        "--start", type=_day, metavar="DATE", help="its first day, 2025-09-01; default: taken from the log"
    )
    parser.add_argument("--end", type=_day, metavar="DATE", help="its last day; default: taken from the log")
    parser.add_argument(
        "--passing", type=_share, metavar="SHARE", help="its passing grade, 0 to 1, where it gives no certificates"
    )
    parser.add_argument(
        "--list", type=_count, default=20, metavar="N", help="how many are named each week (default %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, help="the same seed gives the same page (default %(default)s)"
    )


@dataclass(slots=True)
class _Course:
    """A course that was read."""

    package: Package
    run: Run
    people: dict[int, Profile]
    enrolments: Enrolments
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Unread:
    """A course that is left out, and why: as the page says it, and as the terminal does."""

    name: str
    why: str
    in_full: str = ""

    def __post_init__(self) -> None:
        self.in_full = self.in_full or self.why

    @classmethod
    def of(cls, name: str, problem: Exception, folders: Iterable[Path]) -> _Unread:
        """Return it in one line, without the folders of this machine.

        What an unexpected error says may quote a line of somebody's data: the page tells its kind alone.
        """
        if not isinstance(problem, PackageError | OSError):
            kind = type(problem).__name__
            return cls(
                name, f"its files are not as edX writes them ({kind})", f"not as edX writes it: {kind}: {problem}"
            )
        text = str(problem)
        if isinstance(problem, OSError):
            text = f"{Path(problem.filename).name}: {problem.strerror}" if problem.filename else str(problem.strerror)
        for place in folders:
            text = text.replace(f"{place.resolve()}/", "").replace(f"{place}/", "")
        return cls(name, " ".join(text.removeprefix(f"{name}: ").split()))


def run(options: argparse.Namespace) -> int:
    """Read, ask, count, write."""
    # Here, so that `engage --help` waits for none of it.
    from engage_backend.engagement.trial_page import html_page

    if bool(options.log) != bool(options.grades):
        raise Refusal(
            "--log and --grades belong together: the log says what learners did, the grade report what came of it"
        )
    if not options.package and not options.log:
        raise Refusal("give the folder of at least one package, or --log and --grades")
    if options.out.is_dir() or not options.out.parent.is_dir():
        raise Refusal(f"{options.out}: --out wants a file in a folder that is there, report.html say")
    kinds, unread = KindTable(), list[_Unread]()
    # Before the first long read: a model that is refused should be told at once.
    asked = trained_model(options.model) if options.model else None
    with progress_shown() as progress:
        courses = list(_read_all(options, kinds, progress, unread, sequence=bool(asked and asked[0].lstm)))
        if not courses:
            raise Refusal("; ".join(f"{one.name}: {one.in_full}" for one in unread))
        for one in unread:
            told = f"engage trial: left out: {one.name}: {one.in_full}"
            progress.console.print(told, highlight=False, soft_wrap=True, markup=False)
        if asked is None and len(courses) == 1:
            asked = trained_model("base")
        trials = list(_asked(asked, courses, kinds, progress, options))
    try:
        options.out.write_text(
            html_page(trials, [(one.name, one.why) for one in unread], seed=options.seed), encoding="utf-8"
        )
    except OSError as problem:
        raise Refusal(f"{options.out}: {problem.strerror}") from problem
    Console().print(
        f"{options.out}: {len(trials)} of {len(trials) + len(unread)} courses", highlight=False, soft_wrap=True
    )
    return 0


def _read_all(
    options: argparse.Namespace, kinds: KindTable, progress: Progress, unread: list[_Unread], *, sequence: bool
) -> Iterator[_Course]:
    """Read every course that can be read; the others, with the reason, go to `unread`."""
    sources: list[tuple[str, Callable[..., _Course]]] = [
        (folder.resolve().name, partial(_from_package, folder, kinds, options.seed, sequence))
        for folder in options.package
    ]
    if options.log:
        sources.append((options.grades.name, partial(_from_log, options, kinds, sequence)))
    places = [path.parent for path in (*options.package, *(options.log or ()), *filter(None, [options.grades]))]
    there: set[str] = set()
    for name, read in sources:
        task = progress.add_task(f"{name}: reading", total=None)

        def count(lines: int, *, task: Any = task, name: str = name) -> None:
            progress.advance(task, lines)
            progress.update(task, description=f"{name}: {progress.tasks[task].completed:,.0f} lines read")

        try:
            course = read(count)
        except Exception as problem:  # a package from elsewhere may hold anything; the others are still worth a page
            unread.append(_Unread.of(name, problem, places))
            continue
        finally:
            progress.update(task, total=1, completed=1)
        if not len(course.run.who):
            unread.append(_Unread(name, "no enrolled learner has an event in the course's weeks"))
        elif course.run.course in there:
            unread.append(_Unread(name, f"{course.run.course} is there twice"))
        else:
            there.add(course.run.course)
            yield course


def _from_package(folder: Path, kinds: KindTable, seed: int, sequence: bool, count: Callable[[int], object]) -> _Course:
    package, enrolments = read_package(folder), Enrolments()
    run = run_of(package, clicks_of(package, count), kinds, seed=seed, sequence=sequence, enrolments=enrolments)
    return _Course(package, run, profiles(package.folder), enrolments)


def _from_log(options: argparse.Namespace, kinds: KindTable, sequence: bool, count: Callable[[int], object]) -> _Course:
    from engage_backend.engagement.grade_report import package_of_log, read_grade_report

    report = read_grade_report(options.grades, passing=options.passing)
    package, notes = package_of_log(
        options.log, report, course=options.course, start=options.start, end=options.end, progress=count
    )
    # Where the first day is a guess, no click is refused for having come before it.
    opened = replace(package, schedule=package.schedule._replace(start=0)) if options.start is None else package
    enrolments = Enrolments()
    run = run_of(package, clicks_of(opened, count), kinds, seed=options.seed, sequence=sequence, enrolments=enrolments)
    return _Course(package, run, {}, enrolments, notes)


def _asked(
    finished: tuple[Model, dict[str, Any]] | None,
    courses: Sequence[_Course],
    kinds: KindTable,
    progress: Progress,
    options: argparse.Namespace,
) -> Iterator[Trial]:
    """Ask a finished model about all courses or, without one, a model of the others about each."""
    from engage_backend.engagement.trial import own_run, trial_of

    card = finished[1] if finished else {}
    task = progress.add_task("asking", total=len(courses))
    for course in courses:
        schedule, people = course.package.schedule, [one for one in course.package.learners if not one.is_staff]
        learnt_from = [str(card.get("trained_on") or "courses that its card does not name")]
        unlearnt: dict[str, str] = {}
        if finished is None:
            from engage_backend.engagement.training import single_outcomes, train  # which need xgboost

            others = [one for one in courses if one is not course]
            learnt_from = [one.package.schedule.display_name or one.run.name for one in others]
            unlearnt = single_outcomes([one.run for one in others])

            def say(what: str, name: str = course.run.name) -> None:
                progress.update(task, description=f"{name}: a model of the others, {what}")

            model = train([one.run for one in others], kinds, seed=options.seed, refuse=False, progress=say)
        else:
            model = finished[0]
        yield trial_of(
            course.run,
            _said(model, course.run, kinds),
            schedule,
            enrolled=len(people),
            certified=sum(one.certified for one in people),
            profiles=course.people,
            size=options.list,
            unlearnt=unlearnt,
            notes=course.notes,
            dated=course.enrolments.are_dated,
            undated=sum(not one.is_active and bool(course.enrolments.at(one.user_id, [LATEST])[0]) for one in people),
            own=own_run(card, course.run),
            learnt_from=learnt_from,
            of_others=finished is None,
        )
        progress.advance(task)


def _said(model: Model, run: Run, kinds: KindTable) -> Doubles:
    """Return the probabilities of every example, (N, TARGETS); without xgboost where the model is trees alone."""
    if model.lstm is None:
        return model.probabilities(np.zeros((len(run.who), 0), dtype=np.float32), run.features)
    from engage_backend.engagement.training import predict

    return predict(model, run, kinds)


def _day(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return count
