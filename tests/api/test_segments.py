"""Presets, segments and counts: how many there are now, and how many there were a week ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from engage_backend.governance.retirement import retire
from engage_backend.models import CourseRun, DailySnapshot, DueDate, Learner, Segment, Submission
from engage_backend.platform.moments import to_microseconds
from engage_backend.platform.standalone.models import Clock
from tests.api.counting import questions
from tests.api.test_access import assert_problem

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
THEN = datetime(2024, 2, 23, tzinfo=UTC)  # the day of which snapshots are a week old
HOMEWORK = "block-v1:TestX+T101+2024+type@problem+block@hw1"
JSON = {"content_type": "application/json"}


@pytest.fixture
def url(site: Any) -> str:
    """Where the course's endpoints begin; the site's clock stands at NOW."""
    Clock.objects.create(site_time=NOW, real_time=NOW, speed=0)
    return f"/engage/api/v1/courses/{site.run.course_key}"


def learner(site: Any, number: int, shown: tuple[Any, Any, Any] | None = None, **values: Any) -> Learner:
    made: Learner = site.learner(number, shown=shown)
    Learner.objects.filter(pk=made.pk).update(**{"last_active": NOW, **values})
    return made


def snapshot(one: Learner, figures: tuple[int, int, int | None], **values: Any) -> None:
    named = dict(zip(("certify", "complete", "leave"), figures, strict=True))
    DailySnapshot.objects.create(
        **{"learner": one, "day": THEN.date(), "model": "m", "last_active": THEN, **named, **values}
    )


def presets(client: Client, url: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in client.get(f"{url}/presets").json()["presets"]}


def keep(client: Client, url: str, criteria: dict[str, Any], name: str = "Ours") -> Any:
    return client.post(f"{url}/segments", {"name": name, "criteria": {"version": 1, **criteria}}, **JSON)


def test_the_two_published_presets_are_there_with_their_counts(site: Any, staff_client: Client, url: str) -> None:
    one = learner(site, 1, (200, 800, 100))
    other = learner(site, 2, (700, 700, 800))
    learner(site, 3, (201, 800, 100))
    learner(site, 4, (0, 900, 900), state="gone")
    snapshot(one, (100, 900, 0))
    snapshot(other, (100, 900, 0))
    found = presets(staff_client, url)
    completes, leaves = found["Completes, but does not certify"], found["About to leave"]
    assert completes["criteria"]["ranges"] == {"certify": [0, 200], "complete": [800, 1000]}
    assert leaves["criteria"]["ranges"] == {"certify": [0, 700], "complete": [0, 700], "leave": [800, 1000]}
    assert (completes["count"], completes["week_ago"]) == (1, 2)
    assert (leaves["count"], leaves["week_ago"]) == (1, 0)
    assert completes["description"] == "active; certify 0–20 %; complete 80–100 %"


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ([800, 1000], "the 2 most likely to leave of 5"),
        ([900, 1000], "the 1 most likely to leave of 5"),
        ([0, 100], "the 3 least likely to leave of 5"),
        ([101, 850], "ranks 2 to 2 of 5 by likelihood to leave"),
        ([0, 999], "any likelihood to leave"),
        ([200, 700], "nobody by likelihood to leave"),
    ],
)
def test_a_range_of_leave_is_said_as_a_rank_in_groups(
    site: Any, staff_client: Client, url: str, leave: list[int], said: str
) -> None:
    for number, figure in enumerate((900, 800, 100, 100, 5, None)):
        learner(site, number, (500, 500, figure))
    learner(site, 9, (500, 500, 850), state="left")
    kept = keep(staff_client, url, {"ranges": {"leave": leave}}).json()
    assert kept["description"] == f"active; {said}"
    assert kept["criteria"]["ranges"] == {"leave": leave}, "what is selected is as it was"
    assert staff_client.get(f"{url}/segments").json()["segments"][0]["description"] == f"active; {said}"


def test_without_snapshots_nobody_knows_how_many_there_were(site: Any, staff_client: Client, url: str) -> None:
    learner(site, 1, (200, 800, 100))
    assert {one["week_ago"] for one in presets(staff_client, url).values()} == {None}


def test_who_had_not_started_a_week_ago_is_not_told(site: Any, staff_client: Client, url: str) -> None:
    snapshot(learner(site, 1), (1, 1, 1))
    learner(site, 2, state="never_started", last_active=None)
    preset = presets(staff_client, url)["Never started"]
    assert (preset["count"], preset["week_ago"]) == (1, None)


@pytest.mark.parametrize(
    ("criteria", "then"),
    [
        ({}, 2),  # active then: 1 and 3, who has gone since
        ({"states": ["gone"]}, 1),
        ({"states": ["finished"]}, 1),
        ({"states": ["active", "gone", "finished"]}, 4),
        ({"states": []}, 0),
        ({"states": ["active"], "days_inactive": [3, None]}, 1),
        ({"states": ["active"], "days_inactive": [0, 2]}, 1),
        ({"ranges": {"certify": [100, 100]}}, 2),
        ({"ranges": {"leave": [0, 1000]}}, 1),
        ({"everyone": True, "ranges": {"certify": [0, 0]}}, 2),
        ({"cohorts": ["North"]}, 1),
        ({"modes": ["audit"]}, 0),
        ({"written_to": {"days": 7, "had": False}}, 2),
        ({"written_to": {"days": 7, "had": True}}, 0),
        ({"exclude": ["aaaaaaaa"]}, 1),
        ({"states": [], "include": ["aaaaaaaa"]}, 1),
        ({"task": {"block": HOMEWORK, "handed_in": True}}, None),
        ({"states": ["active", "never_started"]}, None),
    ],
)
def test_the_count_a_week_ago_is_of_what_was_so_then(
    site: Any, staff_client: Client, url: str, criteria: dict[str, Any], then: int | None
) -> None:
    one = learner(site, 1, state="gone", pseudonym="aaaaaaaa", cohort="North")
    snapshot(one, (100, 1, 5), last_active=THEN - timedelta(hours=3))
    snapshot(learner(site, 2), (100, 1, None), last_active=THEN - timedelta(days=15))
    snapshot(learner(site, 3, state="left"), (100, 1, None), last_active=THEN - timedelta(days=3))
    snapshot(learner(site, 4, finished_at=THEN - timedelta(days=9)), (1000, 1, None))
    assert keep(staff_client, url, criteria).json()["week_ago"] == then


def test_the_task_due_next_makes_a_preset_while_it_is_due(site: Any, staff_client: Client, url: str) -> None:
    name = "Task due in 48 hours, not handed in"
    one, _ = learner(site, 1), learner(site, 2)
    Submission.objects.create(learner=one, block=HOMEWORK, score=1, possible=1, last_at=0)

    def due_in(hours: float) -> dict[str, Any] | None:
        due = to_microseconds(NOW + timedelta(hours=hours))
        site.run.graded = [["later", 0.1, due + 1, "Homework 2"], [HOMEWORK, 0.9, due, "Homework 1"]]
        site.run.save()
        return presets(staff_client, url).get(name)

    preset = due_in(48)
    assert preset is not None
    assert preset["criteria"]["task"] == {"block": HOMEWORK, "handed_in": False, "due_in_hours": [0, 48]}
    assert (preset["count"], preset["description"]) == (1, "active; “Homework 1” not handed in, due within 48 hours")
    assert due_in(49) is None
    assert due_in(-1) is None


@pytest.mark.parametrize("way", ["own schedule", "extension"])
def test_a_task_that_is_due_by_learners_own_dates_makes_a_preset_too(
    site: Any, staff_client: Client, url: str, way: str
) -> None:
    """In a self-paced run nothing is due on a date that is everybody's; an extension outlasts it."""
    name, day = "Task due in 48 hours, not handed in", 86_400_000_000
    one = learner(site, 1)
    learner(site, 2)
    past = to_microseconds(NOW) - day
    relative = 7 * day if way == "own schedule" else None
    due = None if relative else past
    site.run.graded = [
        ["early", 0.1, due, "Early", "", relative and day],
        [HOMEWORK, 0.9, due, "Homework 1", "", relative],
    ]
    site.run.own_dates = way == "extension"
    site.run.save()
    assert name not in presets(staff_client, url)
    if relative:
        Learner.objects.filter(pk=one.pk).update(dates_from=to_microseconds(NOW) - 6 * day)
    else:
        DueDate.objects.create(learner=one, block=HOMEWORK, due=to_microseconds(NOW) + day)
    preset = presets(staff_client, url)[name]
    assert (preset["criteria"]["task"]["block"], preset["count"]) == (HOMEWORK, 1)


