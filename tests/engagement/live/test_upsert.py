"""Many rows in one statement: doubles within it, rows that are gone, values that are all null."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engage_backend.engagement.live.upsert import update_learners, upsert
from engage_backend.models import CourseRun, DailySnapshot, Learner, LearnerStatus

BEGUN = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def learners(db: None) -> list[Learner]:
    """More than fit into one statement."""
    run = CourseRun.objects.create(course_key="course-v1:TestX+Rows+2024", start=BEGUN)
    Learner.objects.bulk_create(Learner(course_run=run, user_id=n, enrolled_at=BEGUN) for n in range(1, 702))
    return list(Learner.objects.order_by("pk"))


def test_of_rows_alike_in_one_batch_the_last_one_counts_and_rows_that_are_there_are_updated(
    learners: list[Learner],
) -> None:
    def write(*rows: tuple[int, int]) -> dict[int, int | None]:
        values = [(pk, BEGUN.date(), "model", certify) for pk, certify in rows]
        upsert(DailySnapshot, values, unique=["learner", "day"], fixed=["model"], update=["certify"])
        return dict(DailySnapshot.objects.values_list("learner", "certify"))

    first, *others = [one.pk for one in learners]
    assert write((first, 1), *((pk, 2) for pk in others), (first, 3)) == {first: 3, **dict.fromkeys(others, 2)}
    assert write((first, 4))[first] == 4


def test_each_learner_gets_values_of_its_own_and_one_that_was_deleted_does_not_come_back(
    learners: list[Learner],
) -> None:
    gone, *there = learners
    Learner.objects.filter(pk=gone.pk).delete()
    for one in learners:
        one.state, one.last_active, one.mode = LearnerStatus.ACTIVE, BEGUN.replace(microsecond=one.user_id), "kept out"
    there[-1].last_active = None
    update_learners(learners, ["state", "last_active"])
    found = {one.pk: one for one in Learner.objects.all()}
    assert set(found) == {one.pk for one in there}
    assert all(found[one.pk].last_active == one.last_active for one in there)
    assert {(one.state, one.mode) for one in found.values()} == {(LearnerStatus.ACTIVE, "")}


def test_a_column_may_be_set_to_null_for_all(learners: list[Learner]) -> None:
    for value in (BEGUN, None):
        for one in learners:
            one.finished_at = value
        update_learners(learners, ["finished_at"])
        assert set(Learner.objects.values_list("finished_at", flat=True)) == {value}


def test_nothing_is_written_where_there_is_nothing(learners: list[Learner]) -> None:
    update_learners([], ["state"])
    upsert(DailySnapshot, [], unique=["learner", "day"], update=["certify"])
    assert not DailySnapshot.objects.exists()
