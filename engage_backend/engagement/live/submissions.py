"""Where learners stand with their tasks: what was handed in, which score counts now, and whether that is enough to pass.

Each row is a function of the set of records about a learner and a block: of two records the later one counts, so that records
that come twice, late or in any order end in the same row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.scores import EFFECTS, PLACES, Score, place_of
from engage_backend.engagement.live.upsert import upsert
from engage_backend.models import CourseRun, Submission
from engage_backend.platform.protocol import GradedBlock

TOLERANCE = 1e-9  # of shares of the grade: 8 tasks of a tenth each are .8, whatever floating-point numbers add up to
_FIELDS = (
    "score",
    "possible",
    "attempts",
    "handed_in",
    "last_at",
    "score_order",
    "handed_in_order",
    "attempts_order",
)
_values = attrgetter(*_FIELDS)


@dataclass(slots=True)
class Standing:
    """The fields of one `Submission`."""

    score: float | None = None
    possible: float | None = None
    attempts: int = 0
    handed_in: bool = False
    last_at: int = 0
    score_order: int = 0
    handed_in_order: int = 0
    attempts_order: int = 0

    def take_in(self, event: ClickEvent) -> None:
        """Let a record of this block count as far as nothing later has been said."""
        effect, order = EFFECTS[event.kind], event.time * PLACES + place_of(event.kind)
        attempt = event.attempt or 0
        is_set = effect.score is Score.SET and event.score is not None and bool(event.possible)
        if effect.score is Score.TAKEN_BACK and order >= self.score_order:
            self.score, self.possible, self.score_order = None, None, order
        elif is_set and (order, attempt, _share(event)) > (self.score_order, self._attempt_of_score(), _share(self)):
            self.score, self.possible, self.score_order = event.score, event.possible, order
        if effect.handed_in is None:
            return
        if order >= self.handed_in_order:
            self.handed_in, self.handed_in_order = effect.handed_in, order
            self.last_at = event.time if effect.handed_in else 0
        if ((is_set and attempt) or not effect.handed_in) and (order, attempt) > (self.attempts_order, self.attempts):
            self.attempts, self.attempts_order = attempt, order
        self.attempts = max(self.attempts, int(self.handed_in))  # what was handed in took one, told or not

    def _attempt_of_score(self) -> int:
        """Of two attempts at one time the larger counts."""
        return self.attempts if self.attempts_order == self.score_order else 0


def _share(scored: ClickEvent | Standing) -> tuple[float, float]:
    """Two scores of one moment and kind compare by share, then by points: something has to decide."""
    return (scored.score or 0.0) / scored.possible if scored.possible else -1.0, scored.possible or 0.0


def says_something(event: ClickEvent) -> bool:
    """Whether an event is about a task: that it was handed in, or what it is worth."""
    return bool(event.block) and event.kind in EFFECTS


def write_submissions(events: Mapping[int, Sequence[ClickEvent]]) -> set[int]:
    """Take in what events say about tasks; learner -> events, in any order. Gives the learners for whom a row changed."""
    about = [(learner, event) for learner, new in events.items() for event in new if says_something(event)]
    if not about:
        return set()
    blocks = {event.block for _, event in about}
    known = standings({learner for learner, _ in about}, blocks)
    after = {key: replace(kept) for key, kept in known.items()}
    for learner, event in about:
        after.setdefault((learner, event.block), Standing()).take_in(event)
    changed = {key: row for key, row in after.items() if row != known.get(key)}
    upsert(
        Submission,
        ((learner, block, *_values(row)) for (learner, block), row in sorted(changed.items())),
        unique=["learner", "block"],
        update=_FIELDS,
    )
    return {learner for learner, _ in changed}


def standings(learners: Collection[int], blocks: Collection[str] | None = None) -> dict[tuple[int, str], Standing]:
    """Return what is held of these learners by (learner, block); `blocks`: only of these."""
    rows = Submission.objects.filter(learner__in=list(learners))
    if blocks is not None:
        rows = rows.filter(block__in=list(blocks))
    return {
        (learner, block): Standing(*kept) for learner, block, *kept in rows.values_list("learner", "block", *_FIELDS)
    }


def overridden(run: CourseRun) -> set[tuple[int, str]]:
    """Return (learner, subsection) of the run's overridden subsections."""
    subsections = {block.subsection for block in graded_blocks(run)} - {""}
    rows = Submission.objects.filter(learner__course_run=run, block__in=list(subsections), score__isnull=False)
    return set(rows.values_list("learner", "block"))


def graded_blocks(run: CourseRun) -> list[GradedBlock]:
    """Return the run's tasks as last read from the platform."""
    return [GradedBlock(*stored) for stored in run.graded]


def earned(run: CourseRun, learners: Collection[int]) -> dict[int, float]:
    """Learner -> share of the course grade earned by the scores that count now, 0 to 1; who has none is left out.

    A subsection whose grade is overridden counts by the override, whatever its tasks say.
    """
    tasks = graded_blocks(run)
    points = {task.block: task.points for task in tasks}
    weight: dict[str, float] = defaultdict(float)
    for task in tasks:
        weight[task.subsection] += task.points
    weight.pop("", None)
    rows = Submission.objects.filter(learner__in=list(learners), block__in=[*points, *weight], possible__gt=0)
    shares: dict[int, dict[str, float]] = defaultdict(dict)
    for learner, block, score, possible in rows.values_list("learner", "block", "score", "possible"):
        shares[learner][block] = (score or 0.0) / (possible or 1.0)
    return {
        learner: sum(weight[block] * share for block, share in mine.items() if block in weight)
        + sum(task.points * mine.get(task.block, 0.0) for task in tasks if task.subsection not in mine)
        for learner, mine in shares.items()
    }


def passing(run: CourseRun, learners: Iterable[int]) -> dict[int, bool]:
    """Learner -> whether the scores that count now reach the passing grade; where nothing is graded, nobody's do."""
    asked = list(learners)
    if not asked:
        return {}
    shares = earned(run, asked) if run.graded else {}
    return {pk: pk in shares and shares[pk] >= run.passing_grade - TOLERANCE for pk in asked}
