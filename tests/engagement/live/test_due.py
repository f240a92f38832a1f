"""Which runs are passed over, and when: runs that are over, that the settings leave out, and many that are not due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from engage_backend.engagement.folder import save_model
from engage_backend.engagement.live.engine import Unplaced
from engage_backend.models import CourseRun, DailySnapshot
from engage_backend.platform.protocol import CourseSchedule
from engage_backend.platform.standalone.models import Course
from tests.engagement.clicks import COURSE, DAY, START, clicks, small_model
from tests.engagement.live.conftest import LiveSite

END = 100  # day of the course


def snapshots() -> int:
    return DailySnapshot.objects.filter(learner__user_id=101).count()


def test_a_run_that_is_over_is_passed_over_for_sixty_days_and_no_more(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(clicks(101, 20))
    for day in (END - 1, END + 30, END + 60):
        live.clock(day)
        assert engine.tick() == [COURSE]
    assert snapshots() == 3
    for day in (END + 61, END + 400):
        live.clock(day)
        assert engine.tick() == []
        assert live.engine().tick() == []
    assert snapshots() == 3


def test_of_a_run_that_is_over_a_new_model_makes_one_pass_and_a_click_another(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(clicks(101, 20))
    live.clock(END + 200)
    assert engine.tick() == [COURSE]
    save_model(small_model(seed=5), {"name": "test"}, live.model)
    assert engine.tick() == [COURSE]
    live.clock(END + 201)
    assert engine.tick() == []
    engine.ingest([clicks(101, 1)[0]._replace(time=START + (END + 201) * DAY)])
    assert live.states()[101] == "active"
    live.clock(END + 216)
    assert engine.tick() == [COURSE]
    assert live.states()[101] == "gone"
    live.clock(END + 300)
    assert engine.tick() == []


def test_an_end_that_is_moved_brings_a_run_back(live: LiveSite) -> None:
    engine = live.engine()
    live.clock(END + 200)
    engine.tick()
    course = Course.objects.get()
    schedule = CourseSchedule.from_json(course.schedule)._replace(end=START + (END + 300) * DAY)
    Course.objects.update(schedule=schedule.to_json())
    live.clock(END + 201)
    assert live.engine().tick() == [COURSE]  # a new process reads the schedules
    live.clock(END + 202)
    assert engine.tick() == [COURSE]


def test_a_run_that_the_settings_no_longer_name_is_predicted_no_more(live: LiveSite, settings: Any) -> None:
    engine = live.engine()
    engine.ingest(clicks(101, 20))
    engine.tick()
    shown, version = live.shown(), CourseRun.objects.get().version
    everything = settings.ENGAGE
    settings.ENGAGE = {**everything, "COURSES": ["course-v1:Other*"]}
    save_model(small_model(seed=5), {"name": "test"}, live.model)
    live.clock(45)
    without = live.engine()
    assert without.tick() == []
    assert without.ingest(clicks(101, 30)) + without.settle() == {Unplaced.COURSE: 30}
    assert (live.shown(), CourseRun.objects.get().version) == (shown, version)
    settings.ENGAGE = everything
    assert live.engine().tick() == [COURSE]
    assert live.shown() != shown


def test_a_clock_that_was_put_back_has_its_days_passed_over(live: LiveSite) -> None:
    engine = live.engine()
    assert engine.tick() == [COURSE]
    live.clock(20)
    assert engine.tick() == [COURSE]
    assert live.engine().tick() == []


def test_an_idle_step_asks_no_more_where_there_are_many_runs(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()

    def questions() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert engine.tick() == []
        return [one["sql"] for one in asked.captured_queries]

    few = questions()
    passed = CourseRun.objects.get()
    same = {"model": passed.model, "clock_day": passed.clock_day, "next_pass": passed.next_pass}
    start = datetime.fromtimestamp(START / 1e6, UTC)
    CourseRun.objects.bulk_create(
        CourseRun(course_key=f"course-v1:Many+{number}+2024", start=start, **same) for number in range(200)
    )
    assert questions() == few
    assert not [one for one in few if "engage_courserun" in one and "next_pass" not in one.partition("WHERE")[2]]
