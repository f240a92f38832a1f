"""What the predictions endpoint answers: columns, cursors, ETags, and nothing about who somebody is."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engage_backend.api.predictions import answer, standing
from engage_backend.models import Checkpoint, LearnerStatus


def rows(body: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The columns as rows by pseudonym."""
    columns = [body[name] for name in ("learners", "state", "certify", "complete", "leave")]
    return {pseudonym: tuple(rest) for pseudonym, *rest in zip(*columns, strict=True)}


def test_everyone_enrolled_is_in_the_full_answer(site: Any, staff_client: Client) -> None:
    active = site.learner(1, shown=(734, 800, 100))
    gone = site.learner(2, state="gone", shown=(12, 30, None))
    never = site.learner(3, state="never_started")
    site.learner(4, state="left", shown=(None, None, None))
    body = staff_client.get(site.url).json()
    assert rows(body) == {
        active.pseudonym: ("active", 734, 800, 100),
        gone.pseudonym: ("gone", 12, 30, None),
        never.pseudonym: ("never_started", None, None, None),
    }
    assert body["total"] == 3
    assert body["cursor"] == "3"
    assert body["as_of"] == "2024-03-01T12:00:00Z"
    assert body["calibrated"] is False
    assert body["expected_pass_rate"] is None


def test_the_level_has_columns_of_its_own_and_is_not_told_of_who_left(site: Any, staff_client: Client) -> None:
    one, two = site.learner(1, shown=(734, 800, 100, 3, 271)), site.learner(2, shown=(12, 30, None))
    left = site.learner(3, shown=(1, 2, 3, 4, 388))
    cursor = staff_client.get(site.url).json()["cursor"]
    site.learner(3, state="left")
    site.predict(left, (1, 2, 3, 4, 388))
    for body, expected in (
        (staff_client.get(site.url).json(), {one.pseudonym: (3, 271), two.pseudonym: (None, None)}),
        (staff_client.get(f"{site.url}?since={cursor}").json(), {left.pseudonym: (None, None)}),
    ):
        told = zip(body["level"], body["expected_level"], strict=True)
        assert dict(zip(body["learners"], told, strict=True)) == expected


def test_the_states_are_those_of_the_contract() -> None:
    assert set(LearnerStatus.values) == {"active", "never_started", "gone", "finished", "left"}


def test_since_brings_only_what_changed_and_who_left(site: Any, staff_client: Client) -> None:
    first, second, third = (site.learner(n, shown=(n, n, n)) for n in (1, 2, 3))
    cursor = staff_client.get(site.url).json()["cursor"]
    site.predict(second, (500, 501, 502))
    site.learner(3, state="left", shown=(None, None, None))
    body = staff_client.get(f"{site.url}?since={cursor}").json()
    assert rows(body) == {
        second.pseudonym: ("active", 500, 501, 502),
        third.pseudonym: ("left", None, None, None),
    }
    assert body["total"] == 2
    assert rows(staff_client.get(f"{site.url}?since={body['cursor']}").json()) == {}
    assert first.pseudonym in rows(staff_client.get(site.url).json())


def test_following_the_cursor_ends_where_a_reload_does(site: Any, staff_client: Client) -> None:
    page: dict[str, Any] = {}
    body = staff_client.get(site.url).json()
    for n in range(12):
        site.learner(n % 5, state="left" if n == 9 else "active", shown=(n, n + 1, n + 2))
        body = staff_client.get(f"{site.url}?since={body['cursor']}").json()
        page.update(rows(body))
        page = {pseudonym: row for pseudonym, row in page.items() if row[0] != "left"}
    assert page == rows(staff_client.get(site.url).json())
    assert len(page) == body["total"] == 4


def test_what_is_committed_while_we_read_is_never_skipped(site: Any) -> None:
    learner = site.learner(1, shown=(1, 1, 1))
    before = standing(site.run.course_key)
    site.predict(learner, (2, 2, 2))
    body = json.loads(answer(before, since=None))
    assert rows(body)[learner.pseudonym] == ("active", 2, 2, 2)
    after = json.loads(answer(standing(site.run.course_key), since=int(body["cursor"])))
    assert rows(after)[learner.pseudonym] == ("active", 2, 2, 2)


@pytest.mark.parametrize("since", ["", "abc", "-1", "1.5", "٣", "9" * 30, "2", " 1", "1\n"])
def test_a_cursor_that_is_not_ours_is_gone(site: Any, staff_client: Client, since: str) -> None:
    site.learner(1, shown=(1, 1, 1))
    etag = staff_client.get(site.url)["ETag"]
    response = staff_client.get(site.url, {"since": since}, headers={"If-None-Match": etag})
    assert response.status_code == 410
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 410


