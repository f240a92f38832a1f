"""What learners handed in before Engage was there, read from the platform's own tables where no log tells of it any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from django.db import transaction

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.live.consent import counted_from
from engage_backend.engagement.live.roster import sync_run
from engage_backend.engagement.live.submissions import write_submissions
from engage_backend.models import Learner, LearnerStatus
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.protocol import HandedIn, Platform

_AT_ONCE = 5_000


def catch_up(platform: Platform, course_key: str) -> int | None:
    """Keep what was handed in so far, of those who are learners now; how many rows of the platform said so. None: no such run.

    Changes what pages and filters tell, never what a model reads: a prediction stands on clicks. Safe to repeat.
    """
    run = sync_run(platform, course_key)
    if run is None:
        return None
    learners = dict(run.learners.exclude(state=LearnerStatus.LEFT).values_list("user_id", "pk"))
    rows = platform.handed_in(course_key)
    count = 0
    while part := list(islice(rows, _AT_ONCE)):
        by_learner: dict[int, list[ClickEvent]] = defaultdict(list)
        for event in _events(run.course_key, part):
            if event.learner in learners:
                by_learner[learners[event.learner]].append(event)
        with transaction.atomic():
            locked = Learner.objects.select_for_update().filter(pk__in=list(by_learner)).order_by("pk")
            begins = counted_from(run, list(locked))
            taken = {pk: [event for event in by_learner[pk] if event.time >= begin] for pk, begin in begins.items()}
            write_submissions(taken)
        count += sum(map(len, taken.values()))
    return count


def _events(course_key: str, rows: list[HandedIn]) -> Iterator[ClickEvent]:
    for user_id, block, score, possible, at in rows:
        time = to_microseconds(at)
        yield ClickEvent(course_key, user_id, time, "problem_check_correct", block, score=score, possible=possible)
