"""Streaming equals batch, on real histories under the model that ships: the figure that stands beside the claim."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from engage_backend.clickstream.parse import parse_lines
from engage_backend.conf import BASE_MODEL
from engage_backend.demo.home import SAMPLE
from engage_backend.engagement.counters import DAY, Plan
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.folder import load_model
from engage_backend.engagement.history import Row, merge, to_row
from engage_backend.engagement.package import read_package
from engage_backend.engagement.streaming import Kept, advance, probabilities

LEARNERS = 20


def real_histories(package_folder: Path) -> tuple[KindTable, list[list[Row]], Plan]:
    package = read_package(package_folder)
    events, _ = parse_lines(islice(package.lines(), 60_000))
    kinds = KindTable(event.kind for event in events)
    by_learner: dict[int, list[Row]] = {}
    for event in events:
        by_learner.setdefault(event.learner, []).append(to_row(event, kinds.numbers))
    longest = sorted(by_learner.values(), key=len)[-LEARNERS:]
    return kinds, [merge([], rows) for rows in longest], Plan.of(package.schedule)


@pytest.mark.bench
def test_the_difference_between_one_by_one_chunks_and_whole_after_every_event() -> None:
    model, _ = load_model(BASE_MODEL)
    kinds, histories, plan = real_histories(SAMPLE)
    worst, compared = 0.0, 0
    single = [Kept.start(model)] * LEARNERS
    chunked = [Kept.start(model)] * LEARNERS
    whole = [Kept.start(model)] * LEARNERS
    for at in range(max(map(len, histories))):
        single = advance(model, kinds, single, [rows[at : at + 1] for rows in histories])
        if at % 37 == 36:
            chunked = advance(
                model,
                kinds,
                chunked,
                [rows[one.position : at + 1] for one, rows in zip(chunked, histories, strict=True)],
            )
        rest = advance(
            model, kinds, chunked, [rows[one.position : at + 1] for one, rows in zip(chunked, histories, strict=True)]
        )
        if at % 50 == 0:  # from the beginning: quadratic, so not after every event
            ends = [rows[: at + 1] for rows in histories]
            alone = [advance(model, kinds, whole[:1], [rows])[0] for rows in ends]
        else:
            alone = rest
        clock = max(one.counters.last for one in single) + DAY
        said = [probabilities(model, states, [plan] * LEARNERS, clock) for states in (single, rest, alone)]
        worst = max(worst, float(np.ptp(said, axis=0).max()))
        compared += LEARNERS
    print(
        f"\nstreaming against batch: largest difference {worst:.1e} over {compared:,} predictions of {LEARNERS} learners"
    )
    assert worst < 1e-5
