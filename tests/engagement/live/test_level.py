"""The engagement level as the engine keeps it: of whom, when, with which reasons, and what stays of it on a day."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.folder import save_model
from engage_backend.models import DailySnapshot, Prediction
from engage_backend.platform.standalone.models import Enrolment
from tests.engagement.clicks import clicks, leveled_model, small_model
from tests.engagement.live.conftest import LiveSite

COUNTS = {101: 300, 102: 90, 103: 5}  # 104 never comes


@pytest.fixture(autouse=True)
def leveled(live: LiveSite) -> None:
    save_model(leveled_model(), {"name": "leveled"}, live.model)


def everything() -> list[ClickEvent]:
    return sorted(
        (event for user, count in COUNTS.items() for event in clicks(user, count)), key=lambda event: event.time
    )


def test_who_has_clicked_has_a_level_however_the_events_came(live: LiveSite) -> None:
    live.engine().ingest(everything())
    told = live.levels()
    assert told.pop(104) == (None, None)
    for level, expected in told.values():
        assert level in range(5)
        assert expected in range(401)
    assert len({expected for _, expected in told.values()}) > 1
    Prediction.objects.all().delete()
    for event in everything()[::-1][:40]:
        live.engine().ingest([event])
    live.engine().ingest(everything())
    live.engine().tick()
    again = live.levels()
    assert all(abs(again[user][1] - told[user][1]) <= 1 for user in told)  # type: ignore[operator]
    assert {user: again[user][0] for user in told} == {user: level for user, (level, _) in told.items()}


def test_none_when_less_than_seven_days_are_left(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    for day, given in ((92.9, True), (93.1, False)):
        live.clock(day)
        engine.tick()
        if not given:  # the daily pass was today: a click brings the learner to now
            engine.ingest([everything()[-1]._replace(time=everything()[-1].time + 1)])
        levels = live.levels()
        last = everything()[-1].learner
        assert (levels[last] != (None, None)) is given
        assert Prediction.objects.get(learner__user_id=last).certify is not None


def test_none_of_who_has_left(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    assert live.levels()[102][0] is not None
    Enrolment.objects.filter(user__id=102).delete()
    live.clock(42)
    live.engine().tick()
    assert live.states()[102] == "left"


def test_a_model_without_the_part_gives_none_and_takes_it_away(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    save_model(small_model(), {"name": "other"}, live.model)
    engine.tick()
    assert set(live.levels().values()) == {(None, None)}
    assert "level" not in msgspec.json.decode(Prediction.objects.get(learner__user_id=101).reasons)


def test_a_snapshot_keeps_the_level_as_it_was_shown(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    engine.tick()
    shown = {user: level for user, (level, _) in live.levels().items() if level is not None}
    assert dict(DailySnapshot.objects.values_list("learner__user_id", "level")) == shown
    assert len(shown) == 3


def test_the_level_has_reasons_of_its_own(live: LiveSite) -> None:
    model = leveled_model()
    level = model.parts["level"]
    loud = replace(level.trees, value=level.trees.value * 8)
    model.parts = {**model.parts, "level": replace(level, trees=loud)}
    save_model(model, {"name": "loud"}, live.model)
    live.engine().ingest(everything())
    told = msgspec.json.decode(Prediction.objects.get(learner__user_id=101).reasons)
    assert 0 < len(told["level"]) <= 3
    assert told["level"] != told["certify"]
