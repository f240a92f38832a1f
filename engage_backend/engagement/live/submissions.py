"""What learners have handed in, by block: for filters and the drill-down. The model reads its own counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.live.upsert import upsert
from engage_backend.models import Submission


def write_submissions(events: Mapping[int, Sequence[ClickEvent]]) -> None:
    """Keep the best score, the attempts and the last time of each block handed in; learner -> events, in any order.

    All three are maxima, so that events that come twice or late change nothing. Scores compare by their share of what was
    possible, since edX tells raw points in one event and weighted points in the next.
    """
    handed_in = [
        (learner, event)
        for learner, new in events.items()
        for event in new
        if event.block and event.score is not None and event.possible
    ]
    if not handed_in:
        return
    known = {
        (one.learner_id, one.block): one
        for one in Submission.objects.filter(
            learner__in={learner for learner, _ in handed_in}, block__in={event.block for _, event in handed_in}
        )
    }
    changed = {}
    for learner, event in handed_in:
        score, possible = event.score or 0.0, event.possible or 0.0
        key = learner, event.block
        kept = known.get(key)
        if kept is None:
            kept = known[key] = Submission(
                learner_id=learner, block=event.block, score=score, possible=possible, attempts=1, last_at=event.time
            )
        before = kept.score, kept.possible, kept.attempts, kept.last_at
        best = max((kept.score / kept.possible, kept.possible), (score / possible, possible))
        kept.score, kept.possible = best[0] * best[1], best[1]
        kept.attempts = max(kept.attempts, event.attempt or 1)
        kept.last_at = max(kept.last_at, event.time)
        if kept.pk is None or before != (kept.score, kept.possible, kept.attempts, kept.last_at):
            changed[key] = kept
    upsert(
        [
            Submission(
                learner_id=one.learner_id,
                block=one.block,
                score=one.score,
                possible=one.possible,
                attempts=one.attempts,
                last_at=one.last_at,
            )
            for one in changed.values()
        ],
        unique=["learner", "block"],
        update=["score", "possible", "attempts", "last_at"],
    )