def test_an_unchanged_course_is_answered_before_any_row_is_read(site: Any, staff_client: Client) -> None:
    site.learner(1, shown=(1, 1, 1))
    etag = staff_client.get(site.url)["ETag"]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = staff_client.get(site.url, headers={"If-None-Match": etag})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert response["Cache-Control"] == "private, no-cache"
    assert not [q for q in queries if "engage_learner" in q["sql"] or "engage_prediction" in q["sql"]]


@pytest.mark.parametrize("change", ["version", "model", "as_of", "calibrated"])
def test_the_etag_changes_with_what_the_answer_says(site: Any, staff_client: Client, change: str) -> None:
    etag = staff_client.get(site.url)["ETag"]
    assert staff_client.get(site.url)["ETag"] == etag
    setattr(site.run, change, {"version": 9, "model": "", "as_of": datetime.now(UTC), "calibrated": True}[change])
    site.run.save()
    response = staff_client.get(site.url, headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response["ETag"] != etag


@pytest.mark.parametrize("learners", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_course(site: Any, staff_client: Client, learners: int) -> None:
    for n in range(learners):
        site.learner(n, shown=(n, n, n))
    for url in (site.url, f"{site.url}?since=0"):
        with CaptureQueriesContext(connection) as queries:
            assert len(staff_client.get(url).json()["learners"]) == learners
        assert len(queries) < 10


def test_nothing_says_who_a_learner_is(site: Any, staff_client: Client) -> None:
    user = site.users["learner"]
    learner = site.learner(user.id, shown=(1, 2, 3))
    learner.mode, learner.cohort = "marked-mode", "marked-cohort"
    learner.save()
    for url in (site.url, f"{site.url}?since=0"):
        response = staff_client.get(url)
        told = (response.content.decode() + repr(response.headers)).lower()
        assert learner.pseudonym in told
        assert "marked" not in told
        assert str(user.id) not in told


def test_without_a_model_the_answer_says_so(site: Any, staff_client: Client) -> None:
    site.run.model = ""
    site.run.save()
    assert staff_client.get(site.url).json()["model"] is None


def test_the_model_is_named_and_its_card_says_on_what_it_was_trained(
    site: Any, staff_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.ENGAGE = {"MODEL": str(tmp_path)}
    assert staff_client.get(site.url).json()["model"] == {"name": "engage-base", "trained_on": None}
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"name": "engage-base", "trained_on": "four runs"}))
    assert staff_client.get(site.url).json()["model"] == {"name": "engage-base", "trained_on": "four runs"}
    for other in ('{"name": "another", "trained_on": "elsewhere"}', "[]", "no JSON at all", '{"name": "engage-base"}'):
        card.unlink()
        card.write_text(other)
        assert staff_client.get(site.url).json()["model"] == {"name": "engage-base", "trained_on": None}


def test_the_last_sign_of_life_of_a_consumer_is_told(site: Any, staff_client: Client) -> None:
    assert staff_client.get(site.url).json()["consumer"] == {
        "last_seen": None,
        "lag_seconds": None,
        "unreachable_since": None,
    }
    Checkpoint.objects.create(source="old.log")
    Checkpoint.objects.filter(source="old.log").update(updated=datetime.now(UTC) - timedelta(hours=5))
    assert 17_990 < staff_client.get(site.url).json()["consumer"]["lag_seconds"] < 18_060
    Checkpoint.objects.create(source="tracking.log")
    consumer = staff_client.get(site.url).json()["consumer"]
    assert 0 <= consumer["lag_seconds"] < 60
    assert datetime.fromisoformat(consumer["last_seen"]) > datetime.now(UTC) - timedelta(minutes=1)


def test_only_a_consumer_that_is_heard_says_that_its_source_does_not_answer(site: Any, staff_client: Client) -> None:
    since = datetime(2024, 3, 1, 10, 32, tzinfo=UTC)
    Checkpoint.objects.create(source="redis:lms:0", unreachable_since=since)
    Checkpoint.objects.create(source="redis:lms:1")
    assert staff_client.get(site.url).json()["consumer"]["unreachable_since"] == "2024-03-01T10:32:00Z"
    # One that ended in an outage, long ago: since then another source is read.
    Checkpoint.objects.filter(source="redis:lms:0").update(updated=datetime.now(UTC) - timedelta(hours=5))
    assert staff_client.get(site.url).json()["consumer"]["unreachable_since"] is None


def test_a_big_answer_is_small_and_smaller_compressed(site: Any, staff_client: Client) -> None:
    for n in range(200):
        site.learner(n, state="active", shown=(n, 1000 - n, 500 + n))
    content = staff_client.get(site.url).content
    assert len(content) < 200 * 45
    assert len(gzip.compress(content)) < len(content) / 2
