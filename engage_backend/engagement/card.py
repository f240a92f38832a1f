"""What a reader should know of a trained model: on what, with what and how it was trained, and how good it proved."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xgboost

from engage_backend import __version__
from engage_backend.engagement.comparison.judging import OURS, mean_by_week
from engage_backend.engagement.counters import FEATURES, OPTIONAL
from engage_backend.engagement.dataset import Run
from engage_backend.engagement.drift import reference
from engage_backend.engagement.model import Model
from engage_backend.engagement.training import Settings
from engage_backend.engagement.trees import TARGETS

# Which set of trees says `certify`, and why: engage_calibrate overwrites it.
NOT_CHECKED = (
    "`portable` speaks, which reads what means the same on every platform: `full` has not been checked on a finished run "
    "of this site (engage_calibrate)"
)
COLUMNS = ("auc", "average_precision", "brier", "ece", "ece_debiased", "slope")


def card_of(
    model: Model,
    runs: Sequence[Run],
    *,
    name: str,
    command: str,
    seed: int,
    settings: Settings,
    attribution: str = "",
    evaluation: Sequence[dict[str, Any]] = (),
    groups: Sequence[dict[str, Any]] = (),
    known: Sequence[float],
    begun_from: str = "",
) -> dict[str, Any]:
    """The part of a model's card that loading does not need.

    `evaluation` and `groups`: those rows of metrics.json, of the same runs.
    `known`: of each run, the share of events whose kind the model knows; `begun_from`: the model that was moved, if one was.
    """
    by_name = ", ".join(run.name for run in runs)
    return {
        "name": name,
        "trained_on": f"{len(runs)} course run{'s' * (len(runs) != 1)}: {by_name}",
        "attribution": attribution,
        "command": command,
        "seed": seed,
        "settings": asdict(settings),
        "begun_from": begun_from,
        "sequence": _heard(model, settings),
        "optional": _optional(model, settings),
        "certify_why": NOT_CHECKED if model.speaker("certify") == "portable" else "",
        "training_runs": [
            _described(run) | {"events_of_known_kinds": round(share, 4)} for run, share in zip(runs, known, strict=True)
        ],
        "metrics": {
            "what": "each run predicted by a model trained on the others; means over runs, at the end of each week",
            "weeks": {target: _by_week(evaluation, target) for target in TARGETS},
            "groups": {
                "what": "of all runs together, by what learners said of themselves; [value, low, high] of 95 % intervals",
                "rows": list(groups),
            },
        }
        if evaluation
        else None,
        "reference": reference(model.parts, runs),
        "limits": "Probabilities were calibrated across the training runs. On another course they rank learners; "
        "how far they are true there has not been checked.",
        "versions": {
            "engage": __version__,
            "python": platform.python_version(),
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
        },
    }


def _heard(model: Model, settings: Settings) -> str:
    """What became of an LSTM beside the trees."""
    if settings.lstm is None:
        return "no LSTM was tried"
    if model.lstm is None:
        return "an LSTM was tried; on runs unseen no target heard it, and the folder holds none"
    return f"an LSTM was tried; on runs unseen it was heard for {', '.join(model.lstm.heard)}"


def _optional(model: Model, settings: Settings) -> str:
    """What became of the optional features."""
    trees, told = model.full.trees, []
    for output, target in enumerate(TARGETS):
        asked = {FEATURES[at] for at in np.unique(trees.feature[trees.target == output]) if at >= 0}
        told += [f"{target} reads {group}" for group, names in OPTIONAL.items() if asked & set(names)]
    return f"tried: {', '.join(settings.optional) or 'none'}; {', '.join(told) or 'none is read'}"


def _described(run: Run) -> dict[str, Any]:
    moments = [
        datetime.fromtimestamp(int(clock) // 1_000_000, UTC).date().isoformat()
        for clock in (run.clock.min(), run.clock.max())
    ]
    shares = {}
    for number, target in enumerate(TARGETS):
        judged = run.labels[:, number] >= 0
        shares[target] = round(float(run.labels[judged, number].mean()), 4) if judged.any() else None
    return {
        "name": run.name,
        "course": run.course,
        "learners_with_events": len(run.learners),
        "events": len(run.kinds),
        "examples": len(run.who),
        "first_and_last_clock": moments,
        "share_of_examples": shares,
    }


def _by_week(rows: Sequence[dict[str, Any]], target: str) -> list[dict[str, Any]]:
    columns = {column: mean_by_week(rows, OURS, target, column) for column in COLUMNS}
    weeks = sorted({week for line in columns.values() for week in line})
    return [
        {"week": week, "runs": columns["brier"][week][1]}
        | {column: round(line[week][0], 4) for column, line in columns.items() if week in line}
        for week in weeks
    ]
