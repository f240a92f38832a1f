"""Why a prediction is as it is: which of the learner's counters moved it most, and by how much.

The counters are gathered into a few groups that mean something to people. What a group moved is the exact sum of what the
trees put down to its features. Kept with the prediction as text of a few dozen bytes; the API has the words.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engage_backend.engagement.counters import FEATURES
from engage_backend.engagement.encoder import Floats
from engage_backend.engagement.level import PART, contributions
from engage_backend.engagement.model import Model
from engage_backend.engagement.trees import TARGETS

MOST = 3  # reasons a target
LEAST = 0.1  # of the log-odds: what moves less is not worth a word
UNTOLD = "clock"  # where the course stands: true of everybody, so no reason for one of them

# Group -> its features; the first one's value is told with the group.
GROUPS: dict[str, tuple[str, ...]] = {
    "silence": ("days_silent", "events_1d", "events_3d"),
    "recent": (
        "active_days_14d",
        "active_days_7d",
        "active_days_28d",
        "events_7d",
        "events_14d",
        "events_28d",
        "trend_7d",
    ),
    "habit": (
        "active_days",
        "active_days_share",
        "days_since_first_event",
        "events",
        "events_per_day",
        "longest_silence_days",
        "sessions",
        "hours",
        "content_events",
        "progress_events",
    ),
    "tasks": (
        "attempted_of_due",
        "points_attempted",
        "points_missed",
        "points_open",
        "blocks_handed_in",
        "days_since_handed_in",
        "lead_days",
        "attempts_per_block",
        "problem_events",
    ),
    "scores": (
        "score_of_attempted",
        "points_earned",
        "points_reachable",
        "missing_to_pass",
        "last_score",
        "correct",
        "incorrect",
        "correct_share",
    ),
    "forum": ("forum_events", "forum_posts"),
    "video": ("video_events",),
    "coverage": ("units", "furthest_task", "lag", "enrolled_lead_days"),
    "rhythm": ("weekday_regularity", "hour_regularity", "night_share", "evening_share", "weekend_share"),
    UNTOLD: (
        "share_of_course",
        "days_since_start",
        "days_to_end",
        "points_due",
        "points_due_7d",
        "days_to_next_due",
    ),
}
_NAMES = list(GROUPS)
_TOLD_OF = (*TARGETS, PART)
_GROUP_OF = np.array([next(at for at, name in enumerate(GROUPS) if feature in GROUPS[name]) for feature in FEATURES])
_TOLD = [FEATURES.index(features[0]) for features in GROUPS.values()]


class Reason(msgspec.Struct, array_like=True):
    """One group of counters."""

    group: str
    effect: float  # on the log-odds of the target: above 0 it made it likelier than for the mean learner
    value: float  # of the group's first feature; -1: not known


def reasons(model: Model, features: Floats, shown: Sequence[Sequence[int | None]]) -> list[str]:
    """For each learner a text that `read_reasons` reads; features (n, F), and what is shown of each: by target, then the level.

    Nothing is told of what is not shown.
    """
    if not len(features):
        return []
    by_feature, of_level = model.contributions(features), contributions(model, features)
    if of_level is not None:
        by_feature = np.concatenate((by_feature, of_level[:, None]), axis=1)
    effects = np.zeros((*by_feature.shape[:2], len(_NAMES)))
    for group in range(len(_NAMES)):
        effects[:, :, group] = by_feature[:, :, group == _GROUP_OF].sum(axis=2)
    effects[:, :, _NAMES.index(UNTOLD)] = 0.0
    order = np.argsort(-np.abs(effects), axis=2, kind="stable")[:, :, :MOST].tolist()
    values, told = features[:, _TOLD].tolist(), effects.tolist()
    return [
        _text(
            {
                target: [
                    Reason(_NAMES[group], round(mine[at][group], 2), round(value[group], 2))
                    for group in places[at]
                    if abs(mine[at][group]) >= LEAST
                ]
                for at, target in enumerate(_TOLD_OF[: len(mine)])
                if given[at] is not None
            }
        )
        for mine, places, value, given in zip(told, order, values, shown, strict=True)
    ]


def _text(found: dict[str, list[Reason]]) -> str:
    found = {target: those for target, those in found.items() if those}
    return msgspec.json.encode(found).decode() if found else ""
