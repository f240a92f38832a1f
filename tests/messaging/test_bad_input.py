"""What the endpoints of communications are given that they must not take: each has a clear answer, and sends nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from engage_backend.models import Communication, Delivery, Sending
from engage_backend.platform.standalone.platform import VIEW_AS
from tests.messaging.conftest import Mailing
from tests.messaging.mail_server import html_of, text_of

PATHS = [
    ("GET", "/communications"), ("POST", "/communications"), ("GET", "/communications/export"),
    ("POST", "/communications/export"), ("GET", "/templates"), ("GET", "/{one}"), ("PATCH", "/{one}"),
    ("DELETE", "/{one}"), ("POST", "/{one}/preview"), ("POST", "/{one}/test"), ("POST", "/{one}/send"),
    ("POST", "/{one}/resend"), ("POST", "/{one}/undo"), ("POST", "/{one}/stop"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "seen_as", "status"),
    [
        (None, None, 401),
        ("learner", None, 403),
        ("stranger", None, 403),
        ("other_staff", None, 403),
        ("staff", "learner", 403),
    ],
)
def test_only_the_course_team_reaches_an_endpoint(
    mailing: Mailing, who: str | None, seen_as: str | None, status: int
) -> None:
    communication = mailing.write()
    client = Client()
    if who is not None:
        client.force_login(mailing.site.users[who])
    if seen_as is not None:
        session = client.session
        session[VIEW_AS] = seen_as
        session.save()
    course = mailing.url.removesuffix("/communications")
    for method, path in PATHS:
        url = course + path.format(one=f"communications/{communication['id']}")
        answer = client.generic(method, url, "{}", "application/json")
        assert answer.status_code == status, (url, answer.content)
        assert answer["Content-Type"] == "application/problem+json"
        assert b"Hello" not in answer.content
    assert (Communication.objects.count(), Sending.objects.count()) == (1, 0)


@pytest.mark.parametrize("field", ["subject", "reply_to"])
@pytest.mark.parametrize(
    "injected", ["x\r\nBcc: all@world.example", "x\nBcc: a@b.example", "x\rB: c", "x\u2028B: c", "x\x00"]
)
def test_a_header_cannot_be_injected(mailing: Mailing, field: str, injected: str) -> None:
    answer = mailing.post(data={field: injected}, status=400)
    assert answer["detail"].startswith(f"{field}: ")
    assert Communication.objects.count() == 0


def test_a_name_that_injects_a_header_or_a_script_is_text(mailing: Mailing) -> None:
    mailing.enrol(1, first_name="<script>alert(1)</script>\r\nBcc: x@y.example", last_name="& Söhne")
    mailing.send(mailing.write(pseudonyms=[mailing.learners[-1].pseudonym]))
    mailing.minute()
    mailing.work()
    (letter,) = mailing.smtp.letters
    assert mailing.smtp.addresses == ["l6@people.example"]
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Hello <script>alert(1)</script> Bcc: x@y.example"
    assert "<script" not in html_of(letter)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html_of(letter)
    assert "& Söhne" in text_of(letter)


def test_a_script_in_subject_or_body_stays_text(mailing: Mailing) -> None:
    body = "<script>alert(1)</script>\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)> ![p](https://spy.example/p.png)"
    mailing.send(mailing.write(subject="<script>", body=body))
    mailing.minute()
    mailing.work()
    made = html_of(mailing.smtp.letters[0])
    assert mailing.smtp.letters[0]["Subject"] == "<script>"
    assert "<script" not in made
    assert "<img" not in made
    assert 'href="javascript' not in made


def test_five_megabytes_are_too_much(mailing: Mailing) -> None:
    answer = mailing.post(data={"subject": "s", "body": "x" * 5_000_000}, status=413)
    assert "larger than 3 megabytes" in answer["detail"]
    assert "20000 at most" in mailing.post(data={"body": "x" * 20_001}, status=400)["detail"].replace(",", "")


@pytest.mark.parametrize(
    "criteria",
    [
        "anna@people.example, ben@people.example",
        ["anna@people.example"],
        {"version": 1, "include": ["anna@people.example"]},
    ],
)
def test_an_address_list_is_no_criteria(mailing: Mailing, criteria: Any) -> None:
    answer = mailing.post(data={"criteria": criteria}, status=400)
    assert answer["detail"].startswith("criteria")
    assert Communication.objects.count() == 0


@pytest.mark.parametrize("name", ["l1@people.example", "", "anna1234@", "ANNA1234", "anna 123", "ann1234", "annual12"])
def test_what_could_be_nobodys_pseudonym_is_refused(mailing: Mailing, name: str) -> None:
    """Not dropped as of somebody who was removed: pseudonyms have eight characters, and no capitals, i, l, o or u."""
    answer = mailing.post(data={"pseudonyms": [mailing.learners[0].pseudonym, name]}, status=400)
    assert "1 of 2 pseudonyms are not of learners of this course run" in answer["detail"]
    assert Communication.objects.count() == 0


def test_another_courses_pseudonyms_are_refused_whole(mailing: Mailing) -> None:
    from engage_backend.models import CourseRun, Learner
    from tests.conftest import NOW

    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=NOW)
    stranger = Learner.objects.create(course_run=other, user_id=1, enrolled_at=NOW)
    names = [mailing.learners[0].pseudonym, stranger.pseudonym]
    answer = mailing.post(data={"pseudonyms": names}, status=400)
    assert "1 of 2 pseudonyms are not of learners of this course run" in answer["detail"]
    communication = mailing.write()
    mailing.patch(f"/{communication['id']}", {"pseudonyms": names}, status=400)
    mailing.post(f"/{communication['id']}/preview", {"pseudonym": stranger.pseudonym}, status=404)
    assert len(mailing.get(f"/{communication['id']}")["pseudonyms"]) == 5


def test_another_courses_communication_is_not_found(mailing: Mailing) -> None:
    from engage_backend.models import CourseRun
    from tests.conftest import NOW

    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=NOW)
    theirs = Communication.objects.create(course_run=other, author_id=1)
    mailing.get(f"/{theirs.pk}", status=404)
    mailing.send({"id": theirs.pk}, status=404)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"subjekt": "x"}, "subjekt: is not known"),
        ({"subject": 7}, "subject: is a int"),
        ({"reply_to": "a@b.example, c@d.example"}, "reply_to: is not one address"),
        ({"reply_to": "Ines <a@b.example>"}, "reply_to: is not one address"),
        ({"body": "Hi [:lastname:]"}, "[:firstname:] and [:fullname:]"),
        ({"body": "[me](https://x.example/[:firstname:])"}, "address of a link"),
        ({"from_name": "The Dean"}, "from_name"),  # shown, and never typed
        (
            {"reply_to": "dean@team.example"},
            "reply_to: is not one of your addresses here: marked-staff@address.example",
        ),
        ({"subject": "x" * 201}, "201 characters"),
        ({"pseudonyms": "abc"}, "pseudonyms: has to be a list"),
        ({"pseudonyms": [1]}, "pseudonyms: has to be a list"),
        ({"criteria": {"version": 1, "ranges": {"certify": [0, 2000]}}}, "criteria.ranges.certify"),
        ({"course_notice": "yes"}, "course_notice"),
        ([], "JSON object"),
    ],
)
def test_what_cannot_be_used_is_named(mailing: Mailing, given: Any, says: str) -> None:
    answer = mailing.client.post(mailing.url, json.dumps(given), "application/json")
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "key"),
        ({"key": "short"}, "key"),
        ({"key": "with a space in it"}, "key"),
        ({"key": "long-enough", "count": -1}, "count"),
        ({"key": "long-enough", "version": True}, "version"),
        ({"key": "long-enough", "send_at": "tomorrow"}, "send_at"),
        ({"key": "long-enough", "to": "everybody"}, "to: is not known"),
    ],
)
def test_a_confirmation_that_says_too_little_sends_nothing(mailing: Mailing, given: Any, says: str) -> None:
    communication = mailing.write()
    assert says in mailing.post(f"/{communication['id']}/send", given, status=400)["detail"]
    assert (Sending.objects.count(), Delivery.objects.count()) == (0, 0)


@pytest.mark.parametrize(("given", "says"), [({"subject": ""}, "no subject"), ({"body": ""}, "no text")])
def test_an_unfinished_draft_is_kept_and_not_sent(mailing: Mailing, given: Any, says: str) -> None:
    communication = mailing.write(**given)
    assert says in mailing.send(communication, status=409)["detail"]
    assert says in mailing.post(f"/{communication['id']}/preview")["refused"]


def test_nobody_selected_is_nobody_written_to(mailing: Mailing) -> None:
    assert "nobody is selected" in mailing.send(mailing.write(pseudonyms=[]), status=409)["detail"]


def test_a_form_of_another_site_cannot_send(mailing: Mailing) -> None:
    communication = mailing.write()
    client = Client(enforce_csrf_checks=True)
    client.force_login(mailing.site.users["staff"])
    answer = client.post(
        f"{mailing.url}/{communication['id']}/send", json.dumps({"key": "press-0001"}), "application/json"
    )
    assert answer.status_code == 403
    assert Sending.objects.count() == 0