def test_a_site_sets_its_own_presets(site: Any, staff_client: Client, url: str, settings: Any) -> None:
    learner(site, 1, (500, 0, 0))
    good = {"NAME": "Half way", "CRITERIA": {"ranges": {"certify": [500, 500]}}}
    bad = {"NAME": "Backwards", "CRITERIA": {"ranges": {"certify": [9, 1]}}}
    settings.ENGAGE = {"PRESETS": [good, bad]}
    assert [(one["name"], one["count"]) for one in presets(staff_client, url).values()] == [("Half way", 1)]
    problems = [message for message in run_checks() if message.id == "engage.E003"]
    assert len(problems) == 1
    assert "Backwards" in problems[0].msg and "ranges.certify: [9, 1] runs backwards" in problems[0].msg


@pytest.mark.parametrize(
    "value",
    [
        "all",
        {"NAME": "a", "CRITERIA": {}},
        [{"NAME": "a"}],
        [{"NAME": "", "CRITERIA": {}}],
        [{"NAME": 7, "CRITERIA": {}}],
        [{"NAME": "a", "CRITERIA": []}],
        [{"NAME": "a", "CRITERIA": {"version": 1}}],
        [{"NAME": "a", "CRITERIA": {}, "COLOUR": "red"}],
        [{"NAME": "a", "CRITERIA": {}, "TASK_DUE_HOURS": 0}],
        [{"NAME": "a", "CRITERIA": {}, "TASK_DUE_HOURS": True}],
        [{"NAME": "a", "CRITERIA": {}}] * 21,
    ],
)
def test_presets_that_cannot_be_read_are_reported_and_the_default_holds(
    site: Any, staff_client: Client, url: str, settings: Any, value: Any
) -> None:
    settings.ENGAGE = {"PRESETS": value}
    assert "engage.E002" in [message.id for message in run_checks()]
    assert "About to leave" in presets(staff_client, url)


