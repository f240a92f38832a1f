"""Generated course runs that are no kin of the runs our model learnt from: ground to ask a model that never saw its like.

Written down from first principles before any model was asked, and not adjusted afterwards to what a model said. The
courses are short (four to seven weeks, one quiz a week, all quizzes alike), dated weekly, at the end, or not at all, on
platforms that record 3 or 15 clicks for one task. With s the logistic function, a learner is this:

- **Engagement** e is one trait, normal with mean 0 and deviation 1. It raises the chance to be here on a day, the clicks of
  such a day, the chance to hand in, a little the score, and lowers the chance to drop out.
- **Four in five are ordinary.** While here they are active on a day with chance s(-0.8 + 0.8 e), and then make
  1 + Poisson(8 exp(0.4 e)) clicks. They hand in each quiz with chance s(0.5 + 1.2 e + own), where `own` is normal with
  deviation 0.8: not all that decides can be seen in clicks.
- **One in ten watches**: active like somebody with an engagement around 1, and hands in nothing.
- **One in ten only does quizzes**: is here for the quizzes, two clicks beside each, and hands in like somebody with an
  engagement around 0.5.
- **Dropping out**: with chance s(-1.5 - e) in the first week, s(-2.2 - e) in each later one, on any day of that week; nothing
  comes afterwards.
- **A score** is normal around 0.72 + 0.06 e with deviation 0.15, in tenths from 0 to 1. As on edX a check is `correct` only
  with full marks. Of the clicks before it some are checks too, with part of the score.
- **When**: a quiz with its own date is handed in 2 days before it on average, never later. Without one it is handed in
  within its week or later, by 0.7 weeks on average, never after the end.
- **One in five enrols late**, on any of the first ten days.
- **A certificate** takes 60 % of all points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.counters import DAY, SECOND
from engage_backend.engagement.dataset import Run, run_of
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import Package, PackageLearner
from engage_backend.engagement.structure import micros
from engage_backend.platform.protocol import CourseSchedule, GradedBlock

OPENS = datetime(2024, 3, 4, tzinfo=UTC)
START = micros(OPENS)
PASSING = 0.6
READING = ("play_video", "pause_video", "seq_next", "edx.ui.lms.link_clicked", "edx.forum.thread.viewed")
AT_A_TASK = ("problem_show", "problem_save", "problem_check_incorrect")
WEEKS, DUE, CLICKS, SEEDS = (4, 5, 6, 7), ("weekly", "at the end", "none"), (3, 15), (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Course:
    """How one generated run is built."""

    weeks: int
    due: str  # one of DUE
    clicks: int  # that the platform records for one task
    seed: int

    def __str__(self) -> str:
        return f"{self.weeks} weeks, due {self.due}, {self.clicks} clicks, seed {self.seed}"

    @property
    def key(self) -> str:
        return f"course-v1:Foreign+G{self.weeks}{self.clicks}+{self.due.replace(' ', '_')}_{self.seed}"


EVERY = [Course(*parts) for parts in product(WEEKS, DUE, CLICKS, SEEDS)]


def generate(course: Course, *, count: int = 800) -> Run:
    """A run of `count` enrolled, made by the door that packages go through."""
    dice = np.random.default_rng([course.weeks, DUE.index(course.due), course.clicks, course.seed])
    blocks = [f"block-v1:{course.key.partition(':')[2]}+type@problem+block@q{week}" for week in range(course.weeks)]
    learners, events = [], []
    for number in range(1, count + 1):
        late = dice.uniform(0, 10) if dice.random() < 0.2 else 0.0
        mine = list(_events(course, blocks, number, late, dice))
        best: dict[str, tuple[int, float]] = {}
        for event in mine:
            if event.score is not None:
                best[event.block] = max(best.get(event.block, (0, 0.0)), (event.time, event.score))
        grade = sum(score for _, score in best.values()) / course.weeks
        since = OPENS + timedelta(days=late) if late else OPENS - timedelta(days=20)
        certified = grade >= PASSING - 1e-9
        learners.append(PackageLearner(number, f"g{number}", "", "", since, True, "audit", certified, grade, False))
        events += mine
    end = START + course.weeks * 7 * DAY
    dues = {
        "weekly": lambda week: START + (week + 1) * 7 * DAY,
        "at the end": lambda week: end,
        "none": lambda week: None,
    }
    graded = tuple(GradedBlock(block, 1 / course.weeks, dues[course.due](week)) for week, block in enumerate(blocks))
    schedule = CourseSchedule(course.key, str(course), START, end, passing_grade=PASSING, graded=graded)
    return run_of(Package(Path(str(course)), schedule, learners, []), events, KindTable(), seed=1)


def _events(
    course: Course, blocks: list[str], learner: int, late: float, dice: np.random.Generator
) -> Iterator[ClickEvent]:
    """All that one learner does, `late` days after the start at the earliest."""
    sort = dice.choice(("ordinary", "watches", "quizzes"), p=(0.8, 0.1, 0.1))
    mean, deviation = {"ordinary": (0.0, 1.0), "watches": (1.0, 0.5), "quizzes": (0.5, 1.0)}[sort]
    e, own = dice.normal(mean, deviation), dice.normal(0, 0.8)
    gone = float(course.weeks * 7)
    for week in range(course.weeks):
        if dice.random() < _s((-2.2 if week else -1.5) - e):
            gone = min(gone, late + 7 * (week + dice.random()))
            break
    for day in range(int(late), int(gone)):
        if sort != "quizzes" and dice.random() < _s(-0.8 + 0.8 * e):
            count = 1 + dice.poisson(8 * np.exp(0.4 * e))
            yield from _clicks(course, learner, day + dice.uniform(0.3, 0.9), dice.choice(READING, size=count))
    for week, block in enumerate(blocks):
        score = float(np.clip(round(dice.normal(0.72 + 0.06 * e, 0.15), 1), 0, 1))
        if course.due == "weekly":
            moment = 7 * (week + 1) - min(dice.exponential(2), 7)
        else:
            moment = min(7 * (week + dice.random() + dice.exponential(0.7)), 7 * course.weeks - dice.random())
        if sort != "watches" and dice.random() < _s(0.5 + 1.2 * e + own) and late <= moment < gone:
            yield from _task(course, learner, moment, block, score, dice)
            if sort == "quizzes":
                yield from _clicks(course, learner, moment + 0.01, dice.choice(READING, size=2))


def _task(
    course: Course, learner: int, moment: float, block: str, score: float, dice: np.random.Generator
) -> Iterator[ClickEvent]:
    """The clicks at one task within some minutes; the last of them is the check that counts."""
    attempt, begin = 0, START + int(moment * DAY)
    for at, kind in enumerate(dice.choice(AT_A_TASK, size=course.clicks - 1).tolist()):
        time = begin + 20 * SECOND * (at - course.clicks)
        if kind == "problem_check_incorrect":
            attempt += 1
            part = round(score * dice.uniform(0.2, 0.8), 1)
            yield ClickEvent(course.key, learner, time, kind, block, "", part, 1.0, attempt)
        else:
            yield ClickEvent(course.key, learner, time, kind, block)
    kind = "problem_check_correct" if score == 1 else "problem_check_incorrect"
    yield ClickEvent(course.key, learner, begin - SECOND, kind, block, "", score, 1.0, attempt + 1)


def _clicks(course: Course, learner: int, moment: float, kinds: Iterator[str]) -> Iterator[ClickEvent]:
    """Clicks of these kinds, one every twenty seconds."""
    begin = START + int(moment * DAY)
    for at, kind in enumerate(kinds):
        yield ClickEvent(course.key, learner, begin + 20 * SECOND * at, str(kind))


def _s(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
