"""The live engine: the same set of events ends in the same histories and predictions, however it came."""

from __future__ import annotations

import json
import random
import shutil

import pytest

from engage_backend.clickstream.event import ClickEvent
from engage_backend.engagement.folder import save_model
from engage_backend.engagement.live.engine import Unplaced
from engage_backend.models import CourseRun, DailySnapshot, Learner, LearnerState, Prediction, Submission, Tombstone
from engage_backend.platform.standalone.models import Enrolment
from tests.engagement.clicks import BLOCKS, DAY, KINDS, START, clicks, listening_model, small_model
from tests.engagement.live.conftest import LEARNERS, LiveSite

COUNTS = {101: 700, 102: 90, 103: 1}  # the first fills a chunk and begins a second; 104 never comes


def everything() -> list[ClickEvent]:
    return sorted(
        (event for user, count in COUNTS.items() for event in clicks(user, count)), key=lambda event: event.time
    )


def undisturbed(live: LiveSite) -> tuple[object, object]:
    """Histories and figures after all events came in order; then the tables are emptied again."""
    engine = live.engine()
    engine.tick()
    engine.ingest(everything())
    ended = live.histories(), live.shown()
    CourseRun.objects.all().delete()
    return ended


def differ(one: dict[int, tuple[int | None, ...]], other: dict[int, tuple[int | None, ...]]) -> int:
    """By how many per mille two sets of figures differ at most; 1 is a rounding edge at 1e-5."""
    assert one.keys() == other.keys()
    pairs = [pair for user in one for pair in zip(one[user], other[user], strict=True)]
    assert all((a is None) == (b is None) for a, b in pairs)
    return max(abs((a or 0) - (b or 0)) for a, b in pairs)


@pytest.mark.parametrize("seed", range(4))
def test_order_repetition_batches_and_restarts_change_nothing(live: LiveSite, seed: int) -> None:
    histories, shown = undisturbed(live)
    dice = random.Random(seed)
    events = everything()
    events += dice.sample(events, 200)
    dice.shuffle(events)
    engine = live.engine()
    while events:
        cut = dice.randint(1, 400)
        engine.ingest(events[:cut])
        events = events[cut:]
        if dice.random() < 0.3:
            engine = live.engine()  # the process died and another one goes on
    assert live.histories() == histories
    assert differ(live.shown(), shown) <= 1  # type: ignore[arg-type]


def test_events_fed_one_by_one_in_order_end_as_one_batch(live: LiveSite) -> None:
    histories, shown = undisturbed(live)
    engine = live.engine()
    for event in everything()[-60:]:
        engine.ingest([event])
    for event in everything()[:-60:25]:
        engine.ingest([event])
    engine.ingest(everything())
    assert live.histories() == histories
    assert differ(live.shown(), shown) <= 1  # type: ignore[arg-type]