def test_the_default_presets_pass_the_checks(settings: Any) -> None:
    settings.ENGAGE = {}
    assert not [message for message in run_checks() if message.id.startswith("engage.")]


def test_a_segment_is_kept_listed_and_deleted(site: Any, staff_client: Client, url: str) -> None:
    learner(site, 1, cohort="North")
    made = keep(staff_client, url, {"cohorts": ["North"]}, name="  Our North ")
    assert made.status_code == 201
    segment = made.json()
    assert (segment["name"], segment["count"], segment["description"]) == ("Our North", 1, "active; cohort North")
    assert Segment.objects.get().author_id == site.users["staff"].pk
    assert segment.pop("no_longer_here") == 0
    assert staff_client.get(f"{url}/segments").json() == {"segments": [segment]}
    assert staff_client.get(f"{url}/presets").json()["segments"] == [segment]
    assert staff_client.delete(f"{url}/segments/{segment['id']}").status_code == 204
    assert staff_client.get(f"{url}/segments").json() == {"segments": []}
    assert_problem(staff_client.delete(f"{url}/segments/{segment['id']}"), 404)


def test_a_segment_drops_who_was_removed_and_says_how_many(site: Any, staff_client: Client, url: str) -> None:
    gone, here = learner(site, 1, state="gone"), learner(site, 2, state="gone")
    retire(gone.user_id)
    picks = {"states": [], "include": [gone.pseudonym, here.pseudonym], "exclude": [gone.pseudonym]}
    segment = keep(staff_client, url, picks).json()
    assert (segment["no_longer_here"], segment["count"]) == (1, 1)
    assert segment["criteria"] == {"version": 1, "states": [], "include": [here.pseudonym]}
    assert Segment.objects.get().criteria == segment["criteria"]
    assert keep(staff_client, url, {}, name="Other").json()["no_longer_here"] == 0


def test_groups_are_sent_again_only_when_they_say_something_else(site: Any, staff_client: Client, url: str) -> None:
    number = keep(staff_client, url, {"cohorts": ["North"]}).json()["id"]
    etags = {"presets": "", "segments": ""}

    def asked() -> list[int]:
        statuses = []
        for address in etags:
            response = staff_client.get(f"{url}/{address}", headers={"If-None-Match": etags[address]})
            etags[address] = response["ETag"]
            statuses.append(response.status_code)
        return statuses

    assert [asked(), asked()] == [[200, 200], [304, 304]]
    learner(site, 1, cohort="North")
    assert [asked(), asked()] == [[200, 200], [304, 304]]
    learner(site, 2, cohort="South", state="gone")
    assert asked() == [304, 304]
    staff_client.delete(f"{url}/segments/{number}")
    assert [asked(), asked()] == [[200, 200], [304, 304]]


