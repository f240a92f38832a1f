"""Sites whose processes are killed: on SQLite or a database server; what they end in, and the log that they read."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engage_backend.clickstream.event import ClickEvent
from engage_backend.clickstream.names import OVERRIDDEN, RESCORED, SCORE_FACTS, STATE_DELETED, SUBMITTED
from tests.engagement.clicks import COURSE, DAY, START, clicks
from tests.operations.sites import DiskSite
from tests.services import DatabaseServer

_END = """
import django, json
from hashlib import sha256
django.setup()
from engage_backend.engagement.history import pack, unpack
from engage_backend.models import Checkpoint, HistoryChunk, Kind, Prediction, Submission
histories = sha256()
# A kind's number depends on the batch in which it came first, and a consumer that was killed had others.
names = dict(Kind.objects.values_list("number", "name"))
places = {name: place for place, name in enumerate(sorted(names.values()))}
for row in HistoryChunk.objects.order_by("learner__user_id", "number").values_list("learner__user_id", "number", "data"):
    events = sorted(one._replace(kind=places[names[one.kind]]) for one in unpack(bytes(row[2])))
    histories.update(repr((row[0], row[1], pack(events))).encode())
submissions = Submission.objects.values_list(
    "learner__user_id", "block", "score", "possible", "attempts", "last_at", "handed_in")
print(json.dumps({
    "histories": histories.hexdigest(),
    "events": sum(HistoryChunk.objects.values_list("events", flat=True)),
    "predictions": {row[0]: row[1:] for row in Prediction.objects.values_list(
        "learner__user_id", "certify", "complete", "leave")},
    "submissions": sorted(submissions),
    "read": {mark.source: mark.events for mark in Checkpoint.objects.all()},
    "gaps": sum(mark.position.get("gaps", 0) for mark in Checkpoint.objects.all()),
}))
"""


@dataclass
class ServerSite(DiskSite):
    """A standalone site whose database is one of its own on a server of the tests."""

    server: DatabaseServer | None = None
    name: str = ""

    @classmethod
    def make(cls, server: DatabaseServer, home: Path) -> ServerSite:
        """A site with an empty database that is called as its folder is."""
        made = cls(home, server=server, name=f"engage_{home.name}")
        server.make_database(made.name)
        home.mkdir()
        return made

    @property
    def environment(self) -> dict[str, str]:
        assert self.server is not None
        ours = {"DJANGO_SETTINGS_MODULE": "tests.crash.settings", **self.server.environment(self.name)}
        return {**super().environment, **ours}


@dataclass(frozen=True)
class End:
    """What a site holds when all is read."""

    histories: str  # digest of every chunk of every learner, with the names of the kinds
    events: int  # different ones, stored
    predictions: dict[str, list[int | None]]  # user id -> per mille
    submissions: list[list[Any]]
    read: dict[str, int]  # source -> events read, those that came again among them
    gaps: int

    @classmethod
    def of(cls, site: DiskSite) -> End:
        """As the site's database says."""
        return cls(**json.loads(site.python(_END)))

    def same(self, other: End) -> bool:
        """Histories but for the numbers of kinds, submissions, and figures up to a rounding edge (states differ by 1e-5)."""
        return (self.histories, self.events, self.submissions) == (
            other.histories,
            other.events,
            other.submissions,
        ) and (self.apart(other) <= 1)

    def apart(self, other: End) -> int:
        """By how many per mille the figures differ at most."""
        assert self.predictions.keys() == other.predictions.keys()
        pairs = [
            pair
            for user in self.predictions
            for pair in zip(self.predictions[user], other.predictions[user], strict=True)
        ]
        assert all((a is None) == (b is None) for a, b in pairs)
        return max(abs((a or 0) - (b or 0)) for a, b in pairs)


def events(learners: int, each: int, *, taken_back: float = 0.2) -> list[ClickEvent]:
    """`each` clicks of each learner over the forty days before the site's clock, and what staff did, in order of time.

    After so many of the submissions staff lower the score (rescored, overridden, published anew) or delete the state.
    """
    dice = random.Random(learners)
    found = [event for learner in range(1, learners + 1) for event in clicks(learner, each)]
    for event in [one for one in found if one.score is not None and dice.random() < taken_back]:
        kind = dice.choice((SUBMITTED, RESCORED, OVERRIDDEN, STATE_DELETED))
        when = min(event.time + dice.randrange(1, 3 * DAY), START + 41 * DAY - 1)
        lower = event._replace(kind=kind, time=when, session="", score=dice.choice((0.0, 0.1)), possible=1.0, attempt=0)
        found.append(lower if kind != STATE_DELETED else lower._replace(score=None, possible=None))
    return sorted(found, key=lambda event: event.time)


def fallen(found: Sequence[ClickEvent]) -> int:
    """How often a learner's score in a task is lower than it was, or taken away; `found` is in order of time."""
    count, last = 0, dict[tuple[int, str], float]()
    for event in found:
        if event.kind in SCORE_FACTS or event.score is not None:
            before, now = last.get((event.learner, event.block), 0.0), (event.score or 0.0) / (event.possible or 1.0)
            count += now < before
            last[event.learner, event.block] = now
    return count


def disturbed(found: Sequence[ClickEvent], seed: int, *, again: float = 0.02, late: int = 50) -> list[ClickEvent]:
    """The events as servers write them: some come twice, neighbours change places."""
    dice = random.Random(seed)
    order = [
        *enumerate(found),
        *((dice.randrange(len(found)), one) for one in dice.sample(found, int(again * len(found)))),
    ]
    return [event for _, event in sorted(order, key=lambda pair: pair[0] + dice.randint(0, late))]


def write_log(path: Path, found: Sequence[ClickEvent]) -> Path:
    """The events as a tracking log."""
    from tests.engagement.live.test_commands import line

    path.write_bytes(b"".join(map(line, found)))
    return path


__all__ = ["COURSE", "DAY", "START", "End", "ServerSite", "disturbed", "events", "fallen", "write_log"]
