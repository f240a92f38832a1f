"""The link with which a learner says no: one click, no login, and it holds everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from engage_backend.messaging.unsubscribe import token
from engage_backend.platform.standalone.models import OptOut
from tests.messaging.conftest import Mailing

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(mailing: Mailing) -> str:
    """The address in the header of a mail that was really sent to learner 1."""
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    header = mailing.smtp.to("l1@people.example")["List-Unsubscribe"].strip()
    return str(header).strip("<>").removeprefix("https://courses.example")


def test_a_mail_program_takes_a_learner_out_by_one_post(mailing: Mailing, link: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(link, ONE_CLICK)
    assert answer.status_code == 200
    assert OptOut.objects.get().user_id == mailing.learners[0].user_id
    assert OptOut.objects.get().course_id == mailing.site.course.pk
    mailing.smtp.letters.clear(), mailing.smtp.addresses.clear()
    mailing.send(mailing.write())
    mailing.minute()
    mailing.work()
    assert len(mailing.smtp.letters) == 4
    assert "l1@people.example" not in mailing.smtp.addresses


def test_a_scanner_that_follows_links_changes_nothing(link: str) -> None:
    for method in ("get", "head"):
        assert getattr(Client(), method)(link).status_code == 200
    assert OptOut.objects.count() == 0


def test_the_page_asks_says_what_was_done_and_takes_it_back(link: str) -> None:
    page = Client().get(link)
    assert "No more messages of course-v1:TestX+T101+2024?" in page.content.decode()
    assert page["Referrer-Policy"] == "no-referrer"
    assert "You get no more messages" in Client().post(link).content.decode()
    assert "You get no more messages" in Client().get(link).content.decode()
    assert "No more messages" in Client().post(link, {"again": "1"}).content.decode()
    assert OptOut.objects.count() == 0


def test_the_page_names_nobody(mailing: Mailing, link: str) -> None:
    page = Client().get(link).content.decode()
    assert not any(word in page for word in ("First1", "Last1", "people.example", mailing.learners[0].pseudonym))


@pytest.mark.parametrize("change", ["another learner", "a cut end", "a changed letter", "nonsense", "another salt"])
def test_a_tampered_token_does_nothing(mailing: Mailing, link: str, change: str) -> None:
    from django.core.signing import Signer

    head, _, given = link.rpartition("/")
    number, _, signature = given.partition(".")
    tampered = {
        "another learner": f"{mailing.learners[1].pk}.{signature}",
        "a cut end": given[:-1],
        "a changed letter": f"{number}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "nonsense": "nonsense",
        "another salt": Signer(salt="another").sign(number).replace(":", "."),
    }[change]
    for method in ("get", "post"):
        answer = getattr(Client(), method)(f"{head}/{tampered}")
        assert answer.status_code == 404
        assert "This link does not work" in answer.content.decode()
    assert OptOut.objects.count() == 0


def test_a_token_is_the_same_each_time_and_says_no_user_id(mailing: Mailing) -> None:
    learner: Any = mailing.learners[0]
    assert token(learner.pk) == token(learner.pk)
    assert str(learner.user_id) != token(learner.pk).partition(".")[0]
