"""What a mail server may do to us: refuse, put off, throttle, break off, be slow; and what becomes of the letters."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from engage_backend.messaging.clock import tick
from engage_backend.messaging.delivery import deliver
from engage_backend.models import Delivery, Outlet
from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import DROP, SWALLOW


def test_what_a_server_refuses_is_given_up_and_what_it_puts_off_is_tried_again(mailing: Mailing) -> None:
    mailing.smtp.at_rcpt = lambda address, number: {
        "l1@people.example": "550 5.1.1 <l1@people.example> no such user",
        "l2@people.example": "450 4.2.1 mailbox busy",
    }.get(address)
    communication = mailing.write()
    mailing.send(communication)
    mailing.minute()
    mailing.work()
    assert mailing.states() == {"failed": 1, "queued": 1, "sent": 3}
    failed = mailing.get(f"/{communication['id']}")["failed"]
    assert failed == [{"learner": mailing.learners[0].pseudonym, "reason": "550 5.1.1 <…> no such user"}]
    waiting = Delivery.objects.get(state="queued")
    assert waiting.due_at is not None and waiting.due_at > datetime.now(UTC)
    assert mailing.work() == 0, "not before its time"
    mailing.smtp.at_rcpt = lambda address, number: None
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"failed": 1, "sent": 4}


def test_what_is_put_off_again_and_again_is_given_up_in_the_end(mailing: Mailing) -> None:
    mailing.smtp.at_rcpt = lambda address, number: "450 busy" if address.startswith("l1@") else None
    mailing.send(mailing.write())
    mailing.minute()
    for _ in range(6):
        mailing.work()
        mailing.retry()
    assert mailing.states() == {"failed": 1, "sent": 4}
    assert mailing.work() == 0


@pytest.mark.parametrize("where", ["at_connect", "at_data"])
def test_nothing_goes_out_while_the_provider_throttles(mailing: Mailing, where: str) -> None:
    if where == "at_connect":
        mailing.smtp.at_connect = lambda number: "421 4.7.0 too many connections"
    else:
        mailing.smtp.at_data = lambda address, number: "452 4.3.1 slow down" if number == 3 else None
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    sent = 0 if where == "at_connect" else 2
    assert mailing.states() == {"queued": 5 - sent, **({"sent": sent} if sent else {})}
    connections = mailing.smtp.connections
    assert mailing.work() == 0
    assert mailing.smtp.connections == connections, "the provider is left in peace"
    mailing.smtp.at_connect = lambda number: None
    mailing.smtp.at_data = lambda address, number: None
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"sent": 5}
    assert len(set(mailing.smtp.addresses)) == len(mailing.smtp.addresses) == 5


def test_rests_grow_while_the_provider_goes_on_throttling(mailing: Mailing) -> None:
    mailing.smtp.at_connect = lambda number: "421 busy"
    mailing.send(mailing.write())
    mailing.minute()
    rests = []
    for _ in range(3):
        mailing.work()
        until = Outlet.objects.get().resting_until
        assert until is not None
        rests.append(round((until - datetime.now(UTC)).total_seconds()))
        mailing.retry()
    assert rests == [1, 2, 4]


def test_a_connection_that_breaks_before_the_letter_is_no_doubt(mailing: Mailing) -> None:
    mailing.smtp.at_rcpt = lambda address, number: DROP if number == 2 else None
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"sent": 5}
    assert len(set(mailing.smtp.addresses)) == len(mailing.smtp.addresses) == 5


@pytest.mark.parametrize("what", [DROP, SWALLOW])
def test_a_connection_that_breaks_after_the_letter_leaves_it_in_doubt(mailing: Mailing, what: str) -> None:
    mailing.smtp.at_data = lambda address, number: what if address.startswith("l2@") else None
    communication = mailing.write()
    mailing.send(communication)
    mailing.minute()
    mailing.work()
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"sent": 4, "uncertain": 1}
    whole = mailing.get(f"/{communication['id']}")
    assert whole["in_doubt"] == [mailing.learners[1].pseudonym]
    assert "may have had it: 1" in mailing.send(communication, status=409)["detail"], "and it is never sent by itself"
    assert mailing.smtp.addresses.count("l2@people.example") == (what == SWALLOW)


def test_mails_leave_at_the_sites_rate(mailing: Mailing, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "MAILS_PER_SECOND": 20}
    mailing.enrol(5)
    mailing.send(mailing.write())
    mailing.minute()
    tick()
    (batch,) = Delivery.objects.exclude(batch="").values_list("batch", flat=True).distinct()
    began, world = time.monotonic(), datetime.now(UTC)
    assert deliver(batch) == 10
    assert time.monotonic() - began >= 9 / 20
    free_at = Outlet.objects.get().free_at
    assert free_at is not None and free_at - world >= timedelta(seconds=10 / 20), "whoever comes next waits for these"


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ('"l one"@people.example', '"l one"@people.example'),
        ("l.o'neill+x@people.example", "l.o'neill+x@people.example"),
        ("First One <l1@people.example>", "l1@people.example"),
    ],
)
def test_an_unusual_address_gets_its_letter(mailing: Mailing, address: str, seen: str) -> None:
    User.objects.filter(pk=mailing.learners[0].user_id).update(email=address)
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    assert mailing.states() == {"sent": 5}
    assert seen in mailing.smtp.addresses


def test_a_sender_that_the_server_does_not_know_holds_all_letters(mailing: Mailing) -> None:
    mailing.smtp.at_mail = lambda address: "451 4.3.0 not now"
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    assert mailing.states() == {"queued": 5}
    assert mailing.smtp.connections == 1, "what is wrong with the sender is wrong for all"
    mailing.smtp.at_mail = lambda address: None
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"sent": 5}


def test_a_channel_that_is_not_there_sends_nothing_and_loses_nothing(mailing: Mailing, settings: Any) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "CHANNEL": "ace"}
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    assert mailing.states() == {"queued": 5}
    assert re.match(r"edx-ace is not (installed|set up) here: set ", Outlet.objects.get(name="ace").said)
    settings.ENGAGE = {**settings.ENGAGE, "CHANNEL": "mail"}
    mailing.retry()
    mailing.work()
    assert mailing.states() == {"sent": 5}
