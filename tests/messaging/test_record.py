"""Which learner had which message when is kept, can be taken out of the site, and training can leave those learners out."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from engage_backend.models import CommunicationVersion, Delivery
from tests.messaging.conftest import Mailing


def printed(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def course(mailing: Mailing) -> str:
    """A course run in which three of five had a message, the third of them perhaps."""
    mailing.send(mailing.write(pseudonyms=[learner.pseudonym for learner in mailing.learners[:3]]))
    mailing.minute()
    mailing.work()
    third = Delivery.objects.filter(learner=mailing.learners[2])
    third.update(state="uncertain", finished_at=None)
    return str(mailing.site.run.course_key)


def test_every_message_that_somebody_had_is_a_line(mailing: Mailing, course: str) -> None:
    CommunicationVersion.objects.update(subject="=HYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(printed("engage_export_messages", "--course", course))))
    assert [int(row["user_id"]) for row in rows] == [learner.user_id for learner in mailing.learners[:3]]
    assert [row["state"] for row in rows] == ["sent", "sent", "uncertain"]
    assert [bool(row["at"]) for row in rows] == [True, True, False]
    assert {row["subject"] for row in rows} == {"'=HYPERLINK(1)"}, "no spreadsheet takes it for a formula"
    assert {row["automatic"] for row in rows} == {"False"}


def test_training_is_told_of_them_when_it_asks(mailing: Mailing, course: str) -> None:
    assert printed("engage_left_out", "--course", course) == ""
    told = printed("engage_left_out", "--course", course, "--written-to")
    assert [int(line) for line in told.split()] == [learner.user_id for learner in mailing.learners[:3]]


@pytest.mark.django_db
def test_a_course_run_that_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="no course run"):
        call_command("engage_export_messages", "--course", "course-v1:No+Such+Run")
