"""What the facets say, and when they are sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from engage_backend.models import Communication, CommunicationVersion, CourseRun, DailySnapshot, Delivery, Learner
from engage_backend.platform.moments import to_minutes
from engage_backend.platform.standalone.models import Clock
from tests.api.counting import questions

NOW = datetime(2024, 3, 1, 12, 0, 30, tzinfo=UTC)
WEEK_AGO = NOW.date() - timedelta(days=7)


@pytest.fixture
def url(site: Any) -> str:
    """The endpoint's address; the site's clock stands at NOW."""
    Clock.objects.create(site_time=NOW, real_time=NOW, speed=0)
    return f"/engage/api/v1/courses/{site.run.course_key}/facets"


def learner(site: Any, number: int, **values: Any) -> Learner:
    made: Learner = site.learner(number, shown=values.pop("shown", None))
    Learner.objects.filter(pk=made.pk).update(**values)
    return made


def by_learner(body: dict[str, Any], column: str) -> dict[str, Any]:
    values = body["week"][column.removeprefix("week.")] if column.startswith("week.") else body[column]
    return dict(zip(body["learners"], values, strict=True))


def write_to(one: Learner, at: datetime, state: str = "sent") -> None:
    message = Communication.objects.create(course_run=one.course_run, author_id=1)
    version = CommunicationVersion.objects.create(communication=message, number=1, author_id=1, criteria={})
    Delivery.objects.create(communication=message, learner=one, version=version, state=state, finished_at=at)


def test_modes_and_cohorts_are_places_in_lists(site: Any, staff_client: Client, url: str) -> None:
    north = learner(site, 1, mode="verified", cohort="North")
    south = learner(site, 2, mode="audit", cohort="South")
    nowhere = learner(site, 3)
    body = staff_client.get(url).json()
    assert (body["modes"], body["cohorts"]) == (["audit", "verified"], ["North", "South"])
    assert by_learner(body, "mode") == {north.pseudonym: 1, south.pseudonym: 0, nowhere.pseudonym: None}
    assert by_learner(body, "cohort") == {north.pseudonym: 0, south.pseudonym: 1, nowhere.pseudonym: None}
    assert (body["as_of"], body["cursor"]) == ("2024-03-01T12:00:30Z", str(site.run.version))


@pytest.mark.parametrize("second", ["00", "29.500", "59.999999"])
def test_the_last_click_is_told_in_whole_minutes_cut_off(
    site: Any, staff_client: Client, url: str, second: str
) -> None:
    at = datetime.fromisoformat(f"2024-02-29T23:59:{second}+00:00")
    came, never = learner(site, 1, last_active=at), learner(site, 2)
    told = by_learner(staff_client.get(url).json(), "last_active")
    assert told == {came.pseudonym: to_minutes(at), never.pseudonym: None}
    assert told[came.pseudonym] * 60 == datetime(2024, 2, 29, 23, 59, tzinfo=UTC).timestamp()


def test_the_last_message_that_was_sent_counts(site: Any, staff_client: Client, url: str) -> None:
    one, other = learner(site, 1), learner(site, 2)
    write_to(one, NOW - timedelta(days=5))
    write_to(one, NOW - timedelta(days=2))
    write_to(one, NOW, state="failed")
    write_to(other, NOW, state="queued")
    told = by_learner(staff_client.get(url).json(), "written")
    assert told == {one.pseudonym: to_minutes(NOW - timedelta(days=2)), other.pseudonym: None}


def test_the_change_over_seven_days_is_from_what_was_shown_then(site: Any, staff_client: Client, url: str) -> None:
    one, fresh = learner(site, 1, shown=(700, 600, None)), learner(site, 2, shown=(1, 2, 3))
    for days, certify in ((6, 0), (7, 650), (8, 10), (30, 20)):
        day = NOW.date() - timedelta(days=days)
        DailySnapshot.objects.create(learner=one, day=day, model="m", certify=certify, complete=601, leave=5)
    body = staff_client.get(url).json()
    assert by_learner(body, "week.certify") == {one.pseudonym: 50, fresh.pseudonym: None}
    assert by_learner(body, "week.complete") == {one.pseudonym: -1, fresh.pseudonym: None}
    assert by_learner(body, "week.leave") == {one.pseudonym: None, fresh.pseudonym: None}


@pytest.mark.parametrize(("days", "delta"), [(6, None), (7, 100), (9, 100), (10, None)])
def test_a_consumer_that_was_away_for_two_days_leaves_the_comparison(
    site: Any, staff_client: Client, url: str, days: int, delta: int | None
) -> None:
    one = learner(site, 1, shown=(300, 300, 300))
    day = NOW.date() - timedelta(days=days)
    DailySnapshot.objects.create(learner=one, day=day, model="m", certify=200, complete=200, leave=200)
    assert by_learner(staff_client.get(url).json(), "week.certify") == {one.pseudonym: delta}


def test_who_left_is_not_told_and_nobody_of_another_course(site: Any, staff_client: Client, url: str) -> None:
    here = learner(site, 1)
    learner(site, 2, state="left")
    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=NOW)
    Learner.objects.create(course_run=other, user_id=3, enrolled_at=NOW, cohort="Elsewhere")
    body = staff_client.get(url).json()
    assert (body["learners"], body["cohorts"]) == ([here.pseudonym], [])


def test_facets_are_sent_again_only_when_they_may_say_something_else(site: Any, staff_client: Client, url: str) -> None:
    one = learner(site, 1, shown=(1, 2, 3))

    def asked() -> int:
        nonlocal etag
        response = staff_client.get(url, headers={"If-None-Match": etag})
        etag = response["ETag"]
        return response.status_code

    etag = ""
    Clock.objects.update(site_time=NOW + timedelta(minutes=5))
    assert [asked(), asked()] == [200, 304]
    site.predict(one, (2, 3, 4))
    assert [asked(), asked()] == [200, 304]
    write_to(one, NOW)
    assert [asked(), asked()] == [200, 304]
    Clock.objects.update(site_time=NOW + timedelta(minutes=10))
    assert [asked(), asked()] == [200, 304]


def test_while_clicks_come_facets_are_sent_once_a_minute_and_the_last_click_is_told(
    site: Any, staff_client: Client, url: str
) -> None:
    one = learner(site, 1)
    etag, sent = "", []
    for second in (0, 10, 20, 40, 75, 90, 110, 140, 200, 230):
        now = NOW + timedelta(seconds=second)
        Clock.objects.update(site_time=now)
        if second <= 90:
            site.predict(one, (second, second, second))
            CourseRun.objects.update(as_of=now)
            Learner.objects.update(last_active=now)
        response = staff_client.get(url, headers={"If-None-Match": etag})
        etag = response["ETag"]
        if response.status_code == 200:
            sent.append((second, response.json()["last_active"][0] - to_minutes(NOW)))
    # NOW is half a minute past: new minutes begin at 30, 90 and 150 seconds.
    assert sent == [(0, 0), (40, 1), (90, 2), (200, 2)]


def test_a_course_that_no_consumer_has_met_has_no_facets(site: Any, staff_client: Client, url: str) -> None:
    CourseRun.objects.all().delete()
    body = staff_client.get(url).json()
    assert (body["learners"], body["modes"], body["week"]["certify"], body["cursor"]) == ([], [], [], "0")


@pytest.mark.parametrize("learners", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_course(
    site: Any, staff_client: Client, url: str, learners: int
) -> None:
    for number in range(learners):
        one = learner(site, number, shown=(1, 2, 3), last_active=NOW, cohort=f"c{number}")
        DailySnapshot.objects.create(learner=one, day=WEEK_AGO, model="m", certify=1, complete=1, leave=1)
        write_to(one, NOW)
    with questions() as asked:
        assert len(staff_client.get(url).json()["learners"]) == learners
    assert len(asked) < 10
