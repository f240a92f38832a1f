"""What a finished model says of course runs, and single features beside it as they rank: nothing is learnt here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engage_backend.engagement.comparison import bootstrap
from engage_backend.engagement.comparison.judging import (
    ASKED,
    OURS,
    PORTABLE,
    Evaluation,
    Row,
    described,
    ever_rows,
    means_of,
    rows_of,
    unasked,
)
from engage_backend.engagement.comparison.material import SINGLE, Doubles, Material
from engage_backend.engagement.comparison.tables import shown_weeks
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.metrics import FIGURES
from engage_backend.engagement.model import Model
from engage_backend.engagement.training import known_share, predict
from engage_backend.engagement.trees import TARGETS

COUNT = "event_count"
# Rows by a single feature: its column in Material.single, and whether more of it speaks for a certificate.
SINGLES = {COUNT: ("events", 1), "points_so_far": ("points_earned", 1), "days_since_last_event": ("days_silent", -1)}


def asked(runs: Sequence[Material], kinds: KindTable, model: Model, *, seed: int) -> Evaluation:
    """What a finished model says of these runs, self-paced ones too, and single features beside it.

    `seed`: of the bootstrap of the differences from a count of events.
    """
    answers = answers_of(model, runs, kinds)
    found = Evaluation(
        [described(run, known_share(run.run, kinds, model.vocabulary)) for run in runs],
        tuple(answers),
        (),
        unasked=unasked(runs),
    )
    found.rows = _without_probabilities(rows_of(ASKED, runs, answers))
    found.ever = _without_probabilities(ever_rows(ASKED, runs, answers))
    found.means = means_of(found.rows, runs)
    weeks = shown_weeks([{row["week"]: row for row in found.rows}])
    for row in (row for row in answers if row not in SINGLES):
        both = {row: answers[row], COUNT: answers[COUNT]}
        found.differences += bootstrap.differences(runs, both, row, seed=seed, weeks=weeks)
    return found


def answers_of(model: Model, runs: Sequence[Material], kinds: KindTable) -> dict[str, list[list[Doubles | None]]]:
    """What is said of each run, by row. Those of single features are ranks, and no probabilities."""
    rows = {OURS: [_said(model, run, kinds, speaks="full") for run in runs]}
    if "portable" in model.parts:
        rows[PORTABLE] = [_said(model, run, kinds, speaks="portable") for run in runs]
    for row, (feature, sign) in SINGLES.items():
        rows[row] = [_ranked(sign * run.single[:, SINGLE.index(feature)]) for run in runs]
    return {row: [list(said)] for row, said in rows.items()}


def _said(model: Model, run: Material, kinds: KindTable, *, speaks: str) -> Doubles:
    """The model's probabilities; `speaks`: the part whose `certify` is meant."""
    asked = np.zeros(len(run.run.who), dtype=bool)
    asked[run.at] = True
    return predict(replace(model, certify_speaks=speaks), run.run.with_examples(asked), kinds)


def _ranked(scores: Doubles) -> Doubles:
    """Scores (n,) as (n, TARGETS): who leaves is who has less of what speaks for a certificate. 0 to 1."""
    place = np.unique(scores, return_inverse=True)[1] / max(len(np.unique(scores)) - 1, 1)
    return np.stack([1 - place if target == "leave" else place for target in TARGETS], axis=1)


def _without_probabilities(rows: Iterable[Row]) -> list[Row]:
    """The rows; of single features, which rank alone, what only probabilities have is None."""
    no_ranks = {name: None for name in FIGURES if name not in ("auc", "average_precision")}
    return [{**row, **no_ranks} if row["model"] in SINGLES else row for row in rows]


def same_runs(card: Mapping[str, Any], runs: Iterable[Material]) -> list[str]:
    """The names of those runs that the model's card says it was trained, begun or calibrated on."""
    told = [{one.get("name"), one.get("course")} for one in card.get("training_runs") or () if isinstance(one, dict)]
    calibrated = card.get("calibrated_on") or ()
    calibrated = [calibrated] if isinstance(calibrated, str) else list(map(str, calibrated))
    words = f"{card.get('begun_from', '')} {card.get('trained_on', '')}".replace(",", " ").split()
    known = {*words, *calibrated}.union(*told)
    return [run.name for run in runs if {run.name, run.course} & known]
