"""The two LSTMs: `lstm_features` reads the twelve features week by week, `lstm_published` the raw events.

`lstm_published` is the publication's model: each event is one of the kinds that occur a thousand times and in more than
three courses (in all of fewer), one-hot; other kinds are left out; a mark ends each week, and is where it is asked; 100
hidden units; 20 % of the input dropped. Here one network answers for the three outcomes. Both learn from the publication's
sample, and the prior that this brings is undone.

The publication made five passes over its data, which were about 68 million events. Ours are fewer, so both make as many passes
as it takes to have seen so many, or stop where a fifth of those learners shows no gain any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engage_backend.clickstream.vocabulary import Vocabulary
from engage_backend.engagement.comparison.classical import Scale, chosen
from engage_backend.engagement.comparison.family import Said, Task, fifth, kept, silence
from engage_backend.engagement.comparison.material import Material
from engage_backend.engagement.comparison.sampling import share, with_prior
from engage_backend.engagement.comparison.sequences import Sequence_, Settings, fit, said_by
from engage_backend.engagement.comparison.weekly import TWELVE
from engage_backend.engagement.encoder import KindTable

FEATURES, PUBLISHED = ("lstm_features",), ("lstm_published",)
MIN_COUNT, MIN_COURSES = 1_000, 4  # of a kind that is read
EVENTS_SEEN = 68_000_000  # in training, all passes together
MOST_PASSES, PATIENCE = 200, 12  # passes over small data; passes without a gain, after which it ends
Sequences = Callable[[Material], list[Sequence_]]


def say_features(task: Task) -> Said:
    """A sequence of weeks."""
    settings = Settings(width=len(TWELVE), hidden=32, dropout=0.0, rate=5e-3)

    def prepare(sample: Sequence[Material]) -> Sequences:
        scale = Scale.of(sample)
        return lambda run: _weeks(run, scale)

    return _say(task, FEATURES[0], settings, prepare)


def say_published(task: Task) -> Said:
    """A sequence of events."""
    vocabulary = known_kinds(task.fold.train, task.kinds)
    settings = Settings(width=len(vocabulary), hidden=100, dropout=0.2, rate=5e-3)
    return _say(task, PUBLISHED[0], settings, lambda sample: lambda run: events_and_marks(run, task.kinds, vocabulary))


def known_kinds(runs: Sequence[Material], kinds: KindTable) -> Vocabulary:
    """The publication's vocabulary, of the training runs. Its token 0 stands for a week's end."""
    counts = {
        str(number): dict(
            zip(kinds.names, np.bincount(run.run.kinds, minlength=len(kinds.names)).tolist(), strict=True)
        )
        for number, run in enumerate(runs)
    }
    return Vocabulary.from_counts(counts, min_count=MIN_COUNT, min_courses=min(MIN_COURSES, len(runs)))


def events_and_marks(run: Material, kinds: KindTable, vocabulary: Vocabulary) -> list[Sequence_]:
    """For each learner (L,): the tokens of the known events in order of time, and 0 where a week ends."""
    tokens = kinds.tokens(vocabulary.tokens)
    bounds = np.searchsorted(run.who, np.arange(len(run.learners) + 1))
    seen = run.run.seen[run.at].astype(np.int64)
    sequences = []
    for person in range(len(run.learners)):
        mine = slice(int(bounds[person]), int(bounds[person + 1]))
        read = tokens[run.run.kinds[run.run.begins[person] : run.run.begins[person + 1]]]
        known = np.concatenate(([0], np.cumsum(read > 0)))  # how many of the first events are known
        marks = known[seen[mine]]
        sequences.append(
            Sequence_(
                steps=np.insert(read[read > 0], marks, 0),
                marks=marks + np.arange(len(marks)),
                labels=run.truths[mine],
            )
        )
    return sequences


def _weeks(run: Material, scale: Scale) -> list[Sequence_]:
    """For each learner (L,): one step for each week."""
    features = scale(run)
    bounds = np.searchsorted(run.who, np.arange(len(run.learners) + 1))
    parts = [slice(int(bounds[at]), int(bounds[at + 1])) for at in range(len(run.learners))]
    return [
        Sequence_(steps=features[mine], marks=np.arange(mine.stop - mine.start), labels=run.truths[mine])
        for mine in parts
    ]


def _say(task: Task, row: str, settings: Settings, prepare: Callable[[Sequence[Material]], Sequences]) -> Said:
    said = Said(silence(task, (row,)))
    sample = chosen(task)
    held = fifth(sample, seed=task.seed)
    inner, validation = kept(sample, [~mask for mask in held]), kept(sample, held)
    if not inner:
        inner, validation = sample, []
    sequences = prepare(inner)
    learnt, unseen = ([one for run in part for one in sequences(run)] for part in (inner, validation))
    passes = min(max(round(EVENTS_SEEN / max(_events(inner), 1)), 1), MOST_PASSES)
    lstm = fit(learnt, unseen, settings, passes=passes, patience=PATIENCE, seed=task.seed, progress=task.progress)
    for run, out in zip(task.fold.test, said.rows[row], strict=True):
        chances = np.concatenate([np.zeros((0, out.shape[1])), *said_by(lstm, sequences(run))])
        for target in task.targets:
            sampled = share([part.truths[:, target] for part in sample])
            natural = share([part.truths[:, target] for part in task.fold.train])
            out[:, target] = with_prior(chances[:, target], sampled=sampled, natural=natural)
    return said


def _events(runs: Sequence[Material]) -> int:
    """How many events the learners have who are learnt from."""
    return sum(int(run.events[np.unique(run.who)].sum()) for run in runs)
