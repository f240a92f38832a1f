"""A course whose days go by as a test says, for messages that go out by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engage_backend.demo.clock import set_clock
from engage_backend.engagement.history import Row, pack
from engage_backend.models import Checkpoint, CourseRun, HistoryChunk, Kind, Prediction
from engage_backend.platform.moments import to_microseconds
from tests.messaging.conftest import Mailing

DAY = timedelta(days=1)
FIRST = datetime(2024, 3, 1, 9, tzinfo=UTC)  # outside of the quiet hours
SILENT = {"version": 1, "ranges": {"leave": [600, 1000]}}


class Course(Mailing):
    """A course whose days go by as the test says."""

    def day(self, number: int, *, hour: int = 9, fed: bool = True, passed: bool = True) -> None:
        """It is this day; `fed`: clicks have come up to now; `passed`: the daily pass was done. The clock looks."""
        now = FIRST.replace(hour=hour) + number * DAY
        set_clock(now, speed=0)
        if fed:
            Checkpoint.objects.update_or_create(source="logfile:x", defaults={"last_event": now - timedelta(hours=1)})
        if passed:
            CourseRun.objects.filter(pk=self.site.run.pk).update(clock_day=now.date())
        self.work()

    def clicks(self, learner: Any, *ages: float) -> None:
        """Clicks so many days before the first day."""
        rows = sorted(Row(to_microseconds(FIRST - age * DAY), 1, 0, 0, -1.0, -1.0, 0) for age in ages)
        HistoryChunk.objects.update_or_create(
            learner=learner,
            number=0,
            defaults={"events": len(rows), "first": rows[0].time, "last": rows[-1].time, "data": pack(rows)},
        )

    def leave(self, learner: Any, value: int) -> None:
        """What is predicted of a learner."""
        Prediction.objects.filter(learner=learner).update(leave=value)

    def automatic(self, mode: str, **given: Any) -> Any:
        """A communication that is automatic from the first day on, and was set so in two steps."""
        set_clock(FIRST, speed=0)
        made = self.write(criteria=SILENT, **given)
        self.patch(f"/{made['id']}", {"automation": "ask"})
        if mode == "send":
            self.patch(f"/{made['id']}", {"automation": "send"})
        return made

    def paused(self) -> str:
        """Why the one communication is paused, as the page is told."""
        (one,) = self.get()["communications"]
        return str(one["paused_because"])

    @classmethod
    def of(cls, mailing: Mailing) -> Course:
        """Forty learners of whom the first two are about to leave; all have clicked on four days."""
        Kind.objects.create(number=1, name="play_video")
        made = cls(mailing.site, mailing.client, mailing.smtp, mailing.learners)
        made.enrol(35)
        for learner in made.learners:
            made.clicks(learner, 1, 2, 3, 4)
        for learner in made.learners[:2]:
            made.leave(learner, 900)
        return made
