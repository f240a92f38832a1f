"""Our own model, trained and asked as `engage train` and the worker do: whatever it becomes is what is judged here."""

from __future__ import annotations

from dataclasses import replace

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
from engage_backend.engagement.comparison.judging import OURS, PORTABLE
from engage_backend.engagement.training import Settings, predict, single_outcomes, train
from engage_backend.engagement.trees import TARGETS

ROWS = (OURS, PORTABLE)
MODULES = (calibration, counters, dataset, encoder, model, training, trees, trees_fit)


def say(task: Task, settings: Settings | None = None) -> Said:
    """Natural balance, everyone, moments within weeks: what it is trained on is its own affair.

    The rows differ in `certify`: what is said after a finished run of the site was checked, and what is said before.
    """
    runs = [run.run for run in task.fold.train]
    why = single_outcomes(runs)
    said = Said(silence(task, ROWS), why)
    heard = [number for number in task.targets if TARGETS[number] not in why]
    if not heard:
        return said
    trained = train(runs, task.kinds, seed=task.seed, settings=settings, refuse=False, progress=task.progress)
    for at, run in enumerate(task.fold.test):
        asked = np.zeros(len(run.run.who), dtype=bool)
        asked[run.at] = True
        examples = run.run.with_examples(asked)
        for row, speaks in ((OURS, "full"), (PORTABLE, "portable")):
            out = said.rows[row][at]
            out[:, heard] = predict(replace(trained, certify_speaks=speaks), examples, task.kinds)[:, heard]
    return said
