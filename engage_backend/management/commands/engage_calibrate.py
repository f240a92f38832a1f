"""Make the model true for this site: compare what was shown in finished runs with what came of it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engage_backend.messaging.hindsight import looking_back
from engage_backend.models import CourseRun, DailySnapshot


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
        used = []
        for run in runs.order_by("course_key"):
            kept = DailySnapshot.objects.filter(learner__course_run=run).order_by("model")
            ours = [name for name in kept.values_list("model", flat=True).distinct() if unmoved(name) == model.identity]
            rows = [(row, expected_rate(name)) for name in ours for row in looking_back(run, now, step=1, model=name)]
            used += [run.course_key] if rows else []
            for row, rate in rows:
                said = without(row.low, model.prior_shift(rate)[TARGETS.index(row.target)])
                shown[row.target].append(Shown(said, row.learners, row.happened))
        if not used:
            raise CommandError(
                f"no finished run of this site was shown figures of {model.identity}: there is nothing to calibrate on yet"
            )
        calibrated, verdicts = recalibrate(model, shown, runs=len(used))
        for target, found in verdicts.items():
            told = found.why_not or f"off by {found.error_before:.3f} before, {found.error_after:.3f} after"
            self.stdout.write(f"{target}: {found.learners:,} figures shown; {told}")
        if all(found.why_not for found in verdicts.values()):
            raise CommandError("nothing was calibrated, and nothing written")
        save_model(calibrated, {**card, "calibrated_on": used, "calibrated_from": model.identity}, out)
        self.stdout.write(f'{calibrated.identity} is in {out}: set ENGAGE["MODEL"] to that folder')
