"""Real Celery workers on a real Redis, with a real mail server: killed, doubled, and pressed twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engage_backend.messaging.marks import TOGETHER
from tests.messaging.mail_server import DROP, SWALLOW, Server
from tests.messaging.worker_site import End, WorkerSite
from tests.services import RedisServer, until


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[WorkerSite]:
    """A site with Redis and mail server; what a test leaves running is ended after it."""
    with RedisServer(tmp_path) as redis, Server() as smtp:
        site = WorkerSite(tmp_path / "home", redis=redis, smtp=smtp)
        yield site
        site.end()


def assert_nobody_twice_and_nobody_missing(end: End, smtp: Server, learners: int) -> None:
    """Whoever is called sent has had it once; who may have had it is called uncertain; there is nobody else."""
    addresses = smtp.addresses
    assert len(addresses) == len(set(addresses)), "nobody gets two"
    assert len(end.states) == learners
    assert end.those("sent") | end.those("uncertain") == set(end.states), "nobody is missing"
    assert end.those("sent") <= set(addresses), "who is called sent has had it"
    assert set(end.states) - set(addresses) <= end.those("uncertain"), "who has not had it is in doubt, and listed"
    assert end.listed == len(end.those("uncertain"))


class Drops:
    """Drops the connection for a share of the letters: half before the letter was taken, half after. Counts them."""

    def __init__(self, share: float, seed: int) -> None:
        self.count = 0
        self._share, self._dice = share, random.Random(seed)

    def __call__(self, address: str, number: int) -> str | None:
        if self._dice.random() >= self._share:
            return None
        self.count += 1
        return self._dice.choice([DROP, SWALLOW])


def test_workers_that_are_killed_write_to_nobody_twice_and_forget_nobody(workers: WorkerSite) -> None:
    smtp, learners, kills, processes = workers.smtp, 400, 3, 2
    assert smtp is not None
    smtp.at_data = dropped = Drops(0.02, seed=1)
    workers.set_up(learners)
    workers.confirm()
    workers.clock()
    for number in range(1, kills + 1):
        worker = workers.worker(processes=processes)
        until(lambda number=number: len(smtp.letters) > number * 80)
        workers.kill(worker)
    workers.worker()
    until(lambda: workers.left() == 0)
    end = workers.outcome()
    assert_nobody_twice_and_nobody_missing(end, smtp, learners)
    # A process begins at most TOGETHER letters, and the next ones in the commit that marks those as sent: a kill leaves so
    # many in doubt of each process, taken by the server or not. Besides these only letters whose connection was dropped
    # while they were handed over, each of them once: who is in doubt is not written to again.
    assert len(end.those("uncertain")) <= kills * processes * TOGETHER + dropped.count
    assert end.sendings == ["done"]


def test_many_presses_at_one_moment_make_one_sending(workers: WorkerSite) -> None:
    workers.set_up(20)
    same = workers.press(*["the-same-press"] * 4)
    assert same == ["sending 1"] * 4
    others = workers.press("another-press-1", "another-press-2")
    assert all(answer.startswith("refused Nobody is left to write to") for answer in others)
    end = workers.outcome()
    assert (len(end.states), len(end.sendings)) == (20, 1)


def test_different_presses_at_one_moment_make_one_sending(workers: WorkerSite) -> None:
    workers.set_up(20)
    answers = workers.press(*(f"press-number-{n}" for n in range(4)))
    assert [answer.split()[0] for answer in answers] == ["refused"] * 3 + ["sending"]
    assert len(workers.outcome().states) == 20


def test_a_queue_that_is_away_delays_and_loses_nothing(workers: WorkerSite) -> None:
    assert workers.smtp is not None
    assert workers.redis is not None
    workers.worker_seconds = 1
    workers.set_up(30)
    workers.redis.stop()
    workers.confirm()
    clock = workers.clock()
    log = workers.home / "clock.log"
    until(lambda: "cannot be reached" in log.read_text(errors="replace"))
    assert clock.poll() is None
    workers.redis.start()
    workers.worker()
    until(lambda: workers.left() == 0)
    assert_nobody_twice_and_nobody_missing(workers.outcome(), workers.smtp, 30)
    assert workers.outcome().those("uncertain") == set()
