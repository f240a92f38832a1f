"""Make the model true for this site: compare what was shown in finished runs with what came of it.

A model with two sets of trees for `certify` is asked again from the histories of those runs: `full` speaks from then on,
unless it ranks learners worse than `portable` there.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from engage_backend.messaging.hindsight import looking_back, week_ends
from engage_backend.models import CourseRun, DailySnapshot

if TYPE_CHECKING:
    from engage_backend.engagement.model import Model
    from engage_backend.engagement.recalibration import WeekEnd


class Command(BaseCommand):
    """`engage_calibrate --out FOLDER [COURSE...]`."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which runs, and where the model goes."""
        parser.add_argument(
            "courses", nargs="*", metavar="COURSE", help="course keys of finished runs; default: all of them"
        )
        parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the calibrated model")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the snapshots, fit, write the folder."""
        from engage_backend.conf import engage_settings
        from engage_backend.engagement.folder import ModelRefused, load_model, save_model
        from engage_backend.engagement.live.expected import expected_rate, unmoved
        from engage_backend.engagement.recalibration import Shown, recalibrate, without
        from engage_backend.engagement.trees import TARGETS
        from engage_backend.platform.api import get_platform

        out: Path = options["out"]
        try:
            model, card = load_model(engage_settings().model)
        except ModelRefused as refused:
            raise CommandError(str(refused)) from refused
        if out.resolve() == engage_settings().model.resolve():
            raise CommandError(
                f"{out} is the model in use; give another folder, so that the one in use can be gone back to"
            )
        now = get_platform().now()
        runs = CourseRun.objects.filter(end__lte=now)
        if options["courses"]:
            runs = runs.filter(course_key__in=options["courses"])
            if missing := set(options["courses"]) - set(runs.values_list("course_key", flat=True)):
                raise CommandError(f"no finished run known here: {', '.join(sorted(missing))}")
        shown: dict[str, list[Shown]] = defaultdict(list)
        used, ends = [], []
        for run in runs.order_by("course_key"):
            kept = DailySnapshot.objects.filter(learner__course_run=run).order_by("model")
            ours = [name for name in kept.values_list("model", flat=True).distinct() if unmoved(name) == model.identity]
            rows = [(row, expected_rate(name)) for name in ours for row in looking_back(run, now, step=1, model=name)]
            used += [run.course_key] if rows else []
            for row, rate in rows:
                said = without(row.low, model.prior_shift(rate)[TARGETS.index(row.target)])
                shown[row.target].append(Shown(said, row.learners, row.happened))
            if "portable" in model.parts:
                ends += _said_again(run, now, ours, model)
        if not used:
            raise CommandError(
                f"no finished run of this site was shown figures of {model.identity}: there is nothing to calibrate on yet"
            )
        why = card.get("certify_why", "")
        if "portable" in model.parts:
            speaks, why = _speaker(model, ends)
            if speaks != model.speaker("certify"):
                shown["certify"] = [one for end in ends for one in end.shown(speaks)]
                model = replace(model, certify_speaks=speaks)
            self.stdout.write(f"certify: {why}")
        calibrated, verdicts = recalibrate(model, shown, runs=len(used))
        for target, found in verdicts.items():
            told = found.why_not or f"off by {found.error_before:.3f} before, {found.error_after:.3f} after"
            self.stdout.write(f"{target}: {found.learners:,} figures shown; {told}")
        if all(found.why_not for found in verdicts.values()):
            raise CommandError("nothing was calibrated, and nothing written")
        about = {**card, "calibrated_on": used, "calibrated_from": model.identity, "certify_why": why}
        save_model(calibrated, about, out)
        self.stdout.write(f'{calibrated.identity} is in {out}: set ENGAGE["MODEL"] to that folder')


def _said_again(run: CourseRun, now: datetime, models: Sequence[str], model: Model) -> list[WeekEnd]:
    """What both sets of trees say of those who were shown a figure of these models at the ends of weeks."""
    from engage_backend.engagement.encoder import KindTable
    from engage_backend.engagement.live.finished import said_again
    from engage_backend.engagement.live.registry import load_kinds

    kinds = KindTable()
    load_kinds(kinds)
    shown: dict[date, set[int]] = defaultdict(set)
    kept = DailySnapshot.objects.filter(learner__course_run=run, day__in=list(week_ends(run, now)), model__in=models)
    for day, learner in kept.filter(certify__isnull=False).values_list("day", "learner"):
        shown[day].add(learner)
    return said_again(run, shown, model, kinds)


def _speaker(model: Model, ends: Sequence[WeekEnd]) -> tuple[str, str]:
    """Which set of trees is to speak of `certify`, and why."""
    from engage_backend.engagement.recalibration import ranks

    told = [end for end in ends if end.is_told]
    if not told:
        speaks = model.speaker("certify")
        return speaks, f"`{speaks}` goes on speaking: too few histories of finished runs are kept to compare both sets"
    found = ranks(told)
    speaks = "full" if found["full"] >= found["portable"] else "portable"
    return speaks, (
        f"`{speaks}` speaks: mean AUC at {len(told)} week ends of finished runs is {found['full']:.3f} for `full`, "
        f"{found['portable']:.3f} for `portable`"
    )
