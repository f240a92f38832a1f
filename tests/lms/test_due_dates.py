"""When tasks are due for one learner: extensions, self-paced runs, relative dates, grace, open responses' own dates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from common.djangoapps.student.models import CourseEnrollment
from edx_when.models import ContentDate, DatePolicy, UserDate
from lms.djangoapps.courseware.models import StudentFieldOverride
from openedx.core.djangoapps.content.block_structure import api as block_structures
from openedx.core.djangoapps.content.course_overviews.models import CourseOverview
from openedx.core.djangoapps.schedules.models import Schedule
from openedx.features.course_experience import RELATIVE_DATES_FLAG
from xmodule.modulestore import django as modulestore

from engage_backend.engagement.live.compare import Comparison
from engage_backend.engagement.live.roster import sync_dates, sync_run
from engage_backend.messaging import selection
from engage_backend.messaging.criteria import VERSION, Criteria
from engage_backend.models import CourseRun, DueDate, Learner
from engage_backend.models.dates import dues_of
from engage_backend.platform.moments import from_microseconds
from tests.edx_platform.course import DUE, KEY

NOW = datetime.now(UTC).replace(microsecond=0)
LATER, YESTERDAY = NOW + timedelta(days=3), NOW - timedelta(days=1)
TASK = "hw1a"
WHO = ("learner", "beta_tester")


@pytest.fixture(autouse=True)
def _flag() -> Iterator[None]:
    yield
    RELATIVE_DATES_FLAG.everyone = True


def content_date(run: Any, name: str, kind: str = "problem", **policy: Any) -> ContentDate:
    made = DatePolicy.objects.create(**policy)
    return ContentDate.objects.create(course_id=KEY, policy=made, location=run.block(name, kind), field="due")


def extend(run: Any, date: ContentDate, **given: Any) -> UserDate:
    return UserDate.objects.create(user=run.users["learner"], content_date=date, **given)


def begin(run: Any, who: str, start: datetime | None, *, created: datetime | None = None) -> None:
    made = Schedule.objects.create(
        enrollment=CourseEnrollment.objects.get(user=run.users[who], course_id=KEY), start_date=start
    )
    Schedule.objects.filter(pk=made.pk).update(created=created or start or NOW)


def test_a_flag_that_is_asked_without_a_request_is_no_news(run: Any, platform: Any, caplog: Any) -> None:
    content_date(run, TASK, abs_date=LATER)
    assert platform.schedule(str(KEY)) is not None
    assert platform.own_dates(str(KEY)) is not None
    assert "accessed without a request" not in caplog.text
    RELATIVE_DATES_FLAG.is_enabled(KEY)
    assert "accessed without a request" in caplog.text, "what others ask is told as before"


def self_paced() -> None:
    CourseOverview.objects.filter(id=KEY).update(self_paced=True)


def due(platform: Any, run: Any, task: str = TASK) -> list[datetime | None]:
    """When the task is due for learner and beta tester, as it is copied."""
    made = sync_run(platform, str(KEY))
    assert made is not None
    sync_dates(platform, made)
    made.refresh_from_db()
    block = str(run.block(task, "openassessment" if task == "essay" else "problem"))
    learners = {one.user_id: one for one in Learner.objects.filter(course_run=made)}
    dues = dues_of(made, list(learners.values()))
    found = [dues[learners[run.users[who].id].pk].get(block) for who in WHO]
    return [None if at is None else from_microseconds(at) for at in found]


def picked(run: Any, hours: Any = None, task: str = TASK) -> set[str]:
    """Which of the two have not handed it in, due so far away."""
    kind = "openassessment" if task == "essay" else "problem"
    asked = {"block": str(run.block(task, kind)), "handed_in": False}
    if hours is not None:
        asked["due_in_hours"] = hours
    criteria = Criteria.from_json({"version": VERSION, "states": ["never_started"], "task": asked})
    found = selection.select(CourseRun.objects.get(), criteria, NOW)
    users = set(Learner.objects.filter(pk__in=found).values_list("user_id", flat=True))
    return {who for who in WHO if run.users[who].id in users}


def test_the_dates_of_edx_when_are_the_courses_and_without_them_the_blocks(run: Any, platform: Any) -> None:
    assert due(platform, run) == [DUE, DUE]
    content_date(run, "hw1", "sequential", abs_date=LATER)
    assert due(platform, run) == [LATER, LATER]
    content_date(run, TASK, abs_date=YESTERDAY)
    assert due(platform, run) == [YESTERDAY, YESTERDAY], "the nearest level that has one"


def test_who_was_given_more_time_is_not_missing(run: Any, platform: Any) -> None:
    date = content_date(run, "hw1", "sequential", abs_date=YESTERDAY)
    due(platform, run)
    assert picked(run, [None, 0]) == {"learner", "beta_tester"}
    extend(run, date, abs_date=LATER)
    assert due(platform, run) == [LATER, YESTERDAY]
    assert picked(run, [None, 0]) == {"beta_tester"}
    assert picked(run, [0, None]) == {"learner"}
    assert picked(run, [0, 71]) == set()
    assert picked(run, [0, 72]) == {"learner"}
    assert picked(run) == {"learner", "beta_tester"}


def test_an_extension_counts_at_the_nearest_level_and_the_last_one(run: Any, platform: Any) -> None:
    above, own = content_date(run, "hw1", "sequential", abs_date=YESTERDAY), content_date(run, TASK, abs_date=DUE)
    extend(run, above, abs_date=LATER)
    assert due(platform, run) == [DUE, DUE], "the problem has a date of its own"
    assert due(platform, run, "hw1b") == [LATER, YESTERDAY]
    extend(run, own, abs_date=NOW)
    extend(run, own, rel_date=timedelta(days=2))
    assert due(platform, run) == [DUE + timedelta(days=2), DUE]
    extend(run, own)  # revoked
    assert due(platform, run) == [DUE, DUE]
    assert due(platform, run, "hw1b") == [LATER, YESTERDAY]


def test_an_extension_that_is_gone_is_gone(run: Any, platform: Any) -> None:
    extend(run, content_date(run, TASK, abs_date=YESTERDAY), abs_date=LATER)
    assert due(platform, run) == [LATER, YESTERDAY]
    UserDate.objects.all().delete()
    assert due(platform, run) == [YESTERDAY, YESTERDAY]
    assert not DueDate.objects.exists()


def test_what_authors_set_is_void_in_a_self_paced_run(run: Any, platform: Any) -> None:
    self_paced()
    date = content_date(run, TASK, abs_date=YESTERDAY)
    assert due(platform, run) == [None, None]
    assert picked(run) == picked(run, [None, 0]) == set(), "nobody without a due date is missing or reminded"
    extend(run, date, abs_date=LATER)
    assert due(platform, run) == [LATER, None]
    assert picked(run) == {"learner"}


def test_relative_dates_count_from_the_learners_own_start(run: Any, platform: Any) -> None:
    self_paced()
    date = content_date(run, "hw1", "sequential", rel_date=timedelta(days=7))
    begin(run, "learner", NOW - timedelta(days=6))
    assert due(platform, run) == [NOW + timedelta(days=1), None]
    begin(run, "beta_tester", NOW - timedelta(days=9))
    assert due(platform, run) == [NOW + timedelta(days=1), NOW - timedelta(days=2)]
    assert picked(run, [None, 0]) == {"beta_tester"}
    assert picked(run, [0, 24]) == {"learner"}
    extend(run, date, rel_date=timedelta(days=3))
    assert due(platform, run) == [NOW + timedelta(days=4), NOW - timedelta(days=2)]
    Schedule.objects.update(start_date=NOW)  # deadlines were reset
    assert due(platform, run) == [NOW + timedelta(days=10), NOW + timedelta(days=7)]


def test_relative_dates_end_with_the_course_and_need_the_flag(run: Any, platform: Any) -> None:
    self_paced()
    CourseOverview.objects.filter(id=KEY).update(end=LATER)
    content_date(run, TASK, rel_date=timedelta(days=7))
    begin(run, "learner", NOW - timedelta(days=1), created=NOW - timedelta(days=30))
    begin(run, "beta_tester", NOW - timedelta(days=30), created=NOW)
    assert due(platform, run) == [LATER, None], "who came too late for all dates has none"
    assert picked(run, [0, 71]) == set()
    assert picked(run, [0, 72]) == picked(run, [71, 72]) == {"learner"}
    RELATIVE_DATES_FLAG.everyone = False
    assert due(platform, run) == [None, None]


def test_a_grace_period_is_time_to_hand_in(run: Any, platform: Any) -> None:
    content_date(run, TASK, abs_date=NOW - timedelta(hours=1))
    modulestore.COURSES[KEY].graceperiod = timedelta(hours=2)
    due(platform, run)
    assert picked(run, [None, 0]) == set()
    modulestore.COURSES[KEY].graceperiod = timedelta(minutes=30)
    due(platform, run)
    assert picked(run, [None, 0]) == {"learner", "beta_tester"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, DUE),
        ({"submission_due": "2029-01-01T00:00:00+00:00"}, DUE),
        ({"submission_due": "2024-01-20T00:00:00"}, datetime(2024, 1, 20, tzinfo=UTC)),
        ({"submission_due": "2025-01-20T00:00:00Z"}, DUE),
        ({"submission_due": "2024-01-20T00:00:00", "date_config_type": "subsection"}, DUE),
        ({"date_config_type": "course_end"}, datetime(2030, 6, 1, tzinfo=UTC)),
    ],
)
def test_an_open_response_has_dates_of_its_own(run: Any, platform: Any, given: Any, expected: datetime) -> None:
    essay = run.block("essay", "openassessment")
    collected = {"grades": {"explicit_graded": None, "max_score": 5.0}}
    structure = block_structures.COLLECTED[KEY]
    structure.add(run.block("hw1unit", "vertical"), essay, collected, graded=True, has_score=True, weight=None)
    block = SimpleNamespace(category="openassessment", location=essay, **given)
    modulestore.COURSES[KEY].blocks.append(block)
    assert due(platform, run, "essay") == [expected, expected]


def test_old_sites_keep_extensions_elsewhere(run: Any, platform: Any, settings: Any) -> None:
    content_date(run, TASK, abs_date=YESTERDAY)
    StudentFieldOverride.objects.create(
        course_id=KEY, location=run.block("hw1", "sequential"), student=run.users["learner"], field="due",
        value=json.dumps(LATER.isoformat()),
    )  # fmt: skip
    assert due(platform, run, "hw1b") == [DUE, DUE]
    settings.FIELD_OVERRIDE_PROVIDERS = (
        "lms.djangoapps.courseware.student_field_overrides.IndividualStudentOverrideProvider",
    )
    assert due(platform, run, "hw1b") == [LATER, DUE]


def test_dates_take_a_few_queries_however_many_learners(
    run: Any, platform: Any, django_assert_max_num_queries: Any
) -> None:
    extend(run, content_date(run, TASK, rel_date=timedelta(days=7)), abs_date=LATER)
    begin(run, "learner", NOW)
    begin(run, "beta_tester", NOW)
    with django_assert_max_num_queries(9):  # edx-when's dates and flags twice, for tasks and for learners
        platform.own_dates(str(KEY))


def test_the_consumer_reads_them_by_itself(run: Any, platform: Any) -> None:
    extend(run, content_date(run, TASK, abs_date=YESTERDAY), abs_date=LATER)
    sync_run(platform, str(KEY))
    list(Comparison(platform).facts(NOW))
    assert DueDate.objects.get().learner.user_id == run.users["learner"].id