def test_a_name_is_given_once_and_fifty_segments_are_enough(site: Any, staff_client: Client, url: str) -> None:
    Segment.objects.bulk_create(
        Segment(course_run=site.run, name=f"Ours {number}", criteria={"version": 1}, author_id=1)
        for number in range(49)
    )
    assert_problem(keep(staff_client, url, {}, name="Ours 7"), 409)
    assert keep(staff_client, url, {}, name="Ours 49").status_code == 201
    assert_problem(keep(staff_client, url, {}, name="One more"), 409)


def test_a_segment_of_another_course_is_out_of_reach(site: Any, staff_client: Client, url: str) -> None:
    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=NOW)
    theirs = Segment.objects.create(course_run=other, name="Theirs", criteria={"version": 1}, author_id=1)
    assert staff_client.get(f"{url}/segments").json() == {"segments": []}
    assert_problem(staff_client.delete(f"{url}/segments/{theirs.pk}"), 404)
    assert Segment.objects.exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"criteria": {"version": 1}}, "'name' is missing"),
        ({"name": "a"}, "'criteria' is missing"),
        ({"name": "", "criteria": {"version": 1}}, "'name' has to be a text"),
        ({"name": "x" * 101, "criteria": {"version": 1}}, "'name' has to be a text"),
        ({"name": "a", "criteria": {"version": 1}, "id": 3}, "'id' is not known"),
        ({"name": "a", "criteria": {"version": 1, "state": []}}, "'state': is not known"),
        ({"name": "a", "criteria": {"version": 1, "ranges": {"leave": [9, 1]}}}, "ranges.leave: [9, 1] runs backwards"),
        (
            {"name": "a", "criteria": {"version": 1, "include": ["marked@address.example"]}},
            "include[0]: is no pseudonym",
        ),
    ],
)
def test_a_segment_that_cannot_be_kept_is_refused_by_what_is_wrong(
    site: Any, staff_client: Client, url: str, body: dict[str, Any], said: str
) -> None:
    response = staff_client.post(f"{url}/segments", body, **JSON)
    assert_problem(response, 400)
    assert said in response.json()["detail"]
    assert "marked" not in response.json()["detail"]
    assert not Segment.objects.exists()


def test_criteria_are_counted_before_they_have_a_name(site: Any, staff_client: Client, url: str) -> None:
    learner(site, 1, (500, 0, 0))
    learner(site, 2, (501, 0, 0))
    learner(site, 3, state="left")
    criteria = {"version": 1, "ranges": {"certify": [500, 500]}}
    assert staff_client.post(f"{url}/count", {"criteria": criteria}, **JSON).json() == {"count": 1, "of": 2}


def test_pseudonyms_of_another_course_select_nobody(site: Any, staff_client: Client, url: str) -> None:
    other = CourseRun.objects.create(course_key="course-v1:TestX+Other+2024", start=NOW)
    elsewhere = Learner.objects.create(course_run=other, user_id=5, state="active", enrolled_at=NOW)
    criteria = {"version": 1, "states": [], "include": [elsewhere.pseudonym]}
    assert staff_client.post(f"{url}/count", {"criteria": criteria}, **JSON).json() == {"count": 0, "of": 0}


def test_a_course_that_no_consumer_has_met_has_presets_of_nobody(site: Any, staff_client: Client, url: str) -> None:
    CourseRun.objects.all().delete()
    assert {one["count"] for one in presets(staff_client, url).values()} == {0}
    body = staff_client.post(f"{url}/count", {"criteria": {"version": 1}}, **JSON).json()
    assert body == {"count": 0, "of": 0}
    assert_problem(keep(staff_client, url, {}), 409)


@pytest.mark.parametrize("much", [1, 40])
def test_the_number_of_queries_does_not_grow_with_learners_or_segments(
    site: Any, staff_client: Client, url: str, much: int
) -> None:
    for number in range(much):
        snapshot(learner(site, number, (1, 2, 3)), (1, 2, 3))
        criteria = {"version": 1, "include": [f"{number:08d}"], "written_to": {"days": 3, "had": True}}
        Segment.objects.create(course_run=site.run, name=f"{number}", criteria=criteria, author_id=1)
    for address in ("presets", "segments"):
        with questions() as asked:
            assert len(staff_client.get(f"{url}/{address}").json()["segments"]) == much
        assert len(asked) <= 10
