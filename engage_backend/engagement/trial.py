"""What Engage would have told about a finished course: weekly lists, whom they held, and how often they were wrong.

A list is made at the end of each week, from what was known by then, of the learners who are enrolled and still here: active
in the last 14 days. Beside the model's list stand those that need no model (the longest silent, the fewest clicks) and what
drawing by lot would hold. Nothing here names anybody: what comes out are counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engage_backend.engagement.counters import DAY, FEATURES
from engage_backend.engagement.dataset import NOT_JUDGED, Run
from engage_backend.engagement.labels import RECENTLY_ACTIVE
from engage_backend.engagement.metrics import auc, calibration_error
from engage_backend.engagement.package import Profile, attributes, groups_in_order
from engage_backend.engagement.trees import TARGETS
from engage_backend.platform.protocol import CourseSchedule

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LIST_SIZE = 20  # learners an instructor would write to in one go
FEWEST = 20  # learners; figures of smaller groups, and of smaller courses, are withheld
FEWEST_OUTCOMES = 10  # a share of fewer people or namings says nothing
SURE = 2.0  # standard errors, for one comparison
SURE_OF_MANY = 3.0  # standard errors, where a dozen groups are compared
CERTIFY, COMPLETE, LEAVE = (TARGETS.index(name) for name in ("certify", "complete", "leave"))
MODEL, SILENCE, CLICKS, LOT = WAYS = ("model", "silence", "clicks", "lot")
_COLUMN = {name: at for at, name in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Week:
    """The lists made at the end of one week. `found`: of those it `happened` to, how many each way's list held."""

    week: int
    asked: int  # learners the lists are chosen from
    happened: int
    size: int  # of each list
    found: Mapping[str, float]  # by WAYS; fractions where learners are level, and by lot


@dataclass(frozen=True, slots=True)
class Group:
    """How the lists did for a group of learners. Shares are None where they would be of too few."""

    attribute: str
    name: str
    learners: int
    found: float | None  # share of those it happened to who were on a list
    wrong: float | None  # share of the group's places on lists that were wrong
    found_differs: (
        int  # -1: found clearly less often than the others of the attribute; 1: more often; 0: no clear difference
    )
    wrong_differs: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The lists for one outcome over the whole course. A place is a learner on a list of one week."""

    weeks: Sequence[Week] = ()
    why_not: str = ""  # why there are no weeks; then nothing else is told
    places: float = 0.0  # on the model's lists
    found: Mapping[str, float] = field(default_factory=dict)  # by WAYS, places of learners to whom it happened
    sure: float = 0.0  # by how much the model's lists held more than those of silence, in standard errors
    people: int = 0  # to whom it happened, each once;
    lost: int = 0  # those of them who earned no certificate,
    reached: Mapping[str, float] = field(default_factory=dict)  # and how many of these stood on a list then, by way
    groups: Sequence[Group] = ()
    withheld: int = 0  # groups that are too small
    technical: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A usual reason to write, and what writing every week to all whom it selects would have meant."""

    name: str
    messages: Sequence[int] = ()  # by week
    why_not: str = ""
    uncertified: float | None = None  # share of the messages whose reader earned no certificate in the end


@dataclass(frozen=True, slots=True)
class Trial:
    """All that the page tells of one course run."""

    name: str
    schedule: CourseSchedule
    weeks: int
    enrolled: int
    never_came: int
    certified: int
    size: int
    leave: Outcome
    certify: Outcome
    everyone: Week | None  # certify among all enrolled, the long silent too, half-way
    cards: Sequence[Card]
    reached: int  # learners who would have had a message
    messages: Sequence[int]  # by week, each learner once a week
    dated: bool = True  # whether the log tells of any enrolment: without, everybody counts as enrolled
    undated: int = 0  # learners unenrolled in the end, and the log does not tell since when: they count as enrolled
    learnt_from: Sequence[str] = ()
    of_others: bool = False  # whether the model was trained on the other courses of the page alone
    own: str = ""  # why the figures are no proof, see `own_run`
    notes: Sequence[str] = ()
    grouped: bool = True  # whether learners said anything of themselves