def test_a_new_event_at_the_end_touches_the_last_chunk_alone(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    before = live.histories()
    last = max(event.time for event in clicks(101, COUNTS[101]))
    engine.ingest([clicks(101, COUNTS[101])[0]._replace(time=last + 1)])
    changed = {key for key, data in live.histories().items() if before.get(key) != data}
    assert changed == {(101, 1)}


def test_events_of_the_last_minute_come_in_any_order_without_a_replay(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    now = START + 41 * DAY
    recent = [clicks(102, 90)[0]._replace(time=now - seconds * 1_000_000) for seconds in (5, 50, 20)]
    positions = dict(LearnerState.objects.values_list("learner__user_id", "position"))
    for event in recent:
        engine.ingest([event])
    assert dict(LearnerState.objects.values_list("learner__user_id", "position")) == positions
    assert sum(1 for user, _ in live.histories() if user == 102) == 1
    assert Learner.objects.get(user_id=102).last_active.timestamp() == now / 1e6 - 5  # type: ignore[union-attr]


def test_everyone_enrolled_is_there_also_who_never_clicked(live: LiveSite) -> None:
    engine = live.engine()
    engine.tick()
    assert live.states() == dict.fromkeys(LEARNERS, "never_started")
    assert live.shown() == dict.fromkeys(LEARNERS, (None, None, None))
    engine.ingest(everything())
    assert live.states()[104] == "never_started"
    assert None not in live.shown()[102]


def test_silence_makes_gone_and_takes_the_prediction_of_leaving_away(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    assert live.states()[102] == "active"
    before = live.shown()[102]
    live.clock(44)
    engine.tick()
    assert live.states()[102] == "active"
    assert live.shown()[102] != before
    live.clock(70)
    live.engine().tick()
    assert live.states()[102] == "gone"
    certify, complete, leave = live.shown()[102]
    assert leave is None
    assert certify is not None
    assert complete is not None


def test_a_learner_with_the_passing_grade_is_finished(live: LiveSite) -> None:
    right = [
        clicks(103, 1)[0]._replace(
            kind="problem_check_correct", block=block, score=1.0, possible=1.0, attempt=1, time=START + n * DAY
        )
        for n, block in enumerate(BLOCKS[:4])
    ]
    live.engine().ingest(right[:3])
    assert live.states()[103] == "gone"
    live.engine().ingest(right)
    assert live.states()[103] == "finished"
    assert Learner.objects.get(user_id=103).finished_at is not None


def test_strangers_and_other_courses_are_counted_and_kept_out(live: LiveSite) -> None:
    event = clicks(101, 1)[0]
    unplaced = live.engine().ingest(
        [
            event,
            event._replace(learner=999),
            event._replace(learner=999),
            event._replace(course="course-v1:No+Such+Run"),
        ]
    )
    assert unplaced == {Unplaced.LEARNER: 2, Unplaced.COURSE: 1}
    assert set(live.states()) == set(LEARNERS)


def test_a_retired_learner_does_not_come_back(live: LiveSite) -> None:
    Tombstone.objects.create(user_id=101)
    unplaced = live.engine().ingest(clicks(101, 5))
    assert unplaced == {Unplaced.LEARNER: 5}
    assert 101 not in live.states()


def test_who_leaves_the_course_is_marked_under_a_new_cursor(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    engine.tick()
    version = CourseRun.objects.get().version
    Enrolment.objects.filter(user_id=102).update(is_active=False)
    live.clock(42)
    engine.tick()
    assert live.states()[102] == "left"
    assert Prediction.objects.get(learner__user_id=102).version > version


def test_a_removed_model_is_said_and_histories_go_on(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything()[:300])
    engine.tick()
    assert CourseRun.objects.get().model.startswith("test/")
    parked = live.model.rename(live.model.with_name("parked"))
    engine.tick()
    assert CourseRun.objects.get().model == ""
    engine.ingest(everything())
    shutil.move(parked, live.model)
    engine.tick()
    assert CourseRun.objects.get().model.startswith("test/")
    ended = live.histories(), live.shown()
    CourseRun.objects.all().delete()
    assert ended == undisturbed(live)


def test_an_lstm_is_served_in_any_order_and_gone_with_the_model_that_had_it(live: LiveSite) -> None:
    pytest.importorskip("torch")
    save_model(listening_model(), {"name": "test"}, live.model)
    whole = undisturbed(live)
    engine = live.engine()
    events = everything()
    random.Random(3).shuffle(events)
    for at in range(0, len(events), 97):
        engine.ingest(events[at : at + 97])
    engine.tick()
    assert differ(live.shown(), whole[1]) <= 1
    assert {len(bytes(state)) for state in LearnerState.objects.values_list("hidden", flat=True)} == {2 * 12 * 4}
    with_lstm = live.shown()
    save_model(small_model(), {"name": "test"}, live.model)
    live.engine().tick()
    assert {bytes(state) for state in LearnerState.objects.values_list("hidden", flat=True)} == {b""}
    assert differ(live.shown(), with_lstm) > 1


def test_a_model_that_is_refused_leaves_the_one_before_in_place(
    live: LiveSite, caplog: pytest.LogCaptureFixture
) -> None:
    engine = live.engine()
    engine.ingest(everything()[:300])
    engine.tick()
    before = CourseRun.objects.get().model
    card = json.loads((live.model / "card.json").read_text())
    card["parts"]["full"]["slope"] = [float("nan")] * 3
    (live.model / "card.json").write_text(json.dumps(card))
    engine.ingest(everything())
    engine.tick()
    assert CourseRun.objects.get().model == before
    assert "the model before it stays" in caplog.text and "slope of full holds what is no number" in caplog.text
    assert all(0 <= chance <= 1000 for chances in live.shown().values() for chance in chances if chance is not None)


def test_new_weights_rebuild_every_state_from_the_histories(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    engine.tick()
    first, before = CourseRun.objects.get(), live.shown()
    save_model(small_model(seed=5), {"name": "test"}, live.model)
    live.engine().tick()
    run = CourseRun.objects.get()
    assert run.model != first.model
    assert run.version > first.version
    assert live.shown()[101] != before[101]
    assert set(LearnerState.objects.values_list("model", flat=True)) == {run.model}


def test_a_day_is_kept_as_it_was_shown(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    engine.tick()
    kept = {
        s.learner.user_id: (s.certify, s.complete, s.leave) for s in DailySnapshot.objects.select_related("learner")
    }
    assert kept == {user: shown for user, shown in live.shown().items() if shown[0] is not None}
    engine.ingest([clicks(102, 1, seed=9)[0]._replace(time=START + 41 * DAY)])
    CourseRun.objects.update(clock_day=None)
    live.engine().tick()
    again = {
        s.learner.user_id: (s.certify, s.complete, s.leave) for s in DailySnapshot.objects.select_related("learner")
    }
    assert again == kept


def test_submissions_keep_the_last_score_and_attempts_once(live: LiveSite) -> None:
    event = clicks(101, 1)[0]._replace(kind=KINDS[4], block=BLOCKS[0], score=1.0, possible=2.0, attempt=1)
    later = event._replace(time=event.time + 60_000_000, score=2.0, attempt=2)
    worse = event._replace(time=event.time + 120_000_000, score=0.0, attempt=3)
    for batch in ([later], [event, worse], [event, later]):
        live.engine().ingest(batch)
    (kept,) = Submission.objects.all()
    assert (kept.block, kept.score, kept.possible, kept.attempts) == (BLOCKS[0], 0.0, 2.0, 3)
    assert kept.last_at == worse.time


def test_pages_get_a_new_cursor_only_when_something_changed(live: LiveSite) -> None:
    engine = live.engine()
    engine.ingest(everything())
    engine.tick()
    version = CourseRun.objects.get().version
    engine.ingest(everything()[-5:])
    engine.tick()
    assert CourseRun.objects.get().version == version


def test_what_is_shown_comes_with_its_reasons_and_nothing_else_does(live: LiveSite) -> None:
    live.engine().ingest(everything())
    told = {one.learner.user_id: one for one in Prediction.objects.select_related("learner")}
    assert all(bool(one.reasons) == (one.certify is not None) for one in told.values())
    assert {one.certify is not None for one in told.values()} == {True, False}
    assert '"certify"' in told[102].reasons
