"""Our own model, trained and asked as `engage train` and the worker do: whatever it becomes is what is judged here."""

from __future__ import annotations

import numpy as np

from engage_backend.engagement import (
    calibration,
    counters,
    dataset,
    encoder,
    model,
    training,
    trees,
    trees_fit,
)
from engage_backend.engagement.comparison.family import Said, Task, silence
from engage_backend.engagement.training import Settings, predict, single_outcomes, train
from engage_backend.engagement.trees import TARGETS

ROWS = ("engage",)
MODULES = (calibration, counters, dataset, encoder, model, training, trees, trees_fit)


def say(task: Task, settings: Settings | None = None) -> Said:
    """Natural balance, everyone enrolled, moments within weeks: what it is trained on is its own affair."""
    runs = [run.run for run in task.fold.train]
    why = single_outcomes(runs)
    said = Said(silence(task, ROWS), why)
    heard = [number for number in task.targets if TARGETS[number] not in why]
    if not heard:
        return said
    trained = train(runs, task.kinds, seed=task.seed, settings=settings, refuse=False, progress=task.progress)
    for run, out in zip(task.fold.test, said.rows[ROWS[0]], strict=True):
        asked = np.zeros(len(run.run.who), dtype=bool)
        asked[run.at] = True
        out[:, heard] = predict(trained, run.run.with_examples(asked), task.kinds)[:, heard]
    return said
