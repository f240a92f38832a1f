"""What a model says of the learners of a finished run at the ends of weeks, computed from their histories.

A part of the model that did not speak then showed nothing that could be looked back at.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time

import numpy as np

from engage_backend.engagement.calibration import Doubles
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.live import histories
from engage_backend.engagement.live.schedule import plans_for
from engage_backend.engagement.model import Model
from engage_backend.engagement.recalibration import WeekEnd
from engage_backend.engagement.streaming import Kept, advance, inputs
from engage_backend.models import CourseRun
from engage_backend.platform.moments import to_microseconds

_AT_ONCE = 500  # learners whose histories are in memory


def said_again(run: CourseRun, shown: Mapping[date, Collection[int]], model: Model, kinds: KindTable) -> list[WeekEnd]:
    """What every part says of `certify`, on each day of the learners (by row) to whom a figure was shown on that day.

    The clock is the beginning of the day, so that nothing is known that was not known then; the schedule is the one that is
    known now. Learners whose history is not kept any more are left out.
    """
    said: dict[date, dict[str, list[Doubles]]] = defaultdict(lambda: defaultdict(list))
    came: dict[date, list[bool]] = defaultdict(list)
    days = {day: to_microseconds(datetime.combine(day, time(), tzinfo=UTC)) for day in sorted(shown)}
    wanted = sorted(set().union(*shown.values()))
    for begin in range(0, len(wanted), _AT_ONCE):
        whole = histories.read_whole(wanted[begin : begin + _AT_ONCE])
        learners = list(run.learners.filter(pk__in=list(whole)).order_by("pk"))
        plans = plans_for(run, learners)
        rows = [whole[one.pk].rows for one in learners]
        kept = [Kept.start(model) for _ in learners]
        for day, clock in days.items():
            ends = [bisect_right(mine, clock, key=lambda row: row.time) for mine in rows]
            kept = advance(
                model, kinds, kept, [mine[one.position : end] for mine, one, end in zip(rows, kept, ends, strict=True)]
            )
            at = [place for place, one in enumerate(learners) if one.pk in shown[day] and kept[place].counters.events]
            if at:
                asked = inputs([kept[place] for place in at], [plans[place] for place in at], clock)
                for part, logits in model.certify_of_each(*asked).items():
                    said[day][part].append(logits)
                came[day] += [learners[place].finished_at is not None for place in at]
    return [
        WeekEnd({part: np.concatenate(found) for part, found in said[day].items()}, np.array(came[day], dtype=float))
        for day in said
    ]
