"""The published LSTM: what it reads, and that windows cut nobody's beginning or end off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engage_backend.clickstream.vocabulary import Vocabulary
from engage_backend.engagement.comparison import lstms, sequences
from engage_backend.engagement.comparison.lstms import events_and_marks, known_kinds
from engage_backend.engagement.comparison.material import load_material
from engage_backend.engagement.comparison.sequences import Lstm, Sequence_, Settings, fit, said_by
from engage_backend.engagement.encoder import KindTable
from engage_backend.engagement.package import read_package
from tests.engagement.packages import write_package


def test_a_sequence_is_the_known_events_with_a_mark_at_each_weeks_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, kinds = write_package(tmp_path_factory.mktemp("sequences"), count=8, clicks=2), KindTable()
    material = load_material(read_package(folder), kinds, seed=1)
    vocabulary = Vocabulary(["seq_next", "play_video"])
    read = events_and_marks(material, kinds, vocabulary)
    known = {kinds.numbers["seq_next"]: 1, kinds.numbers["play_video"]: 2}
    for person, one in enumerate(read):
        mine = np.flatnonzero(material.who == person)
        assert (one.steps[one.marks] == 0).all() and (one.steps == 0).sum() == len(one.marks) == len(mine)
        begin = int(material.run.begins[person])
        for mark, example in zip(one.marks, mine, strict=True):
            seen = material.run.kinds[begin : begin + int(material.run.seen[material.at[example]])]
            expected = [known[kind] for kind in seen.tolist() if kind in known]
            before = one.steps[:mark]
            assert before[before > 0].tolist() == expected
        assert np.array_equal(one.labels, material.truths[mine])


def test_the_vocabulary_is_of_kinds_that_all_of_few_runs_share(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lstms, "MIN_COUNT", 150)
    place, kinds = tmp_path_factory.mktemp("vocabulary"), KindTable()
    runs = [
        load_material(read_package(write_package(place, f"r{n}", seed=n, count=12, clicks=2)), kinds, seed=1)
        for n in range(2)
    ]
    assert set(known_kinds(runs, kinds).kinds) == {"play_video", "pause_video", "seq_next"}
    only_one = [runs[0], runs[1].keep(np.zeros(12, dtype=bool))]
    assert set(known_kinds(only_one, kinds).kinds) == set(known_kinds(runs, kinds).kinds)  # the log is what counts


def learners(count: int, length: int, seed: int) -> list[Sequence_]:
    """The first event says what the last mark asks: it has to be carried through every window."""
    chance = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        says = int(chance.integers(0, 2))
        steps = np.full(length + int(chance.integers(0, 5)), 1, dtype=np.int64)
        steps[0], steps[-1] = 2 + says, 0
        labels = np.array([[says, 1 - says, -1]], dtype=np.int8)
        made.append(Sequence_(steps, np.array([len(steps) - 1]), labels))
    return made


def test_what_was_seen_first_reaches_the_last_mark_over_many_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(width=4, hidden=8, dropout=0.0, rate=0.03)
    learnt = fit(learners(200, 6, seed=1), learners(50, 6, seed=2), settings, passes=12, patience=12, seed=1)
    unseen = learners(40, 6, seed=3)
    whole = np.concatenate(said_by(learnt, unseen))
    truths = np.concatenate([one.labels for one in unseen])
    assert ((whole[:, 0] > 0.5) == (truths[:, 0] == 1)).all() and ((whole[:, 1] > 0.5) == (truths[:, 1] == 1)).all()
    monkeypatch.setattr(sequences, "WINDOW", 3)
    assert np.concatenate(said_by(learnt, unseen)) == pytest.approx(whole, abs=1e-5)


def test_padding_and_company_change_nothing() -> None:
    torch.manual_seed(0)
    lstm = Lstm(Settings(width=4, hidden=6, dropout=0.2, rate=0.01))
    chance = np.random.default_rng(0)
    mixed = []
    for length in (1, 5, 300, 2, 40):
        marks = np.sort(chance.choice(length, min(length, 3), replace=False))
        mixed.append(Sequence_(chance.integers(0, 4, length), marks, np.zeros((len(marks), 3), dtype=np.int8)))
    together = said_by(lstm, mixed)
    for one, said in zip(mixed, together, strict=True):
        assert said_by(lstm, [one])[0] == pytest.approx(said, abs=1e-5)
    assert said_by(lstm, [Sequence_(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.int8))])[
        0
    ].shape == (0, 3)


def test_the_same_seed_gives_the_same_answers() -> None:
    settings = Settings(width=4, hidden=4, dropout=0.2, rate=0.01)
    first, second = (fit(learners(20, 10, seed=1), [], settings, passes=2, patience=1, seed=5) for _ in range(2))
    assert np.array_equal(said_by(first, learners(5, 10, seed=2))[0], said_by(second, learners(5, 10, seed=2))[0])


def test_training_ends_where_nothing_is_gained_and_gives_the_best_pass() -> None:
    settings, said = Settings(width=4, hidden=8, dropout=0.0, rate=0.03), []
    learnt, unseen = learners(100, 6, seed=1), learners(40, 6, seed=2)
    turned = [
        Sequence_(one.steps, one.marks, 1 - one.labels) for one in unseen
    ]  # nothing to gain: the first pass is best
    ended = fit(learnt, turned, settings, passes=50, patience=3, seed=1, progress=said.append)
    losses = [what for what in said if "loss" in what]
    assert len(losses) < 50
    best = min(range(len(losses)), key=lambda at: float(losses[at].split("loss ")[1].split(",")[0]))
    assert best == len(losses) - 4
    first = fit(learnt, turned, settings, passes=best + 1, patience=50, seed=1)
    assert np.array_equal(said_by(ended, unseen)[0], said_by(first, unseen)[0])
