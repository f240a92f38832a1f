"""One feature each, as any spreadsheet has it: what a model that reads everything has to beat."""

from __future__ import annotations

import numpy as np

from engage_backend.engagement.calibration import logistic, sigmoid
from engage_backend.engagement.comparison.family import Said, Task, silence
from engage_backend.engagement.comparison.material import Doubles, Material

ROWS = ("days_since_last_event", "event_count", "points_so_far")  # in the order of material.SINGLE


def say(task: Task) -> Said:
    """A probability by logistic regression on the feature's logarithm, at the natural balance."""
    said = Said(silence(task, ROWS))
    for column, row in enumerate(ROWS):
        inputs = np.concatenate([_inputs(run, column) for run in task.fold.train])
        for target in task.targets:
            labels = np.concatenate([run.truths[:, target] for run in task.fold.train])
            known = labels >= 0
            slopes, intercept = logistic(inputs[known], labels[known].astype(np.float64), np.ones(int(known.sum())))
            for run, out in zip(task.fold.test, said.rows[row], strict=True):
                out[:, target] = sigmoid(_inputs(run, column) @ slopes + intercept)
    return said


def _inputs(run: Material, column: int) -> Doubles:
    inputs: Doubles = np.log1p(np.maximum(run.single[:, [column]], 0.0))
    return inputs
