"""The second channel with the real edx-ace, where it is installed (tox has it): to a real mail server."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import SWALLOW, html_of, text_of

pytest.importorskip("edx_ace", reason="edx-ace is not installed: `pip install edx-ace`")


@pytest.fixture
def ace(mailing: Mailing, settings: Any) -> Mailing:
    """The course of `mailing`, on a site that sends by edx-ace as an LMS has it out of the box."""
    settings.ENGAGE = {**settings.ENGAGE, "CHANNEL": "ace"}
    settings.ACE_ENABLED_CHANNELS = ["django_email"]
    settings.ACE_CHANNEL_DEFAULT_EMAIL = settings.ACE_CHANNEL_TRANSACTIONAL_EMAIL = "django_email"
    settings.ACE_ENABLED_POLICIES = []
    return mailing


def test_a_message_goes_out_whole_and_once(ace: Mailing) -> None:
    ace.send(ace.write(reply_to="marked-staff@address.example"))
    ace.minute()
    ace.work()
    ace.work()
    assert ace.states() == {"sent": 5}
    assert sorted(ace.smtp.addresses) == [f"l{number}@people.example" for number in range(1, 6)]
    letter = ace.smtp.to("l1@people.example")
    assert letter["Subject"] == "Hello First1"
    assert "Dear First1 Last1," in text_of(letter)
    assert "<strong>welcome</strong>" in html_of(letter)
    assert letter["Reply-To"] == "marked-staff@address.example"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["List-Unsubscribe"].strip(" <>") in text_of(letter)


def test_who_has_said_no_is_not_asked_of_edx_ace(ace: Mailing) -> None:
    from engage_backend.platform.api import get_platform

    ace.send(ace.write())
    ace.minute()
    get_platform().opt_out(ace.site.run.course_key, ace.learners[0].user_id, True)
    ace.work()
    assert ace.states() == {"sent": 4, "skipped": 1}


# Django 4.2 leaves the connection of a mail that was refused to the garbage collector: it is to come here.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_refusal_for_good_is_a_failure_and_one_for_now_is_tried_again(ace: Mailing) -> None:
    answers = {"l2": "550 no such user", "l3": "450 mailbox busy"}
    ace.smtp.at_rcpt = lambda address, number: answers.pop(address[:2], None)
    communication = ace.write()
    ace.send(communication)
    ace.minute()
    ace.work()
    assert ace.states() == {"sent": 3, "failed": 1, "queued": 1}
    ace.retry()
    ace.work()
    assert ace.states() == {"sent": 4, "failed": 1}
    assert "l2@people.example" not in ace.smtp.addresses
    (failure,) = ace.get(f"/{communication['id']}")["failed"]
    assert "550 no such user" in failure["reason"]
    gc.collect()


# As above.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
def test_what_nobody_answers_for_is_in_doubt_and_not_sent_again(ace: Mailing) -> None:
    ace.smtp.at_data = lambda address, number: SWALLOW if address.startswith("l2@") else None
    ace.send(ace.write())
    ace.minute()
    ace.work()
    ace.retry()
    ace.work()
    assert ace.states() == {"sent": 4, "uncertain": 1}
    gc.collect()
