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
    stored = Submission.objects.filter(
        learner__in={learner for learner, _ in handed_in}, block__in={event.block for _, event in handed_in}
    )
    known = {
        (learner, block): kept
        for learner, block, *kept in stored.values_list("learner", "block", "score", "possible", "attempts", "last_at")
    }
    changed: dict[tuple[int, str], list[float]] = {}
    for learner, event in handed_in:
        score, possible = event.score or 0.0, event.possible or 0.0
        key = learner, event.block
        kept = known.get(key, [0.0, 0.0, 0, 0])
        best = kept[:2] if _rank(*kept[:2]) >= _rank(score, possible) else [score, possible]
        after = [*best, max(kept[2], event.attempt or 1), max(kept[3], event.time)]
        if after != kept:
            known[key] = changed[key] = after
    upsert(
        Submission,
        ((learner, block, *kept) for (learner, block), kept in changed.items()),
        unique=["learner", "block"],
        update=["score", "possible", "attempts", "last_at"],
    )


def _rank(score: float, possible: float) -> tuple[float, float]:
    return (score / possible if possible else -1.0, possible)
