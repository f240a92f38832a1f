"""A learner's own page and the API behind it: themselves, nobody else, in words that a learner reads."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import formats, translation

from engage_backend.engagement.history import Row, pack
from engage_backend.governance.objections import erase, hide
from engage_backend.models import (
    Communication,
    CommunicationVersion,
    CourseRun,
    DailySnapshot,
    Delivery,
    HistoryChunk,
    Kind,
    Learner,
    Objection,
    Prediction,
    Submission,
)
from engage_backend.platform.api import get_platform
from engage_backend.platform.moments import to_text
from engage_backend.platform.standalone.models import Enrolment
from engage_backend.platform.standalone.platform import VIEW_AS
from tests.api.counting import questions

START = 1_704_067_200_000_000  # of the course run
DAY = 86_400_000_000

WHO = [  # who is logged in, as what they look at the course, the page's answer, the API's
    (None, None, 302, 401),
    ("stranger", None, 404, 403),
    ("other_staff", None, 404, 403),
    ("learner", None, 200, 200),
    ("staff", None, 200, 403),
    ("global_staff", None, 200, 403),
    ("staff", "learner", 200, 200),
    ("staff", "stranger", 404, 403),
]


@pytest.fixture
def learner(site: Any) -> Learner:
    """The learner of the course, with clicks of three weeks, a task, figures and a message."""
    made: Learner = site.learner(site.users["learner"].id, shown=(812, 733, 91, 3, 271))
    kinds = {
        name: Kind.objects.create(number=number, name=name)
        for number, name in enumerate(("play_video", "courseware"), 1)
    }
    rows = [Row(START + n * 2 * DAY, 1 + n % 2, 0, 0, -1.0, -1.0, -1) for n in range(10)]
    HistoryChunk.objects.create(
        learner=made, number=0, events=10, first=rows[0].time, last=rows[-1].time, data=pack(rows)
    )
    assert len(kinds) == 2
    Submission.objects.create(learner=made, block="b", score=1, possible=1, last_at=START)
    DailySnapshot.objects.create(learner=made, day=datetime(2024, 1, 9), model="m", certify=1, complete=2, leave=3)
    communication = Communication.objects.create(course_run=site.run, author_id=1)
    version = CommunicationVersion.objects.create(
        communication=communication, number=1, author_id=1, subject="Halfway <b>there</b>", body="b", criteria={}
    )
    for state, subject in (("sent", "Halfway"), ("skipped", "Never sent")):
        other = Communication.objects.create(course_run=site.run, author_id=1) if state == "skipped" else communication
        Delivery.objects.create(
            communication=other,
            learner=made,
            version=version,
            state=state,
            finished_at=datetime(2024, 2, 1, tzinfo=UTC),
        )
        assert subject
    return made


def page_url(site: Any) -> str:
    return reverse("engage:my_page", kwargs={"course_key": site.run.course_key})


def api_url(site: Any, what: str = "me") -> str:
    return f"/engage/api/v1/courses/{site.run.course_key}/{what}"


def words(response: Any) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def token(response: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def test_the_address_is_one_that_a_message_can_carry(site: Any) -> None:
    assert page_url(site) == "/engage/me/course-v1:TestX+T101+2024"


@pytest.mark.parametrize(("who", "seen_as", "page", "api"), WHO)
def test_a_learner_sees_themselves_and_nobody_sees_them(
    site: Any, learner: Learner, client: Client, who: str | None, seen_as: str | None, page: int, api: int
) -> None:
    if who is not None:
        client.force_login(site.users[who])
    if seen_as is not None:
        session = client.session
        session[VIEW_AS] = seen_as
        session.save()
    shown, told = client.get(page_url(site)), client.get(api_url(site))
    assert (shown.status_code, told.status_code) == (page, api)
    for response in (shown, told):
        says = response.content.decode()
        assert ("Halfway" in says) == (who == "learner" and response.status_code == 200)
        assert learner.pseudonym not in says
    if page == 302:
        assert shown["Location"].endswith("?next=/engage/me/course-v1%3ATestX%2BT101%2B2024")


def test_the_page_says_in_words_what_is_counted_and_what_was_written(
    site: Any, learner: Learner, learner_client: Client
) -> None:
    says = words(learner_client.get(page_url(site)))
    assert "10 clicks, from Jan. 1, 2024 to Jan. 19, 2024." in says
    assert "You handed in 1 task." in says
    assert "Halfway <b>there</b>" in says  # escaped: the text shows what was written
    assert says.count("Halfway") == 1  # what was never sent was never had
    assert "730 days after the end" in says


def test_a_subject_is_shown_with_the_learners_own_name(site: Any, learner: Learner, learner_client: Client) -> None:
    CommunicationVersion.objects.update(subject="[:firstname:], halfway, [: Full name :]")
    assert "MarkedFirst, halfway, MarkedFirst MarkedLast" in words(learner_client.get(page_url(site)))
    told = learner_client.get(api_url(site)).json()["messages"]
    assert [one["subject"] for one in told] == ["MarkedFirst, halfway, MarkedFirst MarkedLast"]
    site.users["learner"].first_name = site.users["learner"].last_name = ""
    site.users["learner"].save()
    says = words(learner_client.get(page_url(site)))
    assert "Halfway" in says and "[:" not in says  # where no name is known the mail said none either


@pytest.mark.parametrize(
    ("setting", "are_shown"),
    [(False, False), (True, True), (["course-v1:TestX+T101+2024"], True), (["course-v1:TestX+Other+2024"], False)],
)
def test_figures_are_shown_to_learners_only_where_the_course_team_asked_for_it(
    site: Any, learner: Learner, learner_client: Client, settings: Any, setting: Any, are_shown: bool
) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "LEARNERS_SEE_PREDICTIONS": setting}
    says = words(learner_client.get(page_url(site)))
    for number in range(2, 7):  # of these five one is less likely to leave, and one has no figure
        site.learner(number, shown=(500, 500, {2: 3, 3: None}.get(number, 600)))
    said = words(learner_client.get(page_url(site)))
    ranked = "more likely than for 2 of 10 learners here" in said
    assert ("81 %" in says, "73 %" in says, "3–4 days" in says, ranked) == (are_shown,) * 4
    assert ("less likely than nearly everybody here" in says, "9 %" in says) == (are_shown, False)
    told = learner_client.get(api_url(site)).json()["predictions"]
    figures = {"certify": 812, "complete": 733, "leave": 91, "level": 3} if are_shown else {}
    assert told == {"shown": are_shown, **figures}


def test_saying_no_and_taking_it_back_with_the_pages_own_buttons(site: Any, learner: Learner) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(site.users["learner"])

    def press(say: str) -> Any:
        asked = browser.get(page_url(site), {"ask": say})
        assert f'name="say" value="{say}"' in asked.content.decode()
        done = browser.post(page_url(site), {"say": say, "csrfmiddlewaretoken": token(asked)})
        assert (done.status_code, done["Location"]) == (303, page_url(site) + "#choice")
        return words(browser.get(page_url(site)))

    says = press("not_here")
    assert "You are not predicted in this course" in says
    assert "10 clicks" in says  # for a day it can be undone
    assert HistoryChunk.objects.exists()
    assert "in any course of this site" in press("not_anywhere")
    assert "You are not predicted in this course" in press("again_everywhere")
    assert "A computer predicts" in press("again")
    assert "Undo" in press("not_here")
    erase(get_platform().now() + timedelta(days=1))
    says = words(browser.get(page_url(site)))
    assert "What is counted of you Nothing." in says
    assert "Predict me again in this course" in says
    assert (Learner.objects.get().state, Prediction.objects.get().certify) == ("left", None)
    assert not HistoryChunk.objects.exists()
    assert not DailySnapshot.objects.exists()
    assert "Halfway" in says  # that they were written to is not forgotten


@pytest.mark.parametrize("ask", ["not_here", "not_anywhere"])
def test_the_page_asks_once_and_says_what_will_go(
    site: Any, learner: Learner, learner_client: Client, ask: str
) -> None:
    text = learner_client.get(page_url(site)).content.decode()
    assert 'name="say"' not in text, "the first press only asks"
    assert f'name="ask" value="{ask}"' in text
    says = words(learner_client.get(page_url(site), {"ask": ask}))
    assert "are you sure?" in says
    assert "10 clicks that were counted in this course" in says
    assert "that you handed in 1 task, and what it was worth" in says
    assert "You can undo it for a day" in says
    assert ("in every other course" in says) == (ask == "not_anywhere")
    assert not Objection.objects.exists()
    assert "are you sure?" not in words(learner_client.get(page_url(site), {"ask": "<script>"}))


def test_until_when_it_can_be_undone_is_said(site: Any, learner: Learner, learner_client: Client) -> None:
    learner_client.post(page_url(site), {"say": "not_here"})
    until = Objection.objects.get().since + timedelta(days=1)
    assert f"is erased on {formats.date_format(until, 'DATETIME_FORMAT')} (UTC)" in words(
        learner_client.get(page_url(site))
    )
    assert learner_client.get(api_url(site)).json()["undo_until"] == to_text(until)


def test_while_it_can_be_undone_the_course_team_sees_nothing(
    site: Any, learner: Learner, learner_client: Client, staff_client: Client
) -> None:
    before = staff_client.get(api_url(site, "predictions")).json()
    assert before["learners"] == [learner.pseudonym]
    learner_client.post(page_url(site), {"say": "not_here"})
    assert staff_client.get(api_url(site, "predictions")).json()["learners"] == []
    assert staff_client.get(api_url(site, f"learners/{learner.pseudonym}")).status_code == 404
    hide(get_platform().now())
    told = staff_client.get(api_url(site, "predictions"), {"since": before["cursor"]}).json()
    assert (told["learners"], told["state"]) == ([learner.pseudonym], ["left"])
    assert (told["certify"], told["complete"], told["leave"]) == ([None], [None], [None])


@pytest.mark.django_db(transaction=True)
def test_who_has_unenrolled_still_sees_what_is_kept_and_objects(
    site: Any, learner: Learner, learner_client: Client
) -> None:
    Enrolment.objects.filter(user=site.users["learner"]).update(is_active=False)
    Learner.objects.update(state="left")
    assert "10 clicks" in words(learner_client.get(page_url(site)))
    assert learner_client.get(api_url(site)).json()["clicks"]["count"] == 10
    assert learner_client.post(page_url(site), {"say": "not_here"}).status_code == 303
    said = learner_client.post(api_url(site, "me/objection"), {"objects": True}, content_type="application/json")
    assert said.status_code == 204
    erase(get_platform().now() + timedelta(days=1))
    assert learner_client.get(api_url(site)).json()["clicks"]["count"] == 0
    Learner.objects.all().delete()
    assert learner_client.get(page_url(site)).status_code == 404, "nothing is kept any more"
    assert learner_client.get(api_url(site)).status_code == 403


@pytest.mark.parametrize("where", ["page", "api"])
@pytest.mark.django_db(transaction=True)
def test_a_forged_request_changes_nothing(site: Any, learner: Learner, where: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(site.users["learner"])
    if where == "page":
        response = browser.post(page_url(site), {"say": "not_here"})
    else:
        response = browser.post(api_url(site, "me/objection"), {"objects": True}, content_type="application/json")
    assert response.status_code == 403
    assert not Objection.objects.exists()
    assert HistoryChunk.objects.exists()


@pytest.mark.parametrize("say", ["", "everything", "not_here "])
def test_a_word_that_the_page_does_not_have_is_refused(site: Any, learner_client: Client, say: str) -> None:
    assert learner_client.post(page_url(site), {"say": say}).status_code == 400
    assert not Objection.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_course_team_says_nothing_for_a_learner(site: Any, staff_client: Client) -> None:
    assert staff_client.post(page_url(site), {"say": "not_here"}).status_code == 400
    answer = staff_client.post(api_url(site, "me/objection"), {"objects": True}, content_type="application/json")
    assert answer.status_code == 403
    assert not Objection.objects.exists()


def test_the_api_takes_an_objection_and_takes_it_back(site: Any, learner: Learner, learner_client: Client) -> None:
    def say(**words: Any) -> dict[str, Any]:
        response = learner_client.post(api_url(site, "me/objection"), words, content_type="application/json")
        assert response.status_code == 204, response.content
        found: dict[str, Any] = learner_client.get(api_url(site)).json()
        return found

    assert learner_client.get(api_url(site)).json()["clicks"]["count"] == 10
    told = say(objects=True)
    assert (told["objects"], told["clicks"]["count"]) == ("here", 10)
    assert say(objects=True, everywhere=True)["objects"] == "everywhere"
    assert say(objects=False, everywhere=True)["objects"] == "here"
    assert say(objects=False)["objects"] is None


@pytest.mark.parametrize(
    "body", [[], "yes", {}, {"objects": 1}, {"objects": True, "everywhere": "no"}, {"objects": True, "user": 5}]
)
@pytest.mark.django_db(transaction=True)
def test_what_is_no_objection_is_refused_with_a_reason(site: Any, learner_client: Client, body: Any) -> None:
    response = learner_client.post(api_url(site, "me/objection"), json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert "object" in response.json()["detail"]
    assert not Objection.objects.exists()


def test_a_learner_may_object_before_engage_has_met_the_course(site: Any, learner_client: Client) -> None:
    CourseRun.objects.all().delete()
    says = words(learner_client.get(page_url(site)))
    assert "Engage has not met you" in says
    assert learner_client.post(page_url(site), {"say": "not_here"}).status_code == 303
    assert Objection.objects.get().course_run == CourseRun.objects.get(course_key=site.run.course_key)


def test_the_page_runs_under_a_policy_that_lets_nothing_in_and_nobody_frames_it(
    site: Any, learner_client: Client
) -> None:
    response = learner_client.get(page_url(site))
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    text = response.content.decode()
    assert "<script" not in text
    assert " style=" not in text
    assert re.findall(r'(?:href|src)="(?!#)([^"]+)"', text) == ["/engage/me/style.css"]
    style = learner_client.get("/engage/me/style.css")
    assert style["Content-Type"].startswith("text/css")
    assert b"url(" not in style.content


def test_the_page_names_nobody(site: Any, learner: Learner, learner_client: Client) -> None:
    for url in (page_url(site), api_url(site)):
        told = learner_client.get(url).content.decode().lower()
        assert "marked" not in told
        assert str(site.users["learner"].id) not in told


@pytest.mark.parametrize("key", ["nonsense", "library-v1:TestX+Lib", "course-v1:No+Such+Run"])
def test_an_address_that_names_no_course_run_is_not_found(site: Any, learner_client: Client, key: str) -> None:
    assert learner_client.get(f"/engage/me/{key}").status_code == 404


def test_the_number_of_queries_does_not_grow_with_what_a_learner_did(
    site: Any, learner: Learner, learner_client: Client
) -> None:
    for number in range(1, 6):
        HistoryChunk.objects.create(
            learner=learner,
            number=number,
            events=1,
            first=1,
            last=1,
            data=pack([Row(START + number * 30 * DAY, 1, 0, 0, -1.0, -1.0, -1)]),
        )
    for _ in range(2):  # what a kind is called, a process asks once
        with questions() as asked:
            assert "15 clicks" in words(learner_client.get(page_url(site)))
    assert len(asked) <= 10, "\n".join(asked)  # an LMS has no clock of its own, which is one of them


def test_earlier_weeks_unfold(site: Any, learner: Learner, learner_client: Client) -> None:
    HistoryChunk.objects.create(
        learner=learner,
        number=1,
        events=12,
        first=1,
        last=1,
        data=pack([Row(START + (21 + 7 * n) * DAY, 1, 0, 0, -1.0, -1.0, -1) for n in range(12)]),
    )
    text = learner_client.get(page_url(site)).content.decode()
    latest, earlier = text.split("<details>")
    assert latest.count('<th scope="row">') == 8
    assert earlier.count('<th scope="row">') == 15 - 8


def test_the_inner_part_alone_is_there_for_a_block(site: Any, learner: Learner, learner_client: Client) -> None:
    part = learner_client.get(page_url(site) + "?part=1")
    assert "<html" not in part.content.decode()
    assert 'name="ask" value="not_here"' in part.content.decode()
    asked = learner_client.get(page_url(site) + "?part=1&ask=not_here").content.decode()
    assert 'name="say" value="not_here"' in asked


def test_since_when_somebody_is_counted_again_is_said(site: Any, learner: Learner, learner_client: Client) -> None:
    learner.counted_from = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=3)
    learner.save()
    assert "What came before Jan. 4, 2024 is not counted" in words(learner_client.get(page_url(site)))


@pytest.mark.parametrize(
    ("objects", "is_over", "ask"),
    [
        ("", False, ""),
        ("", False, "not_here"),
        ("not_here", False, ""),
        ("not_here", True, ""),
        ("not_here", True, "not_anywhere"),
        ("not_anywhere", False, ""),
        ("not_anywhere", True, ""),
    ],
)
@pytest.mark.parametrize("are_shown", [False, True])
def test_the_page_speaks_the_learners_language_from_first_to_last(
    site: Any,
    learner: Learner,
    learner_client: Client,
    settings: Any,
    objects: str,
    is_over: bool,
    ask: str,
    are_shown: bool,
) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "LEARNERS_SEE_PREDICTIONS": are_shown}
    if objects:
        learner_client.post(page_url(site), {"say": objects})
    if is_over:
        erase(get_platform().now() + timedelta(days=1))

    def texts(language: str) -> set[str]:
        with translation.override(language):
            page = learner_client.get(page_url(site), {"ask": ask}).content.decode()
        assert f'<html lang="{language}">' in page
        body = re.sub(r"<title>.*?</title>", "", page, flags=re.DOTALL)
        return {text for part in re.split(r"<[^>]+>", body) if len(text := " ".join(html.unescape(part).split())) > 1}

    alike = {text for text in texts("en") & texts("de") if re.search("[a-z]", text)}
    assert alike <= {"Videos", "Forum", "Testing", "Halfway <b>there</b> ·", site.run.course_key}


def test_the_own_page_says_nothing_of_a_level_that_is_not_there(
    site: Any, learner: Learner, learner_client: Client, settings: Any
) -> None:
    settings.ENGAGE = {**settings.ENGAGE, "LEARNERS_SEE_PREDICTIONS": True}
    assert "of the next seven" in words(learner_client.get(page_url(site)))
    site.predict(learner, (812, 733, 91))
    assert "of the next seven" not in words(learner_client.get(page_url(site)))