def trial_of(
    run: Run,
    said: Doubles,
    schedule: CourseSchedule,
    *,
    enrolled: int,
    certified: int,
    profiles: Mapping[int, Profile],
    size: int = LIST_SIZE,
    unlearnt: Mapping[str, str] | None = None,
    **told: Any,
) -> Trial:
    """Return the figures of a run of which a model `said` probabilities (N, TARGETS).

    `enrolled` and `certified` count learners of the package; `unlearnt` says why the model cannot speak of a target. What is
    `told` beside goes into the Trial as it is.
    """
    ends = run.week > 0
    run, said = run.with_examples(ends), said[ends]
    here = run.enrolled & (_feature(run, "days_silent") <= RECENTLY_ACTIVE / DAY)
    most = int(np.bincount(run.week[here], minlength=1).max())
    size = min(size, max(most // 5, 1))
    groups = [attributes(profiles.get(user), schedule.start) for user in run.learners.tolist()]
    why_not = dict(unlearnt or {})
    if most < FEWEST:
        why_not = dict.fromkeys(TARGETS, f"fewer than {FEWEST} learners were active at the same time")
    leave = _Lists(run, said, here, LEAVE, size).outcome(groups, why_not.get("leave") or _no_leave(run))
    why_not["certify"] = why_not.get("certify") or _no_certify(run)
    certify = _Lists(run, said, here, CERTIFY, size).outcome(groups, why_not["certify"])
    cards, anybody = _cards(run, said, here, size, schedule, why_not)
    return Trial(
        name=run.name,
        schedule=schedule,
        weeks=int(run.week.max(initial=0)),
        enrolled=enrolled,
        never_came=max(enrolled - len(run.learners), 0),
        certified=certified,
        size=size,
        leave=leave,
        certify=certify,
        everyone=_Lists(run, said, run.enrolled, CERTIFY, size).week(half_way(certify.weeks))
        if certify.weeks
        else None,
        cards=cards,
        reached=len(np.unique(run.who[anybody])),
        messages=_by_week(run, anybody),
        grouped=any(groups),
        **told,
    )


def on_list(scores: Doubles, size: int) -> Doubles:
    """Return of each learner how surely they are among the `size` of the highest score: 1, 0, or a share of a tie."""
    if len(scores) <= size:
        return np.ones(len(scores))
    last = np.partition(scores, len(scores) - size)[len(scores) - size]
    above, level = scores > last, scores == last
    return np.asarray(above + level * (size - above.sum()) / level.sum(), dtype=np.float64)


def shown(weeks: Sequence[Week]) -> list[Week]:
    """Return the weeks of a small table: 2, 4, 8, half-way and three quarters; of up to six weeks all."""
    if len(weeks) <= 6:
        return list(weeks)
    last = weeks[-1].week
    wanted = {2, 4, 8, half_way(weeks), last * 3 // 4}
    return [week for week in weeks if week.week in wanted]


def half_way(weeks: Sequence[Week]) -> int:
    """Return the number of the week half-way through those that were asked."""
    return max(weeks[-1].week // 2, weeks[0].week)


@dataclass(frozen=True, slots=True)
class _Lists:
    """The weekly lists of a run for one outcome, chosen among some of its examples."""

    run: Run
    said: Doubles
    among: Flags
    target: int
    size: int

    @property
    def happened(self) -> npt.NDArray[np.int8]:
        """(N,) 1 where the learner left, or earned no certificate; NOT_JUDGED where that cannot be told."""
        labels = self.run.labels[:, self.target]
        return labels if self.target == LEAVE else np.where(labels == NOT_JUDGED, labels, 1 - labels).astype(np.int8)

    @property
    def scores(self) -> dict[str, Doubles]:
        """By way, (N,): who is highest is named first."""
        model = self.said[:, self.target]
        return {
            MODEL: model if self.target == LEAVE else -model,
            SILENCE: _feature(self.run, "days_silent"),
            CLICKS: -_feature(self.run, "events"),
        }

    def at(self, week: int) -> Flags:
        """Return which examples (N,) the lists of a week are chosen from."""
        chosen: Flags = self.among & (self.run.week == week) & (self.happened != NOT_JUDGED)
        return chosen

    def week(self, week: int) -> Week:
        """Return what the lists of a week held."""
        mine = self.at(week)
        truths = self.happened[mine].astype(np.float64)
        found = {way: float(on_list(scores[mine], self.size) @ truths) for way, scores in self.scores.items()}
        size = min(self.size, len(truths))
        return Week(week, len(truths), int(truths.sum()), size, {**found, LOT: size * float(truths.mean())})

    def outcome(self, groups: Sequence[dict[str, str]], why_not: str) -> Outcome:
        """Return all weeks' lists, and what they come to by learner; `groups` (n,) are those that each belongs to."""
        if why_not:
            return Outcome(why_not=why_not)
        judged = self.among & (self.happened != NOT_JUDGED)
        weeks = [self.week(week) for week in np.unique(self.run.week[judged]).tolist()]
        n = len(self.run.learners)
        missed = {way: np.ones(n) for way in (MODEL, SILENCE, CLICKS)}
        held = {way: np.zeros(n) for way in missed}
        named = np.zeros(n)
        for week in weeks:
            mine = self.at(week.week)
            who, true = self.run.who[mine], self.happened[mine] == 1
            for way, scores in self.scores.items():
                listed = on_list(scores[mine], self.size)
                missed[way][who[true]] *= 1 - listed[true]
                held[way][who[true]] += listed[true]
                if way == MODEL:
                    named[who] += listed
        asked, people, certified = (np.zeros(n, dtype=bool) for _ in range(3))
        asked[self.run.who[judged]] = True
        people[self.run.who[judged & (self.happened == 1)]] = True
        certified[self.run.who[self.run.labels[:, CERTIFY] == 1]] = True
        lost = people & ~certified
        ahead = (held[MODEL] - held[SILENCE])[asked]
        spread = float(np.sqrt(len(ahead)) * ahead.std())
        told, withheld = _groups(groups, asked, people, 1 - missed[MODEL], named, named - held[MODEL])
        return Outcome(
            weeks=weeks,
            places=float(named.sum()),
            found={way: sum(week.found[way] for week in weeks) for way in WAYS},
            sure=float(ahead.sum()) / spread if spread else 0.0,
            people=int(people.sum()),
            lost=int(lost.sum()),
            reached={way: float((1 - part)[lost].sum()) for way, part in missed.items()},
            groups=told,
            withheld=withheld,
            technical=[self.technical(week.week) for week in shown(weeks)],
        )

    def technical(self, week: int) -> dict[str, Any]:
        """Return the usual figures of a week: ROC AUC by way, and calibration."""
        mine = self.at(week)
        truths = self.happened[mine].astype(np.float64)
        row: dict[str, Any] = {"week": week, "learners": len(truths), "happened": int(truths.sum())}
        row |= {way: auc(truths, scores[mine]) for way, scores in self.scores.items()}
        if self.target == LEAVE:
            return row  # shown as an order: nobody is told a percentage
        error = calibration_error(self.run.labels[mine, self.target].astype(np.float64), self.said[mine, self.target])
        return row | {"plain": error.plain, "debiased": error.debiased}


def _feature(run: Run, name: str) -> Doubles:
    """Return a feature (N,) by its name."""
    return run.features[:, _COLUMN[name]].astype(np.float64)


def _no_leave(run: Run) -> str:
    """Return why nobody can be said to have left; empty where it can be said."""
    labels = run.labels[:, LEAVE]
    if (labels == NOT_JUDGED).all():
        return "the log is too short: whether somebody comes back can be told only until 14 days before it ends"
    return "" if (labels == 1).any() else "nobody left before the last 14 days"


def _no_certify(run: Run) -> str:
    """Return why certificates cannot be asked about; empty where they can."""
    labels = run.labels[:, CERTIFY]
    if not (labels == 1).any():
        return "nobody has earned a certificate or a passing grade in what was given"
    return "" if (labels == 0).any() else "everybody who came earned one"


def _groups(
    groups: Sequence[dict[str, str]], asked: Flags, people: Flags, found: Doubles, named: Doubles, wrong: Doubles
) -> tuple[list[Group], int]:
    """Return the figures of each group of at least FEWEST learners, and how many smaller groups there are.

    All arrays are by learner, (n,): who was asked about, to whom it happened, how surely they stood on a list then, how often
    they were named and how often wrongly.
    """
    told: list[Group] = []
    withheld = 0
    for attribute, name in groups_in_order(groups):
        has = np.array([attribute in one for one in groups], dtype=bool) & asked
        mine = has & np.array([one.get(attribute) == name for one in groups], dtype=bool)
        if mine.sum() < FEWEST:
            withheld += 1
            continue
        share = [_ratio(found[part & people], np.ones(int((part & people).sum()))) for part in (mine, has & ~mine)]
        error = [_ratio(wrong[part], named[part]) for part in (mine, has & ~mine)]
        told.append(
            Group(attribute, name, int(mine.sum()), share[0][0], error[0][0], _differs(*share), _differs(*error))
        )
    return told, withheld


def _ratio(part: Doubles, whole: Doubles) -> tuple[float | None, float]:
    """Return the sum of `part` over that of `whole`, and its standard error, learners being drawn; None of too few."""
    total = float(whole.sum())
    if total < FEWEST_OUTCOMES:
        return None, 0.0
    ratio = float(part.sum()) / total
    return ratio, float(np.sqrt(np.sum((part - ratio * whole) ** 2))) / total


def _differs(mine: tuple[float | None, float], others: tuple[float | None, float]) -> int:
    """Return -1 or 1 where a share is clearly below or above that of the others, else 0."""
    if mine[0] is None or others[0] is None:
        return 0
    gap, spread = mine[0] - others[0], float(np.hypot(mine[1], others[1]))
    return int(np.sign(gap)) if abs(gap) > SURE_OF_MANY * spread else 0


def _cards(
    run: Run, said: Doubles, here: Flags, size: int, schedule: CourseSchedule, why_not: Mapping[str, str]
) -> tuple[list[Card], Flags]:
    """Return what writing weekly for the usual reasons would have meant, and which examples (N,) any of them selects."""
    silent, due = _feature(run, "days_silent"), _feature(run, "points_due_7d") > 0
    this_week, both = _feature(run, "active_days_7d"), _feature(run, "active_days_14d")
    no_dates = "" if any(block.due is not None for block in schedule.graded) else "no due dates are known"
    ungraded = "" if schedule.graded else "nothing graded is known"
    rows: list[tuple[str, Flags, str]] = [
        ("Away for a week or more, and a task is due within a week", (silent >= 7) & due, no_dates),
        ("Active, and have not handed in a task that is due within a week", (silent < 7) & due, no_dates),
        (
            f"The {size} weakest for a certificate among those likely to complete",
            _weakest(run, said, here, size),
            why_not.get("certify") or why_not.get("complete") or ungraded,
        ),
        (
            f"The {size} most likely not to return",
            _first(run, said[:, LEAVE], here, size),
            why_not.get("leave", ""),
        ),
        ("Here on more days than the week before: well done", this_week > both - this_week, ""),
    ]
    anybody = np.zeros(len(here), dtype=bool)
    cards = []
    for name, mask, reason in rows:
        if reason:
            cards.append(Card(name, why_not=reason))
            continue
        chosen = mask & here
        anybody |= chosen
        uncertified = None
        if not why_not.get("certify") and chosen.sum() >= FEWEST_OUTCOMES:
            uncertified = float((run.labels[chosen, CERTIFY] == 0).mean())
        cards.append(Card(name, _by_week(run, chosen), uncertified=uncertified))
    return cards, anybody


def _by_week(run: Run, chosen: Flags) -> list[int]:
    """Return how many examples are chosen in each week, from the first on."""
    counts = np.bincount(run.week[chosen], minlength=int(run.week.max(initial=0)) + 1)
    return [int(count) for count in counts[1:]]


def _first(run: Run, scores: Doubles, among: Flags, size: int) -> Flags:
    """Return the examples (N,) that are named first in each week; of learners who are level, those who stand first."""
    chosen = np.zeros(len(among), dtype=bool)
    for week in np.unique(run.week[among]):
        mine = np.flatnonzero(among & (run.week == week))
        chosen[mine[np.argsort(-scores[mine], kind="stable")[:size]]] = True
    return chosen


def _weakest(run: Run, said: Doubles, here: Flags, size: int) -> Flags:
    """Return, of each week's half that is likeliest to complete, the examples (N,) least likely to certify."""
    likely = np.zeros(len(here), dtype=bool)
    for week in np.unique(run.week[here]):
        mine = here & (run.week == week)
        likely[mine] = said[mine, COMPLETE] >= np.median(said[mine, COMPLETE])
    return _first(run, -said[:, CERTIFY], likely, size)


def own_run(card: Mapping[str, Any], run: Run) -> str:
    """Return why what a model says of a run is no proof: its card names the run. Empty where it does not."""
    mine = {run.name, run.course, run.course.rpartition(":")[2].replace("+", "-").replace("/", "-")}
    learnt = [one for one in card.get("training_runs") or () if isinstance(one, Mapping)]
    if any({one.get("name"), one.get("course")} & mine for one in learnt):
        return "The model was trained on this very course."
    if mine & set(str(card.get("begun_from") or "").replace(",", " ").split()):
        return "The model began from one that was trained on this very course."
    if mine & set(map(str, card.get("calibrated_on") or ())):
        return "The model was corrected with the outcomes of this very course."
    return ""
