"""What a record says about a task: its score, and whether it was handed in.

The LMS keeps the last score that it published, also when that is lower, and applies a problem's grading method before it
publishes. So the record with the latest time counts; of two of one time and kind the one with the larger attempt, and of two
kinds the one that stands lower in `EFFECTS`. What is not here says nothing about a score: `problem_rescore`, for one, tells
what was computed, and the LMS may have refused it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from engage_backend.clickstream.names import (
    OVERRIDDEN,
    PLATFORM_DELETED,
    PLATFORM_HANDED_IN,
    PLATFORM_SCORED,
    PLATFORM_UNSCORED,
    RESCORED,
    SCORE_RESET,
    STATE_DELETED,
    SUBMITTED,
)


class Score(Enum):
    """What becomes of the current score."""

    STAYS = "stays"
    SET = "set"  # to the record's points; stays where it has none, or 0 of 0
    TAKEN_BACK = "taken back"


class Effect(NamedTuple):
    """What a kind of record does to a task."""

    score: Score
    handed_in: bool | None  # None: stays as it is


HAND_INS = ("openassessmentblock.create_submission", "openassessmentblock.create_team_submission")
# From top to bottom as the LMS decides between records of one time: the lower one counts.
EFFECTS: dict[str, Effect] = {
    "problem_check_correct": Effect(Score.SET, True),  # raw points, of the learner's own attempt
    "problem_check_incorrect": Effect(Score.SET, True),
    SUBMITTED: Effect(Score.SET, True),  # weighted points; also open responses, LTI, external graders
    SCORE_RESET: Effect(Score.TAKEN_BACK, False),  # an open response's state was cleared
    RESCORED: Effect(Score.SET, None),
    OVERRIDDEN: Effect(Score.SET, None),  # also of somebody who has handed in nothing
    STATE_DELETED: Effect(Score.TAKEN_BACK, False),  # of one learner
    **dict.fromkeys(HAND_INS, Effect(Score.STAYS, True)),  # not graded yet; a team's is of the learner who submitted
    # The platform's own tables are right, whatever a record of that time says.
    PLATFORM_DELETED: Effect(Score.TAKEN_BACK, False),
    PLATFORM_UNSCORED: Effect(Score.TAKEN_BACK, None),
    PLATFORM_HANDED_IN: Effect(Score.STAYS, True),
    PLATFORM_SCORED: Effect(Score.SET, None),
}
# The two results of a check are one row of the table: between them the attempt decides.
_PLACES = {kind: max(place, 1) for place, kind in enumerate(EFFECTS)}
BY_PLACE = {_PLACES[kind]: effect for kind, effect in EFFECTS.items()}
PLACES = 16  # more than there are: an order is time x PLACES + place


def place_of(kind: str) -> int:
    """Return where the kind stands in `EFFECTS`; of two records of one time the one with the higher place counts."""
    return _PLACES[kind]
