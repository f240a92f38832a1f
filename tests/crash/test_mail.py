"""Twenty thousand mails while the worker is killed twenty times and one connection in fifty breaks. Minutes; `make crash`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.messaging.mail_server import Server
from tests.messaging.test_workers import Drops, assert_nobody_twice_and_nobody_missing
from tests.messaging.worker_site import WorkerSite
from tests.services import DatabaseServer, RedisServer, until

LEARNERS, KILLS = 20_000, 20


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., WorkerSite]]:
    """A site with Redis and mail server; what a test leaves running is ended after it."""
    with RedisServer(tmp_path) as redis, Server() as smtp:
        made: list[WorkerSite] = []

        def make(server: DatabaseServer | None = None) -> WorkerSite:
            made.append(WorkerSite(tmp_path / "home", redis=redis, smtp=smtp, server=server, worker_seconds=5))
            return made[-1]

        yield make
        for site in made:
            site.end()


@pytest.mark.crash
def test_twenty_thousand_mails_and_twenty_kills(make_site: Callable[..., WorkerSite]) -> None:
    everybody_once(make_site(), LEARNERS, KILLS)


@pytest.mark.crash
def test_the_same_on_a_server(make_site: Callable[..., WorkerSite], server: DatabaseServer) -> None:
    everybody_once(make_site(server), LEARNERS // 10, KILLS // 2)


@pytest.mark.crash
def test_presses_at_one_moment_on_a_server(make_site: Callable[..., WorkerSite], server: DatabaseServer) -> None:
    site = make_site(server)
    site.set_up(200)
    answers = site.press("press-0001", "press-0001", "press-0002", "press-0003")
    assert len({answer for answer in answers if answer.startswith("sending")}) == 1, answers
    assert len(site.outcome().sendings) == 1
    assert len(site.outcome().states) == 200


def everybody_once(site: WorkerSite, learners: int, kills: int) -> None:
    """Send to all of them, killing the worker each time another share of the letters is out; ask the server in the end."""
    smtp = site.smtp
    assert smtp is not None
    smtp.at_data = Drops(0.02, seed=7)
    site.set_up(learners)
    site.confirm()
    site.clock()
    for number in range(1, kills + 1):
        worker = site.worker()
        until(lambda number=number: len(smtp.letters) > number * learners // (kills + 2), seconds=600)
        site.kill(worker)
    site.worker()
    until(lambda: site.left() == 0, seconds=1200)
    end = site.outcome()
    assert_nobody_twice_and_nobody_missing(end, smtp, learners)
    assert end.sendings == ["done"]
    doubt = end.those("uncertain")
    print(
        f"\n{learners:,} learners, {kills} kills: {len(end.those('sent')):,} sent, {len(doubt)} in doubt, of which"
        f" {len(doubt & set(smtp.addresses))} were taken; nobody twice, nobody missing"
    )
